"""A Placement of several members in a world, behind a gate that believes what it is told."""

from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from actors.context import Credentials, RequestContext
from actors.errors import Unauthorized
from actors.ids import ConsumerId, Ids, ProjectId, ProviderId, UserId
from actors.placement.config import PlacementConfig
from actors.placement.messages import CreateResourceProvider, UpdateAllocations, UpdateInventories
from actors.placement.models import Allocation, Inventory, ResourceProvider, resources
from actors.placement.service import PlacementService
from actors.placement.store import PlacementStore
from bus.sim import World

DEMO = ProjectId("demo-project")
USER = UserId("demo-user")
SMALL = resources(VCPU=1, MEMORY_MB=512, DISK_GB=1)


class StubGate:
    """Takes the token for the name of the account, and of its role."""

    def opened(self, service: object) -> "StubGate":
        return self

    async def admit(self, credentials: Credentials) -> RequestContext:
        name = credentials.token
        if name is None:
            raise Unauthorized("no token")
        return RequestContext(
            user_id=UserId(name), project_id=DEMO if name == "demo" else ProjectId(f"{name}-project"), roles=(name,),
            is_admin=name == "admin", token=name,
        )  # fmt: skip


def host_inventories(vcpus: int = 8, memory_mb: int = 16384, disk_gb: int = 100) -> tuple[Inventory, ...]:
    """What nova-compute reports of a host."""
    return (
        Inventory(resource_class="VCPU", total=vcpus, max_unit=vcpus, allocation_ratio=4.0),
        Inventory(resource_class="MEMORY_MB", total=memory_mb, max_unit=memory_mb, reserved=512),
        Inventory(resource_class="DISK_GB", total=disk_gb, max_unit=disk_gb),
    )


@attrs.frozen
class Office:
    """What a test needs at hand."""

    world: World
    store: PlacementStore

    async def ask(self, request: Any, token: str | None = "service") -> Any:
        return await self.world.bus.ask(request, context=Credentials(token=token))

    async def host(self, name: str, inventories: tuple[Inventory, ...] | None = None) -> ResourceProvider:
        """Register a compute node."""
        provider = await self.ask(CreateResourceProvider(name=name))
        await self.ask(
            UpdateInventories(
                uuid=provider.uuid, resource_provider_generation=0, inventories=inventories or host_inventories()
            )
        )
        return provider

    async def claim(
        self, consumer: str, provider: ProviderId, *, generation: int | None = None, amounts: Any = SMALL
    ) -> None:
        """Take *amounts* from one provider."""
        await self.ask(
            UpdateAllocations(
                consumer_uuid=ConsumerId(consumer),
                allocations=(Allocation(resource_provider_uuid=provider, resources=amounts),),
                project_id=DEMO,
                user_id=USER,
                consumer_generation=generation,
            )
        )


def play(
    story: Callable[[Office], Awaitable[Any]], *, seed: int | None = None, members: int = 2, config: PlacementConfig | None = None
) -> Any:  # fmt: skip
    """Run a story in a world with a Placement of so many members."""

    async def program(world: World) -> Any:
        store = PlacementStore()
        for _ in range(members):
            await world.bus.start(
                PlacementService, store=store, config=config or PlacementConfig(), gate=StubGate(),
                ids=Ids(world.random("ids")), chance=world.random("candidates"),
            )  # fmt: skip
        return await story(Office(world, store))

    return World(seed).run(program)


def over_capacity(store: PlacementStore) -> list[str]:
    """Every class of every provider of which more is taken than there is, by a sum over the consumers themselves."""
    taken: dict[tuple[str, str], int] = {}
    for consumer in store.consumers.values():
        for allocation in consumer.allocations:
            for name, amount in allocation.resources:
                key = allocation.resource_provider_uuid, name
                taken[key] = taken.get(key, 0) + amount
    return [
        f"{uuid} {name}: {amount}"
        for (uuid, name), amount in taken.items()
        if amount > store.providers[ProviderId(uuid)].inventories[name].capacity
    ]
