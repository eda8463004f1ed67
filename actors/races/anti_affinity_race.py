"""`anti-affinity-race`: two servers that must not share a host are sent to the same one, each before the other is there.

A scheduler keeps members of a group apart by looking where the others are. Two that are scheduled at about the same time are nowhere yet,
and what one scheduler has in mind another does not know. So a host looks once more when it has taken a server in, and sends it on if
another member has come. Without that look both replicas of a service run, and die, on one host.

Sources: nova a79ecbeb7d (the late check), 33c8af1f8c (LP 1821755: the same for migrations).
"""

from typing import Any

import anyio

from actors.cloud import Members
from actors.nova.messages.server_groups import CreateServerGroup
from actors.nova.models import Instance
from actors.nova.service.compute import NovaCompute
from actors.races.base import Race, Stage
from actors.races.boots import open_small, server


class TrustingCompute(NovaCompute):
    """Does not look at the group again."""

    def check_group(self, instance: Instance) -> None:
        pass


async def scenario(stage: Stage) -> None:
    """Two members of a group are booted, one some seconds after the other, by two schedulers."""
    cloud = await open_small(stage, hosts=2, members=Members(nova_scheduler=2))
    demo = cloud.session("demo")
    group = await demo.ask(CreateServerGroup(name="apart", group_policy="anti-affinity"))

    async def second() -> Any:
        await anyio.sleep(stage.choose("seconds later", (10.0, 5.0, 3.0, 2.0, 1.0, 0.5, 0.0)))
        return await demo.ask(server("second", group=group.id))

    await stage.together(lambda: demo.ask(server("first", group=group.id)), second)
    await stage.rest()


RACE = Race(
    name="anti-affinity-race", invariants=("S12",), min_operations=2, variant={NovaCompute: TrustingCompute},
    scenario=scenario,
)  # fmt: skip
program, counterpart = RACE.programs()
