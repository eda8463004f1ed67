"""Placement as its callers see it."""

import anyio
import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.errors import BadRequest, CloudError, Forbidden, Unauthorized
from actors.ids import ConsumerId, ProjectId, ProviderId, UserId
from actors.placement.config import PlacementConfig
from actors.placement.errors import (
    AllocationsNotFound,
    CannotDeleteParentResourceProvider,
    ConcurrentUpdateDetected,
    ConsumerGenerationConflict,
    DuplicateName,
    InvalidAllocationCapacityExceeded,
    InvalidInventoryCapacity,
    InventoryInUse,
    PlacementConflict,
    ProviderGenerationConflict,
    ResourceProviderConcurrentUpdateDetected,
    ResourceProviderInUse,
    ResourceProviderNotFound,
    UnknownProvider,
    UnknownTrait,
)
from actors.placement.messages import (
    CreateResourceProvider,
    DeleteAllocations,
    DeleteResourceProvider,
    ListAllocationCandidates,
    ListAllocations,
    ListInventories,
    ListProviderAggregates,
    ListProviderAllocations,
    ListProviderTraits,
    ListResourceProviders,
    ListUsages,
    ManageAllocations,
    ShowProviderUsages,
    ShowResourceProvider,
    UpdateAllocations,
    UpdateInventories,
    UpdateProviderAggregates,
    UpdateProviderTraits,
    UpdateResourceProvider,
)
from actors.placement.models import Allocation, ConsumerAllocations, Inventory, resources
from tests.actors.placement.office import DEMO, SMALL, USER, Office, host_inventories, over_capacity, play

NOBODY = ProviderId("nobody")


def test_placement_is_for_administrators_and_services():
    async def story(office: Office) -> None:
        assert await office.ask(ListResourceProviders(), "admin") == ()
        assert await office.ask(ListResourceProviders(), "service") == ()
        with pytest.raises(Forbidden):
            await office.ask(ListResourceProviders(), "demo")
        with pytest.raises(Unauthorized):
            await office.ask(ListResourceProviders(), None)

    play(story)


def test_a_project_sees_its_own_usages_and_no_others():
    async def story(office: Office) -> None:
        host = await office.host("host1")
        await office.claim("one", host.uuid)
        await office.claim("two", host.uuid)
        assert await office.ask(ListUsages(project_id=DEMO), "demo") == resources(VCPU=2, MEMORY_MB=1024, DISK_GB=2)
        assert await office.ask(ListUsages(project_id=DEMO, user_id=UserId("other")), "admin") == ()
        with pytest.raises(Forbidden):
            await office.ask(ListUsages(project_id=ProjectId("another")), "demo")

    play(story)


def test_a_provider_is_created_shown_renamed_and_deleted():
    async def story(office: Office) -> None:
        host = await office.ask(CreateResourceProvider(name="host1"))
        assert (host.generation, host.parent_provider_uuid, host.root_provider_uuid) == (0, None, host.uuid)
        renamed = await office.ask(UpdateResourceProvider(uuid=host.uuid, name="host2"))
        assert renamed == attrs.evolve(host, name="host2")
        assert await office.ask(ShowResourceProvider(uuid=host.uuid)) == renamed
        await office.ask(DeleteResourceProvider(uuid=host.uuid))
        with pytest.raises(ResourceProviderNotFound, match=host.uuid):
            await office.ask(ShowResourceProvider(uuid=host.uuid))
        assert await office.ask(ListResourceProviders()) == ()

    play(story)


def test_names_and_uuids_are_unique():
    async def story(office: Office) -> None:
        host = await office.ask(CreateResourceProvider(name="host1"))
        other = await office.ask(CreateResourceProvider(name="host2"))
        for wrong in (
            CreateResourceProvider(name="host1"),
            CreateResourceProvider(name="host3", uuid=host.uuid),
            UpdateResourceProvider(uuid=other.uuid, name="host1"),
        ):
            with pytest.raises(DuplicateName, match="already exists"):
                await office.ask(wrong)
        await office.ask(UpdateResourceProvider(uuid=host.uuid, name="host1"))

    play(story)


def test_a_provider_with_children_or_consumers_stays():
    async def story(office: Office) -> None:
        host = await office.host("host1")
        child = await office.ask(CreateResourceProvider(name="numa0", parent_provider_uuid=host.uuid))
        assert child.root_provider_uuid == host.uuid
        with pytest.raises(CannotDeleteParentResourceProvider):
            await office.ask(DeleteResourceProvider(uuid=host.uuid))
        await office.ask(DeleteResourceProvider(uuid=child.uuid))
        await office.claim("one", host.uuid)
        with pytest.raises(ResourceProviderInUse):
            await office.ask(DeleteResourceProvider(uuid=host.uuid))
        with pytest.raises(UnknownProvider):
            await office.ask(CreateResourceProvider(name="numa1", parent_provider_uuid=NOBODY))

    play(story)


def test_providers_are_found_by_any_of_their_properties():
    async def story(office: Office) -> None:
        first, second = await office.host("host1"), await office.host("host2", host_inventories(vcpus=1))
        await office.ask(UpdateProviderTraits(uuid=second.uuid, resource_provider_generation=1, traits=("OWNER_NOVA",)))
        await office.ask(
            UpdateProviderAggregates(uuid=first.uuid, resource_provider_generation=1, aggregates=("az-1",))
        )
        child = await office.ask(CreateResourceProvider(name="numa0", parent_provider_uuid=first.uuid))
        for conditions, found in [
            ({}, [first, second, child]),
            ({"name": "host2"}, [second]),
            ({"name": "host2", "uuid": first.uuid}, []),
            ({"uuid": first.uuid}, [first]),
            ({"in_tree": child.uuid}, [first, child]),
            ({"in_tree": NOBODY}, []),
            ({"in_tree": second.uuid, "uuid": first.uuid}, []),
            ({"required": ("OWNER_NOVA",)}, [second]),
            ({"member_of": (("az-1", "az-2"),)}, [first]),
            ({"resources": resources(VCPU=2)}, [first]),
        ]:
            answer = await office.ask(ListResourceProviders(**conditions))
            assert [one.uuid for one in answer] == [one.uuid for one in found], conditions

    play(story)


def test_inventories_traits_and_aggregates_are_replaced_by_whoever_has_seen_the_last_write():
    async def story(office: Office) -> None:
        host = await office.ask(CreateResourceProvider(name="host1"))
        written = await office.ask(
            UpdateInventories(uuid=host.uuid, resource_provider_generation=0, inventories=host_inventories())
        )
        assert written.resource_provider_generation == 1
        assert written == await office.ask(ListInventories(uuid=host.uuid))
        written = await office.ask(
            UpdateProviderTraits(uuid=host.uuid, resource_provider_generation=1, traits=("OWNER_NOVA", "CUSTOM_A"))
        )
        assert written.traits == ("CUSTOM_A", "OWNER_NOVA")
        assert written == await office.ask(ListProviderTraits(uuid=host.uuid))
        written = await office.ask(
            UpdateProviderAggregates(uuid=host.uuid, resource_provider_generation=2, aggregates=("b", "a"))
        )
        assert (written.aggregates, written.resource_provider_generation) == (("a", "b"), 3)
        assert written == await office.ask(ListProviderAggregates(uuid=host.uuid))
        for stale in (
            UpdateInventories(uuid=host.uuid, resource_provider_generation=2, inventories=()),
            UpdateProviderTraits(uuid=host.uuid, resource_provider_generation=2, traits=()),
            UpdateProviderAggregates(uuid=host.uuid, resource_provider_generation=4, aggregates=()),
        ):
            with pytest.raises(ProviderGenerationConflict, match="expected 3 but got") as refused:
                await office.ask(stale)
            assert refused.value.code == "placement.concurrent_update"
        assert len((await office.ask(ListInventories(uuid=host.uuid))).inventories) == 3

    play(story)


def test_to_set_the_same_traits_again_is_no_write():
    async def story(office: Office) -> None:
        host = await office.host("host1")
        again = UpdateProviderTraits(uuid=host.uuid, resource_provider_generation=1, traits=())
        assert (await office.ask(again)).resource_provider_generation == 1

    play(story)


def test_garbage_about_a_provider_is_refused_before_anything_changes():
    async def story(office: Office) -> None:
        host = await office.host("host1")
        with pytest.raises(UnknownTrait):
            await office.ask(
                UpdateProviderTraits(uuid=host.uuid, resource_provider_generation=1, traits=("OWNER_NOVA", "no"))
            )
        with pytest.raises(InvalidInventoryCapacity):
            await office.ask(
                UpdateInventories(
                    uuid=host.uuid,
                    resource_provider_generation=1,
                    inventories=(
                        Inventory(resource_class="VCPU", total=1),
                        Inventory(resource_class="DISK_GB", total=0),
                    ),
                )
            )
        assert (await office.ask(ListInventories(uuid=host.uuid))).inventories == host_inventories()
        assert (await office.ask(ShowResourceProvider(uuid=host.uuid))).generation == 1

    play(story)


def test_inventory_in_use_may_shrink_but_not_go():
    async def story(office: Office) -> None:
        host = await office.host("host1")
        await office.claim("one", host.uuid, amounts=resources(VCPU=8))
        with pytest.raises(InventoryInUse, match="Inventory for 'VCPU'") as refused:
            await office.ask(UpdateInventories(uuid=host.uuid, resource_provider_generation=2, inventories=()))
        assert refused.value.code == "placement.inventory.inuse"
        shrunk = (Inventory(resource_class="VCPU", total=4),)
        await office.ask(UpdateInventories(uuid=host.uuid, resource_provider_generation=2, inventories=shrunk))
        with pytest.raises(InvalidAllocationCapacityExceeded):
            await office.claim("two", host.uuid, amounts=resources(VCPU=1))

    play(story)


def test_a_claim_is_shown_from_every_side():
    async def story(office: Office) -> None:
        host = await office.host("host1")
        await office.claim("one", host.uuid)
        shown = await office.ask(ListAllocations(consumer_uuid=ConsumerId("one")))
        assert shown == ConsumerAllocations(
            consumer_uuid=ConsumerId("one"), project_id=DEMO, user_id=USER, consumer_generation=1,
            allocations=(Allocation(resource_provider_uuid=host.uuid, resources=SMALL, generation=2),),
        )  # fmt: skip
        of_host = await office.ask(ListProviderAllocations(uuid=host.uuid))
        assert [(one.consumer_uuid, one.resources, one.consumer_generation) for one in of_host.allocations] == [
            ("one", SMALL, 1)
        ]
        assert (await office.ask(ShowProviderUsages(uuid=host.uuid))).usages == SMALL

    play(story)


def test_a_consumer_that_does_not_exist_takes_nothing():
    async def story(office: Office) -> None:
        nothing = await office.ask(ListAllocations(consumer_uuid=ConsumerId("one")))
        assert (nothing.allocations, nothing.consumer_generation) == ((), None)

    play(story)


def test_a_conflict_has_three_meanings():
    async def story(office: Office) -> None:
        host = await office.host("host1", (Inventory(resource_class="VCPU", total=1),))
        one = resources(VCPU=1)
        await office.claim("one", host.uuid, amounts=one)
        with pytest.raises(InvalidAllocationCapacityExceeded, match=r"^Unable to allocate inventory: ") as no_room:
            await office.claim("two", host.uuid, amounts=one)
        assert no_room.value.code == "placement.undefined_code"
        with pytest.raises(
            ConsumerGenerationConflict, match=r"^consumer generation conflict - expected 1 but got null"
        ):
            await office.claim("one", host.uuid, amounts=one)
        with pytest.raises(
            ConsumerGenerationConflict, match=r"^consumer generation conflict - expected null but got 7"
        ):
            await office.claim("two", host.uuid, amounts=one, generation=7)
        error = ResourceProviderConcurrentUpdateDetected
        assert (error.code, error.status) == (ConsumerGenerationConflict.code, 409)

    play(story)


def test_a_refused_claim_leaves_no_consumer_behind():
    async def story(office: Office) -> None:
        host = await office.host("host1", (Inventory(resource_class="VCPU", total=1),))
        with pytest.raises(InvalidAllocationCapacityExceeded):
            await office.claim("one", host.uuid, amounts=resources(VCPU=2))
        with pytest.raises(UnknownProvider, match="nobody"):
            await office.claim("one", NOBODY)
        assert not office.store.consumers
        await office.claim("one", host.uuid, amounts=resources(VCPU=1))

    play(story)


def test_a_write_replaces_all_that_a_consumer_takes():
    async def story(office: Office) -> None:
        first, second = await office.host("host1"), await office.host("host2")
        await office.claim("one", first.uuid)
        await office.claim("one", second.uuid, generation=1)
        assert dict((await office.ask(ShowProviderUsages(uuid=first.uuid))).usages)["VCPU"] == 0
        assert dict((await office.ask(ShowProviderUsages(uuid=second.uuid))).usages)["VCPU"] == 1
        # As in placement, only the providers that are named in a write count it.
        assert (await office.ask(ShowResourceProvider(uuid=first.uuid))).generation == 2
        assert (await office.ask(ShowResourceProvider(uuid=second.uuid))).generation == 2

    play(story)


def test_an_empty_write_and_a_delete_give_everything_back():
    async def story(office: Office) -> None:
        host = await office.host("host1")
        await office.claim("one", host.uuid)
        await office.ask(
            UpdateAllocations(
                consumer_uuid=ConsumerId("one"), allocations=(), project_id=DEMO, user_id=USER, consumer_generation=1
            )
        )
        await office.claim("one", host.uuid)  # does not exist any more, so that null is right
        await office.ask(DeleteAllocations(consumer_uuid=ConsumerId("one")))
        with pytest.raises(AllocationsNotFound, match="'one'"):
            await office.ask(DeleteAllocations(consumer_uuid=ConsumerId("one")))
        assert not office.store.consumers
        assert await office.ask(ListUsages(project_id=DEMO)) == ()

    play(story)


def test_an_allocation_moves_from_an_instance_to_its_migration_on_a_full_host():
    async def story(office: Office) -> None:
        full, empty = [await office.host(name, (Inventory(resource_class="VCPU", total=1),)) for name in "ab"]
        core = resources(VCPU=1)
        await office.claim("instance", full.uuid, amounts=core)
        move = ManageAllocations(
            consumers=tuple(
                ConsumerAllocations(
                    consumer_uuid=ConsumerId(name),
                    project_id=DEMO,
                    user_id=USER,
                    consumer_generation=generation,
                    allocations=(Allocation(resource_provider_uuid=where, resources=core),),
                )
                for name, generation, where in [("migration", None, full.uuid), ("instance", 1, empty.uuid)]
            )
        )
        await office.ask(move)
        assert {uuid: [*one.consumers] for uuid, one in office.store.providers.items()} == {
            full.uuid: ["migration"],
            empty.uuid: ["instance"],
        }
        with pytest.raises(ConsumerGenerationConflict):
            await office.ask(move)

    play(story)


def test_several_consumers_get_all_or_nothing():
    async def story(office: Office) -> None:
        host = await office.host("host1", (Inventory(resource_class="VCPU", total=1),))
        with pytest.raises(InvalidAllocationCapacityExceeded):
            await office.ask(
                ManageAllocations(
                    consumers=tuple(
                        ConsumerAllocations(
                            consumer_uuid=ConsumerId(name),
                            project_id=DEMO,
                            user_id=USER,
                            allocations=(Allocation(resource_provider_uuid=host.uuid, resources=resources(VCPU=1)),),
                        )
                        for name in ("one", "two")
                    )
                )
            )
        assert not office.store.consumers
        assert not over_capacity(office.store)

    play(story)


def test_candidates_can_be_claimed_as_they_are():
    async def story(office: Office) -> None:
        await office.host("host1", host_inventories(vcpus=1, disk_gb=1))
        await office.host("host2")
        question = ListAllocationCandidates(resources=SMALL, limit=1000)
        for number, left in enumerate([2, 1]):
            found = await office.ask(question)
            assert len(found.provider_summaries) == left
            claim = found.allocation_request(found.provider_summaries[0])
            await office.ask(
                UpdateAllocations(
                    consumer_uuid=ConsumerId(f"{number}"),
                    allocations=claim.allocations,
                    project_id=DEMO,
                    user_id=USER,
                    consumer_generation=None,
                )
            )

    play(story)


@pytest.mark.parametrize(
    "wrong",
    [{"resources": ()}, {"resources": resources(VCPU=0)}, {"resources": resources(CORES=1)}, {"limit": 0},
     {"required": ("fast",)}, {"forbidden": ("fast",)}, {"root_required": ("fast",)}, {"root_forbidden": ("fast",)}],
)  # fmt: skip
def test_candidates_for_nonsense_are_refused(wrong):
    async def story(office: Office) -> None:
        with pytest.raises(BadRequest):
            await office.ask(ListAllocationCandidates(**{"resources": SMALL, **wrong}))

    play(story)


def test_candidates_are_a_random_sample_if_the_operator_says_so():
    async def story(office: Office) -> None:
        hosts = [(await office.host(f"host{number}")).uuid for number in range(20)]
        samples = [await office.ask(ListAllocationCandidates(resources=SMALL, limit=5)) for _ in range(20)]
        seen = {one.resource_provider_uuid for sample in samples for one in sample.provider_summaries}
        assert {len(sample.provider_summaries) for sample in samples} == {5}
        assert len(seen) > 10
        assert seen <= set(hosts)

    play(story, config=PlacementConfig(randomize_allocation_candidates=True))


def rivals(retries: int) -> list[object]:
    """What three schedulers get who claim on one host at the same moment."""

    async def story(office: Office) -> list[object]:
        host = await office.host("host1")
        answers: list[object] = []

        async def claim(consumer: str) -> None:
            try:
                answers.append(await office.claim(consumer, host.uuid))
            except CloudError as error:
                answers.append(error)

        async with anyio.create_task_group() as group:
            for name in ("one", "two", "three"):
                group.start_soon(claim, name)
        assert (await office.ask(ShowResourceProvider(uuid=host.uuid))).generation == 1 + answers.count(None)
        assert len(office.store.consumers) == answers.count(None)
        return answers

    return play(story, config=PlacementConfig(allocation_conflict_retry_count=retries), members=3)


def test_who_loses_the_race_for_a_provider_is_tried_again_inside_placement():
    assert rivals(retries=10) == [None, None, None]


def test_who_loses_it_too_often_is_told_to_come_back():
    won, *lost = rivals(retries=1)
    assert won is None
    for error in lost:
        assert isinstance(error, ResourceProviderConcurrentUpdateDetected)
        assert error.code == "placement.concurrent_update"
        assert "consumer generation conflict" not in str(error)


def test_of_two_who_write_to_one_consumer_at_once_the_later_is_told_so():
    async def story(office: Office) -> None:
        host = await office.host("host1")
        await office.claim("one", host.uuid)
        errors: list[Exception] = []

        async def again() -> None:
            try:
                await office.claim("one", host.uuid, generation=1)
            except CloudError as error:
                errors.append(error)

        async with anyio.create_task_group() as group:
            group.start_soon(again)
            group.start_soon(again)
        assert [type(one) for one in errors] == [ConcurrentUpdateDetected]
        assert office.store.consumers[ConsumerId("one")].generation == 2

    play(story)


def test_what_was_written_survives_the_crash_of_every_member():
    async def story(office: Office) -> None:
        host = await office.host("host1")
        await office.claim("one", host.uuid)
        for member in office.world.bus.targets("placement"):
            office.world.crash(member)
            await office.world.restart(member)
        assert (await office.ask(ListAllocations(consumer_uuid=ConsumerId("one")))).consumer_generation == 1

    play(story)


def test_a_member_that_dies_between_its_two_transactions_leaves_an_empty_consumer_behind(monkeypatch):
    monkeypatch.setattr("actors.placement.service.checkpoint", anyio.sleep_forever)

    async def story(office: Office) -> None:
        host = await office.host("host1")
        (member,) = office.world.bus.targets("placement")
        async with anyio.create_task_group() as group:
            group.start_soon(office.claim, "one", host.uuid)
            await anyio.sleep(1)
            office.world.crash(member)
            group.cancel_scope.cancel()
        await office.world.restart(member)
        assert (await office.ask(ListAllocations(consumer_uuid=ConsumerId("one")))).allocations == ()
        assert not office.store.providers[host.uuid].consumers
        with pytest.raises(ConsumerGenerationConflict, match="expected 0 but got null"):
            await office.claim("one", host.uuid)

    play(story, members=1)


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), schedulers=st.integers(1, 4), hosts=st.integers(1, 3), boots=st.integers(1, 8))
def test_no_host_is_ever_over_capacity_whoever_claims_when(seed, schedulers, hosts, boots):
    flavors = [resources(VCPU=1, MEMORY_MB=512), resources(VCPU=2, MEMORY_MB=512), resources(VCPU=1, MEMORY_MB=2048)]

    async def scheduler(office: Office, name: str) -> None:
        chance = office.world.random(name)
        mine: list[str] = []
        for number in range(boots):
            await anyio.sleep(chance.choice([0, 0, 0.001]))
            if mine and chance.random() < 0.3:
                await office.ask(DeleteAllocations(consumer_uuid=ConsumerId(mine.pop())))
                continue
            amounts = chance.choice(flavors)
            found = await office.ask(ListAllocationCandidates(resources=amounts, limit=2))
            for summary in found.provider_summaries:
                try:
                    await office.claim(f"{name}-{number}", summary.resource_provider_uuid, amounts=amounts)
                except PlacementConflict:
                    continue
                finally:
                    assert not over_capacity(office.store)
                mine.append(f"{name}-{number}")
                break

    async def story(office: Office) -> None:
        stock = (
            Inventory(resource_class="VCPU", total=1, allocation_ratio=4.0),
            Inventory(resource_class="MEMORY_MB", total=4096, reserved=512),
        )
        for number in range(hosts):
            await office.host(f"host{number}", stock)
        async with anyio.create_task_group() as group:
            for number in range(schedulers):
                group.start_soon(scheduler, office, f"scheduler{number}")
        for uuid in list(office.store.consumers):
            await office.ask(DeleteAllocations(consumer_uuid=uuid))
        assert all(not any(one.used.values()) for one in office.store.providers.values())

    play(story, seed=seed, members=2)
