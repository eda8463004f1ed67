"""`placement-generation-conflict`: two claims are written over each other, and both fit.

A claim is checked against what a host has left, and then written. If another claim is written in between, the check was for nothing. So
each provider has a generation, and a write that was checked at another one is done anew, from the check on. Where it is not
minded, as here, a host is given away twice; where it is minded but seldom tried again, many claims at once are refused though there is
room, which is what was reported.

Sources: placement 72e4c4c8d7 (LP 1719933), 62d3500975 (LP 1728722), 3518ccb665 (LP 1779931), 48229b46b4, 1b661c2669, ef1214fc (LP 1779725,
LP 1778576), a6f02857 (LP 1818498), d90f1672.
"""

from typing import Any

import anyio

from actors.hypervisor.models import HostResources
from actors.placement.claims import check_request, check_room
from actors.placement.models import ConsumerAllocations
from actors.placement.records import Consumer
from actors.placement.service import PlacementService
from actors.placement.store import PlacementStore
from actors.races.base import Race, Stage
from actors.races.boots import QUERY, nova, open_small, server


class HastyPlacement(PlacementService):
    """Checks, and writes without minding whether another one has written since."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._store.__class__ = HastyStore

    async def _replace(self, wanted: tuple[ConsumerAllocations, ...]) -> None:
        check_request(wanted)
        self._store.ensure_consumers(wanted)
        for one in wanted:
            for allocation in one.allocations:
                provider = self._store.provider(allocation.resource_provider_uuid)
                for name, amount in allocation.resources:
                    check_room(provider, name, amount=amount, taken=amount, returned=0)
        await anyio.sleep(QUERY)
        self._store.replace_allocations(wanted, self._store.generations(wanted))


class HastyStore(PlacementStore):
    """Leaves the check to those who write."""

    def _check_rooms(self, wanted: tuple[ConsumerAllocations, ...], consumers: list[Consumer]) -> None:
        pass


async def scenario(stage: Stage) -> None:
    """Two servers are booted, one some seconds after the other, where there is room for one."""
    room = HostResources(vcpus=1, memory_mb=65_536, local_gb=1000)
    cloud = await open_small(stage, host=room, nova=nova(initial_cpu_allocation_ratio=1.0))
    demo = cloud.session("demo")

    async def second() -> Any:
        await anyio.sleep(stage.choose("seconds later", (4.0, 2.0, 1.0, 0.5, 0.0)))
        return await demo.ask(server("second"))

    await stage.together(lambda: demo.ask(server("first")), second)
    await stage.rest()


RACE = Race(
    name="placement-generation-conflict", invariants=("S10", "S19"), min_operations=2,
    variant={PlacementService: HastyPlacement}, scenario=scenario,
)  # fmt: skip
program, counterpart = RACE.programs()
