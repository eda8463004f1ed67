"""`reschedule-skips-network`: what one task wrote of a server another one takes back in its own copy, and the next host believes the first.

While a host makes the disks of a new server, a task of its own allocates the ports, and noted in the database that there are some: from
its own copy of the row. When the build failed, the ports were deleted, and the note was to be taken back; but in the copy of whoever did
that it had never been made, and so nothing was written. The next host read that the server has its ports, allocated none, and the server
became ACTIVE without a network.

Sources: nova 717aa88f14. Fixed by one writer: the task that builds notes it when the ports are there.
"""

from typing import Any

import anyio

from actors.context import RequestContext
from actors.nova.models import Instance, RequestSpec, Vif
from actors.nova.service.compute import NovaCompute
from actors.races.base import Race, Stage
from actors.races.boots import open_overbooked, server


class TwoWriters(NovaCompute):
    """Lets the task that allocates note it, too."""

    async def _allocate(self, instance: Instance, spec: RequestSpec, context: RequestContext) -> tuple[Vif, ...]:
        vifs = await super()._allocate(instance, spec, context)
        await self.save(instance.uuid, network_allocated=True)
        return vifs

    async def _clean_up_networks(self, instance: Instance, spec: RequestSpec, context: RequestContext) -> None:
        row = self.store.instances.get(instance.uuid)
        await super()._clean_up_networks(instance, spec, context)
        if row is not None and not instance.network_allocated and instance.uuid in self.store.instances:
            await self.save(instance.uuid, network_allocated=row.network_allocated)  # its own copy: no change to write


async def scenario(stage: Stage) -> None:
    """Two servers are booted, one some seconds after the other, on two hosts with room for one each."""
    demo = (await open_overbooked(stage)).session("demo")

    async def second() -> Any:
        await anyio.sleep(stage.choose("seconds later", (10.0, 5.0, 3.0, 2.0, 1.0, 0.5, 0.0)))
        return await demo.ask(server("second"))

    await stage.together(lambda: demo.ask(server("first")), second)
    await stage.rest()


RACE = Race(
    name="reschedule-skips-network", invariants=("S16",), min_operations=1, variant={NovaCompute: TwoWriters},
    scenario=scenario,
)  # fmt: skip
program, counterpart = RACE.programs()
