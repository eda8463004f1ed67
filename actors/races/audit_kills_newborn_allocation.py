"""`audit-kills-newborn-allocation`: who is not in the database yet is taken for one who is there no more.

The scheduler writes the allocation of a new server to Placement; only then does the conductor put the server into its cell. Every
minute the host's nova-compute audits what is held on it. It met a consumer that its database did not
know, took it for a server that had been deleted, and gave the allocation back. The server was built without one: Placement thought that
the room was free, and gave it away again.

Sources: nova d176175db4 (LP 1729371), bf92b72ce9; of the same family 80385a22ee (LP 1849165), 32c1044d86 (LP 1953359), b841e55321
(LP 1944759), a8492e8878 (LP 1853009), f84d5917c6 (LP 1841481). Fixed by looking for the server among the deleted ones: only what is found
there, marked as deleted, loses its allocation.
"""

import anyio

from actors.ids import ConsumerId, ServerId
from actors.nova.service.compute import NovaCompute
from actors.nova.service.periodic import FUZZY_DELAY
from actors.placement.messages import DeleteAllocations, ListProviderAllocations
from actors.races.base import Race, Stage
from actors.races.boots import nova, open_small, server

EVERY = 5.0
"""Seconds between two audits; a minute, unless `update_resources_interval` says otherwise."""


class ZealousCompute(NovaCompute):
    """Gives back what is held for servers that it does not know."""

    async def audit_allocations(self) -> None:
        held = await self.calls.as_nova(ListProviderAllocations(uuid=self.node.uuid))
        for usage in held.allocations:
            if ServerId(usage.consumer_uuid) not in self.store.instances:
                await self.calls.as_nova(DeleteAllocations(consumer_uuid=ConsumerId(usage.consumer_uuid)))


async def scenario(stage: Stage) -> None:
    """Servers are booted on a host that audits every few seconds, in a slow network."""
    cloud = await open_small(stage, latency=0.3, nova=nova(update_resources_interval=EVERY))
    await anyio.sleep(FUZZY_DELAY + stage.choose("seconds later", (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5)))
    await stage.together(lambda: cloud.session("demo").ask(server("one", max_count=2)))
    await stage.rest()


RACE = Race(
    name="audit-kills-newborn-allocation", invariants=("S11",), min_operations=2, variant={NovaCompute: ZealousCompute},
    scenario=scenario,
)  # fmt: skip
program, counterpart = RACE.programs()
