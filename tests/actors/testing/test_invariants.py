"""Each invariant breaks when what it forbids is planted, and only by that."""

import anyio
import attrs
import pytest

from actors.auth_token import AuthTokenConfig
from actors.cinder.models import Attachment
from actors.cloud import Members
from actors.contents import IMAGE
from actors.context import Credentials
from actors.errors import CloudError
from actors.glance.states import ImageStatus
from actors.hypervisor.models import HostResources
from actors.ids import AttachmentId, PortId, ServerId
from actors.keystone.config import KeystoneConfig
from actors.keystone.messages import (
    Authenticate,
    CreateApplicationCredential,
    DeleteApplicationCredential,
    FlushTokens,
    RevokeRole,
    RevokeToken,
    RevokeUserTokens,
    RotateKeys,
    UpdateUser,
    ValidateToken,
)
from actors.keystone.service.tokens import Tokens
from actors.keystone.tokens.revocation import RevocationEvent
from actors.keystone.tokens.store import TokenStore
from actors.neutron.models import FixedIp
from actors.neutron.states import PortStatus
from actors.nova.messages.flavors import ListFlavors
from actors.nova.messages.server_groups import CreateServerGroup
from actors.nova.messages.servers import DeleteServer, ListServers
from actors.nova.models import BlockDevice, Fault, QuotaSet, Usage
from actors.nova.states import TaskState, VmState
from actors.testing.invariants import ALL, NOT_EXERCISABLE
from actors.testing.invariants.calls import NoAmplification
from actors.testing.rest import rest
from actors.testing.stage import OPERATOR
from actors.testing.workloads import Attach, Exchange, MakeVolume, run_workload
from bus.actor import Actor
from bus.message import Request, message
from tests.actors.testing.stories import CONFIG, Confused, Gullible, Paranoid, Watched, run


def test_every_invariant_of_the_catalogue_is_there_or_says_why_it_is_not():
    names = {f"S{number}" for number in range(1, 26)} | {f"L{number}" for number in range(1, 11)}
    assert {one.name for one in ALL} | set(NOT_EXERCISABLE) == names


def test_every_invariant_is_named_once_and_says_what_it_is_and_what_it_means():
    assert len({one.name for one in ALL}) == len(ALL)
    for one in ALL:
        assert one.title
        assert one.statement.endswith(".")
        assert one.matters.endswith(".")


# -- authority ---------------------------------------------------------------------------------------------------------


def test_S1_breaks_when_a_guard_forgets_that_tokens_expire():
    async def story(world):
        it = await Watched(world, gate=Gullible).start()
        await it.stage.demo.ask(ListServers())
        await anyio.sleep(50)
        await it.stage.demo.ask(ListServers())
        return it.broken()

    assert run(story) == {"S1"}


def test_S2_and_S5_break_when_a_guard_forgets_that_tokens_are_revoked():
    async def story(world):
        it = await Watched(world, _long_tokens(), gate=Gullible).start()
        await it.stage.demo.ask(ListServers())
        token = it.stage.demo.token.id
        await world.bus.ask(RevokeToken(subject=token), context=Credentials(token=token))
        with pytest.raises(CloudError):
            await it.stage.admin.ask(ValidateToken(subject=token))
        await anyio.sleep(20)
        await world.bus.ask(ListServers(), context=Credentials(token=token))
        return it.broken()

    assert run(story) == {"S2", "S5"}


def test_S3_and_L4_break_when_a_guard_lets_nobody_in():
    async def story(world):
        it = await Watched(world, _long_tokens(), gate=Paranoid).start()
        await anyio.sleep(3)
        with pytest.raises(CloudError):
            await it.stage.demo.ask(ListServers())
        return it.broken()

    assert run(story) == {"S3", "L4"}


def test_S4_breaks_when_a_token_outlives_the_one_that_it_was_exchanged_for(monkeypatch):
    monkeypatch.setattr("actors.keystone.authentication.expiry", lambda now, expiration, **_: now + expiration)

    async def story(world):
        it = await Watched(world).start()
        await it.stage.demo.ask(ListServers())
        await anyio.sleep(5)
        await Exchange().run(it.stage)
        return it.broken()

    assert run(story) == {"S4"}


async def _with_credential(it, **how):
    """Somebody's application credential, and how to sign in with it."""
    await it.stage.demo.ask(ListServers())
    user = it.stage.demo.token.token.user.id
    made = await it.stage.demo.ask(CreateApplicationCredential(user_id=user, name="program", **how))
    key = made.application_credential.id
    account = Authenticate(application_credential_id=key, application_credential_secret=made.secret)
    return account, DeleteApplicationCredential(user_id=user, application_credential_id=key)


@pytest.mark.parametrize("signs_in", ["before", "after"])
def test_S2_breaks_when_a_token_is_good_whose_application_credential_was_deleted(signs_in):
    async def story(world):
        it = await Watched(world, _long_tokens()).start()
        account, delete = await _with_credential(it)
        token = await world.bus.ask(account) if signs_in == "before" else None
        store = it.stores.keystone
        rows, secrets = dict(store.application_credentials), dict(store._passwords)
        await it.stage.demo.ask(delete)
        store.application_credentials |= rows
        store._passwords |= secrets
        await anyio.sleep(20)
        token = token or await world.bus.ask(account)
        await world.bus.ask(ListServers(), context=Credentials(token=token.id))
        return it.broken()

    assert run(story) == {"S2"}


def test_S4_judges_a_token_also_when_its_application_credential_is_gone(monkeypatch):
    issue = Tokens._issue

    def issue_and_delete(self, minted):
        self.store.application_credentials.clear()
        return issue(self, minted)

    monkeypatch.setattr("actors.keystone.authentication.expiry", lambda now, expiration, **_: now + expiration)
    monkeypatch.setattr(Tokens, "_issue", issue_and_delete)

    async def story(world):
        it = await Watched(world, _long_tokens()).start()
        account, _ = await _with_credential(it, expires_at=world.bus.clock.time() + 100)
        await world.bus.ask(account)
        return it.broken()

    assert run(story) == {"S4"}


def test_S6_breaks_when_more_is_revoked_than_was_asked_for():
    async def story(world):
        it = await Watched(world, _long_tokens()).start()
        await it.stage.demo.ask(ListServers())
        await it.stage.admin.ask(ListServers())
        await it.stage.admin.ask(RevokeToken(subject=it.stage.admin.token.id))
        user = it.stage.demo.token.token.user
        await anyio.sleep(20)
        it.stores.keystone.revocations.add(RevocationEvent(revoked_at=it.cloud.bus.clock.time(), user_id=user.id))
        with pytest.raises(CloudError):
            await it.stage.admin.ask(ValidateToken(subject=it.stage.demo.token.id))
        return it.broken()

    assert run(story) == {"S3", "S6"}


def test_S7_breaks_when_keys_are_rotated_too_often():
    async def story(world):
        it = await Watched(world).start()
        await it.stage.demo.ask(ListServers())
        for _ in range(3):
            await world.bus.ask(RotateKeys(), context=OPERATOR)
        return it.broken()

    assert run(story) == {"S7"}


@pytest.mark.parametrize("loss", ["role", "user"])
def test_S8_breaks_when_a_guard_does_not_hear_that_authority_was_taken_away(loss):
    async def story(world):
        it = await Watched(world, _long_tokens(), gate=Gullible).start()
        await it.stage.demo.ask(ListServers())
        held = it.stage.demo.token
        if loss == "role":
            role, project = held.token.roles[0], held.token.project
            await it.stage.admin.ask(RevokeRole(user_id=held.token.user.id, role_id=role.id, project_id=project.id))
        else:
            await it.stage.admin.ask(UpdateUser(user_id=held.token.user.id, enabled=False))
        await anyio.sleep(20)
        await world.bus.ask(ListServers(), context=Credentials(token=held.id))
        return it.broken() - {"S2"}

    assert run(story) == {"S8"}


def test_S9_breaks_when_a_guard_confuses_its_callers():
    async def story(world):
        it = await Watched(world, attrs.evolve(_long_tokens(), contents=None), gate=Confused).start()
        await it.stage.admin.ask(ListServers())
        await it.stage.demo.ask(ListServers())
        return it.broken()

    assert "S9" in run(story)


def _long_tokens():
    tokens = KeystoneConfig(expiration=3600, password_hash_rounds=1)
    return attrs.evolve(CONFIG, keystone=tokens, auth_token=AuthTokenConfig(token_cache_time=5))


# -- rows that lie -----------------------------------------------------------------------------------------------------


def _no_allocation(it, row):
    it.stores.placement.delete_allocations(row.uuid)


def _usage_too_high(it, row):
    it.stores.nova._usage[row.project_id] = Usage(instances=7)


def _same_address(it, row):
    neutron = it.stores.neutron
    port = next(neutron.ports[one] for one in neutron.ports_by_device[row.uuid])
    neutron.put_port(attrs.evolve(port, id=PortId("twin"), mac_address="fa:16:3e:00:00:99", device_id=""))


def _address_of_no_subnet(it, row):
    neutron = it.stores.neutron
    port = next(neutron.ports[one] for one in neutron.ports_by_device[row.uuid])
    neutron.put_port(attrs.evolve(port, fixed_ips=(FixedIp(subnet_id="gone", ip_address="10.1.1.1"),)))


def _active_without_ports(it, row):
    nova, neutron = it.stores.nova, it.stores.neutron
    nova.instances[row.uuid] = attrs.evolve(row, vm_state=VmState.BUILDING)
    for port in [neutron.ports[one] for one in neutron.ports_by_device[row.uuid]]:
        neutron.remove_port(port)
    nova.instances[row.uuid] = row


def _back_from_the_dead(it, row):
    nova = it.stores.nova
    del nova.instances[row.uuid]
    nova.deleted[row.uuid] = None
    nova.instances[row.uuid] = row


def _go_through(it, row, *states):
    for state in states:
        it.stores.nova.instances[row.uuid] = attrs.evolve(row, task_state=state)


def _deleting_then_spawning(it, row):
    _go_through(it, row, TaskState.DELETING, TaskState.SPAWNING)


def _deleting_then_free(it, row):
    _go_through(it, row, TaskState.DELETING, None)


def _migrating_then_copied(it, row):
    _go_through(it, row, TaskState.MIGRATING, TaskState.IMAGE_SNAPSHOT_PENDING)


def _built_beside_another(it, row):
    for uuid in (row.uuid, ServerId("twin")):
        it.stores.nova.instances[uuid] = attrs.evolve(
            row, uuid=uuid, vm_state=VmState.BUILDING, task_state=TaskState.SPAWNING
        )


def _without_host(it, row):
    it.stores.nova.instances[row.uuid] = attrs.evolve(row, host=None, vm_state=VmState.ERROR)


def _deleted_with_its_guest(it, row):
    it.stores.nova.instances[row.uuid] = attrs.evolve(row, vm_state=VmState.DELETED)
    del it.stores.nova.instances[row.uuid]


def _more_used_than_allocated(it, row):
    it.stores.placement.providers[it.stores.nova.compute_nodes[row.host].uuid].used["VCPU"] += 1


def _active_where_it_never_was(it, row):
    neutron = it.stores.neutron
    port = next(neutron.ports[one] for one in neutron.ports_by_device[row.uuid])
    binding = attrs.evolve(port.binding, host=next(host for host in it.cloud.hosts if host != row.host))
    neutron.put_port(attrs.evolve(port, status=PortStatus.DOWN, binding=binding))
    neutron.put_port(attrs.evolve(port, binding=binding))


def _disk_without_attachment(it, row):
    disk = BlockDevice(source_type="volume", destination_type="volume", volume_id="lost")
    it.stores.nova.block_devices[row.uuid] = (disk,)


def _image_without_bytes(it, row):
    image = it.stores.glance.images[IMAGE]
    properties = {"image_type": "snapshot"}
    it.stores.glance.images["queued"] = attrs.evolve(image, status=ImageStatus.QUEUED, properties=properties)


def _not_wired(it, row):
    it.stores.bridges[row.host].wired.clear()


def _no_bytes(it, row):
    it.stores.glance.blobs.clear()


def _seen_without_report(it, row):
    services = it.stores.nova.services
    old = services["nova-compute", row.host]
    services["nova-compute", row.host] = attrs.evolve(old, last_seen_up=old.last_seen_up + 1)


def _failed_for_nothing(it, row):
    text = f"Build of instance {row.uuid} aborted: Failed to allocate the network(s), not rescheduling."
    it.stores.nova.faults[row.uuid] = Fault(code=500, message=text, created=0)


def _stuck(it, row):
    it.stores.nova.instances[row.uuid] = attrs.evolve(row, task_state=TaskState.SPAWNING)


def _failed_without_reason(it, row):
    it.stores.nova.instances[row.uuid] = attrs.evolve(row, vm_state=VmState.ERROR)
    it.stores.nova.faults[row.uuid] = Fault(
        code=500, message="Build of instance aborted: KeyError", created=it.watch.now
    )


def _vanished(it, row):
    it.stores.nova.instances.pop(row.uuid)


def _silent(it, row):
    services = it.stores.nova.services
    dict.__setitem__(
        services, ("nova-compute", row.host), attrs.evolve(services["nova-compute", row.host], last_seen_up=0)
    )


def _second_guest(it, row):
    other = next(host for host in it.cloud.hosts if host != row.host)
    it.stores.hosts[other].guests[row.uuid] = it.stores.hosts[row.host].guests[row.uuid]


def _reserved_for_ever(it, row):
    it.stores.cinder.quotas.reserve(row.project_id, {"volumes": 1}, expire=it.cloud.bus.clock.time() - 100)


PLANTS = {
    "S10": (_built_beside_another,),
    "S11": (_no_allocation, _second_guest, _without_host, _deleted_with_its_guest),
    "S14": (_usage_too_high, _more_used_than_allocated),
    "S15": (_same_address, _address_of_no_subnet),
    "S16": (_active_without_ports, _active_where_it_never_was),
    "S17": (_disk_without_attachment,),
    "S18": (_back_from_the_dead,),
    "S19": (_deleting_then_spawning, _deleting_then_free, _migrating_then_copied),
    "S20": (_not_wired,), "S21": (_no_bytes,), "S22": (_seen_without_report,), "S23": (_failed_for_nothing,),
    "L1": (_stuck, _failed_without_reason, _image_without_bytes), "L2": (_vanished,), "L3": (_vanished,), "L6": (_reserved_for_ever,), "L7": (_silent,),
}  # fmt: skip


@pytest.mark.parametrize(("name", "plant"), [(name, plant) for name, plants in PLANTS.items() for plant in plants])
def test_it_breaks_when_a_row_lies(name, plant):
    config = attrs.evolve(
        CONFIG, cinder=attrs.evolve(CONFIG.cinder, reservation_clean_interval=1.0),
        nova=attrs.evolve(CONFIG.nova, max_concurrent_builds=1),
    )  # fmt: skip

    async def story(world):
        it = await Watched(world, config).start()
        row = await it.boot()
        it.watch.at_rest()
        assert it.broken() == set()
        plant(it, row)
        it.watch.at_rest()
        return it.broken()

    assert name in run(story)


def test_S23_holds_when_the_network_really_came_too_late():
    slow = attrs.evolve(
        CONFIG,
        neutron=attrs.evolve(CONFIG.neutron, wiring_time=20.0),
        nova=attrs.evolve(CONFIG.nova, vif_plugging_timeout=10.0),
    )

    async def story(world):
        it = await Watched(world, slow).start()
        row = await it.boot()
        return row.status, it.broken()

    assert run(story) == ("ERROR", set())


# -- safeguards that are gone ------------------------------------------------------------------------------------------


def test_S10_breaks_when_placement_does_not_look_whether_there_is_room():
    small = attrs.evolve(CONFIG, hosts=1, host=HostResources(vcpus=1, memory_mb=1024, local_gb=10))

    async def story(world):
        it = Watched(world, small)
        it.stores.placement._check_rooms = lambda *_: None
        await it.start()
        await it.boot()
        provider = next(iter(it.stores.placement.providers.values()))
        consumer = next(iter(it.stores.placement.consumers.values()))
        wanted = _wanted(consumer, memory=4096)
        assert it.stores.placement.replace_allocations((wanted,), {provider.uuid: provider.generation})
        return it.broken()

    assert run(story) == {"S10"}


def _wanted(consumer, memory):
    from actors.placement.models import Allocation, ConsumerAllocations, resources

    allocation = Allocation(
        resource_provider_uuid=consumer.allocations[0].resource_provider_uuid, resources=resources(MEMORY_MB=memory)
    )
    return ConsumerAllocations(
        consumer_uuid=consumer.uuid, allocations=(allocation,), project_id=consumer.project_id, user_id=consumer.user_id,
        consumer_generation=consumer.generation,
    )  # fmt: skip


def test_S12_breaks_when_a_server_joins_another_of_its_group():
    async def story(world):
        it = await Watched(world).start()
        group = await it.stage.demo.ask(CreateServerGroup(name="apart", group_policy="anti-affinity"))
        one, two = await it.boot("one", group=group.id), await it.boot("two", group=group.id)
        assert it.broken() == set()
        it.stores.nova.instances[two.uuid] = attrs.evolve(two, host=one.host)
        return it.broken()

    assert run(story) == {"S12"}


def test_S13_breaks_when_nova_does_not_count():
    config = attrs.evolve(CONFIG, nova=attrs.evolve(CONFIG.nova, quota=QuotaSet(instances=1)))

    async def story(world):
        it = Watched(world, config)
        it.stores.nova.usage = lambda _: Usage()
        await it.start()
        await it.boot("one")
        await it.boot("two")
        return it.broken()

    assert run(story) == {"S13"}


def test_S17_breaks_when_a_volume_is_attached_to_two_servers():
    async def story(world):
        it = await Watched(world).start()
        row = await it.boot()
        it.stage.servers.put("one", row.uuid)
        await run_workload((MakeVolume(volume="v"), Attach(server="one", volume="v")), it.stage)
        await rest(it.cloud, world)
        (volume,) = it.stores.cinder.volumes
        it.watch.at_rest()
        assert it.broken() == set()
        other = Attachment(
            id=AttachmentId("other"), volume_id=volume.id, instance=ServerId("other"), project_id=row.project_id, created_at=0
        )  # fmt: skip
        it.stores.cinder.attachments.put(other)
        return it.broken()

    assert run(story) == {"S17"}


def test_S24_and_L9_break_when_a_service_fails_over_a_request():
    async def story(world):
        it = await Watched(world).start()
        row = await it.boot()
        await it.stage.demo.ask(DeleteServer(server_id=row.uuid))
        it.stores.nova.flavors = None
        it.stores.nova.build_requests = None
        for request in (ListFlavors(), DeleteServer(server_id=row.uuid)):
            with pytest.raises(Exception, match="NoneType"):
                await it.stage.demo.ask(request)
        return it.broken()

    assert run(story) == {"S24", "L9"}


def test_L4_breaks_when_a_service_signs_in_with_a_good_token_at_hand():
    async def story(world):
        it = await Watched(world, _long_tokens()).start()
        session, broken = it.cloud.session("nova"), []
        for _ in range(2):
            token = await session.token()
            broken.append(it.broken())
            session.invalidate(token.id)
        return broken

    assert run(story) == [set(), {"L4"}]


def test_L4_holds_when_a_service_signs_in_because_its_token_was_refused_or_ends():
    async def story(world):
        it = await Watched(world, _long_tokens()).start()
        session = it.cloud.session("nova")
        await it.stage.admin.ask(RevokeUserTokens(user_id=(await session.token()).token.user.id))
        await anyio.sleep(20)
        await session.ask(ListServers())
        await anyio.sleep(3600 - 100)
        await session.ask(ListServers())
        return session.logins, it.broken()

    assert run(story) == (3, set())


def test_L5_breaks_when_rotated_keys_are_not_distributed():
    config = attrs.evolve(CONFIG, members=Members(keystone=2))

    async def story(world):
        it = await Watched(world, config).start()
        await world.bus.ask(RotateKeys(), to=world.bus.targets("keystone")[0], context=OPERATOR)
        it.watch.at_rest()
        return it.broken()

    assert run(story) == {"L5"}


@message
class Panic(Request[None]):
    topic = "panicker"


class Panicker(Actor):
    """Asks again and again for what it is refused."""

    topic = "panicker"
    context = None

    @Panic.handler
    async def panic(self, msg: Panic) -> None:
        for _ in range(4000):
            with pytest.raises(CloudError):
                await self.bus.ask(ValidateToken(subject="?"), context=self.context)


def test_L8_breaks_when_one_request_makes_for_very_many():
    class Strict(NoAmplification):
        most = 10

    async def story(world):
        it = await Watched(world, invariants=[Strict]).start()
        await it.stage.demo.ask(ListServers())
        Panicker.context = Credentials(token=it.stage.demo.token.id)
        await world.bus.start(Panicker)
        await world.bus.ask(Panic())
        it.watch.at_rest()
        return it.broken()

    assert run(story) == {"L8"}


def test_L10_breaks_when_a_flush_leaves_expired_tokens(monkeypatch):
    monkeypatch.setattr(TokenStore, "flush", lambda *_: iter(()))
    config = attrs.evolve(CONFIG, keystone=attrs.evolve(CONFIG.keystone, provider="uuid"))

    async def story(world):
        it = await Watched(world, config).start()
        await it.stage.demo.ask(ListServers())
        await anyio.sleep(60)
        await world.bus.ask(FlushTokens(), context=OPERATOR)
        return it.broken()

    assert run(story) == {"L10"}
