"""Hosts in a world, and somebody who asks them what a nova-compute would."""

from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from actors.context import RequestContext
from actors.hypervisor.config import HypervisorConfig
from actors.hypervisor.messages import ListGuests, SpawnGuest
from actors.hypervisor.models import GuestDefinition, HostResources, PowerState
from actors.hypervisor.service import HypervisorService
from actors.hypervisor.store import HostStore
from actors.ids import ServerId, UserId
from bus.sim import World
from bus.topic import Target

CONTEXT = RequestContext(user_id=UserId("demo"), token="demo")
BIG = HostResources(vcpus=4, memory_mb=8192, local_gb=100)


def guest(name: str = "one", **more: Any) -> GuestDefinition:
    """A small guest."""
    wants = {"vcpus": 1, "memory_mb": 1024, "local_gb": 10}
    takes = {key: more.pop(key, value) for key, value in wants.items()}
    return GuestDefinition(server=ServerId(name), resources=HostResources(**takes), **more)


@attrs.frozen
class Room:
    """What a test needs at hand."""

    world: World
    disks: dict[str, HostStore]

    def host(self, name: str = "host1") -> Target:
        return Target("hypervisor", server=name)

    async def ask(self, request: Any, host: str = "host1", **more: Any) -> Any:
        return await self.world.bus.ask(request, to=self.host(host), context=CONTEXT, **more)

    async def spawn(self, name: str = "one", host: str = "host1", **more: Any) -> Any:
        """Spawn a small guest."""
        return await self.ask(SpawnGuest(definition=guest(name, **more)), host)

    async def states(self, host: str = "host1") -> dict[str, PowerState]:
        """What the guests of a host do."""
        return {one.definition.server: one.power_state for one in await self.ask(ListGuests(), host)}


def play(
    story: Callable[[Room], Awaitable[Any]], *, seed: int | None = None, hosts: int = 1, has: HostResources = BIG,
    config: HypervisorConfig | None = None,
) -> Any:  # fmt: skip
    """Run a story in a world with so many hosts: host1, host2, ..."""

    async def program(world: World) -> Any:
        room = Room(world, {f"host{number}": HostStore(has) for number in range(1, hosts + 1)})
        for name, store in room.disks.items():
            await world.bus.start(HypervisorService, store=store, config=config or HypervisorConfig(), server=name)
        return await story(room)

    return World(seed).run(program)
