"""`double-booked-host`: a scheduler chooses by what it has seen of a host, and builds there whatever is true by then.

Two requests come at about the same time. Both look, both see room for one, both send their server to the same host. Where nobody claims before the host does, or what
the claim is answered is not minded, the host runs what Placement does not know of, and the next boots go wrong.

Sources: the wiki page SchedulerRaceReduction (3 GB free, two requests of 2 GB); nova 608af87541 (LP 1341420); cinder bf6df89a9
(LP 1751057) is the same for volumes. Fixed by the spec placement-claims (Pike): the scheduler itself writes the allocation, and
whoever is refused takes the next host.
"""

from typing import Any

import anyio

from actors.hypervisor.models import HostResources
from actors.ids import ServerId
from actors.nova.models import RequestSpec, Selection
from actors.nova.scheduling import HostState
from actors.nova.service.claims import claim_resources
from actors.nova.service.scheduler import NovaScheduler
from actors.placement.models import AllocationCandidates
from actors.races.base import Race, Stage
from actors.races.boots import nova, open_small, server


class TrustingScheduler(NovaScheduler):
    """Takes the best host by what it knows itself, and does not mind what Placement says."""

    async def _claim(
        self, hosts: list[HostState], server: ServerId, spec: RequestSpec, candidates: AllocationCandidates
    ) -> Selection | None:
        if not hosts:
            return None
        selection = self._selection(hosts[0], candidates)
        await claim_resources(self, server, spec, selection)
        return selection


async def scenario(stage: Stage) -> None:
    """Two servers are booted, one some seconds after the other, where there is room for one."""
    room = HostResources(vcpus=1, memory_mb=65_536, local_gb=1000)
    cloud = await open_small(stage, host=room, nova=nova(initial_cpu_allocation_ratio=1.0))
    demo = cloud.session("demo")

    async def second() -> Any:
        await anyio.sleep(stage.choose("seconds later", (4.0, 3.0, 2.0, 1.0, 0.5, 0.0)))
        return await demo.ask(server("second"))

    await stage.together(lambda: demo.ask(server("first")), second)
    await stage.rest()


RACE = Race(
    name="double-booked-host", invariants=("S10", "S11"), min_operations=2, variant={NovaScheduler: TrustingScheduler},
    scenario=scenario,
)  # fmt: skip
program, counterpart = RACE.programs()
