"""`nova-quota-race`: each of many boots at once sees that there is room, and all of them take it.

Nova counts what a project has, compares, and writes the new servers; nothing is reserved in between. A quota of 10 became 50 servers in one
burst. The answer is to count once more when the servers are there, and to give up those of a request that find too many: then two
requests near the limit may both be refused, which is accepted.

Sources: the spec cells-count-resources-to-check-quota-in-api (Pike), nova 5c90b25e49, the help of `[quota] recheck_quota`, with which
the second count can still be switched off.
"""

from typing import Any

import anyio

from actors.context import RequestContext
from actors.nova.models import BuildRequest, QuotaSet
from actors.nova.service.conductor import NovaConductor
from actors.races.base import Race, Stage
from actors.races.boots import make_volume, nova, on_volume, open_small, server


class TrustfulConductor(NovaConductor):
    """Does not count again."""

    async def _within_quota(self, requests: list[BuildRequest], context: RequestContext) -> bool:
        del requests, context
        return True


async def scenario(stage: Stage) -> None:
    """Two servers are booted, each with a volume of its own, where one is allowed."""
    cloud = await open_small(stage, backends=("lvm",), nova=nova(quota=QuotaSet(instances=1)))
    demo = cloud.session("demo")
    volumes = [await make_volume(demo), await make_volume(demo)]

    async def second() -> Any:
        await anyio.sleep(stage.choose("seconds later", (5.0, 3.0, 2.0, 1.0, 0.5, 0.0)))
        return await demo.ask(server("second", block_devices=(on_volume(volumes[1]),)))

    await stage.together(lambda: demo.ask(server("first", block_devices=(on_volume(volumes[0]),))), second)
    await stage.rest()


RACE = Race(
    name="nova-quota-race", invariants=("S13",), min_operations=2, variant={NovaConductor: TrustfulConductor},
    scenario=scenario,
)  # fmt: skip
program, counterpart = RACE.programs()
