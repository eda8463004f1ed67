"""`attachment-lost-on-reschedule`: cleaning up after a failed build removes what the next attempt needs.

A build that fails on one host gives up its volumes: the attachments are deleted in Cinder. The server is sent on to another host, whose
nova-compute finds the id of an attachment in the server's disks, and asks Cinder for it in vain. The server goes to error, though it
only had to go to another host.

Sources: nova 41452a5c6a (LP 1784353); cinder 7f09229d6 (LP 1561579) is the same for a volume whose backend changes. Fixed by the conductor, which
makes anew what is missing before it sends the server on.
"""

from typing import Any

import anyio
import attrs

from actors.errors import CloudError
from actors.nova.errors import InstanceNotFound
from actors.nova.rpc import BuildAndRunInstance, BuildInstances, compute
from actors.nova.service.conductor import NovaConductor
from actors.races.base import Race, Stage
from actors.races.boots import make_volume, on_volume, open_overbooked, server
from actors.service import request_context
from bus.errors import BusError


class HeedlessConductor(NovaConductor):
    """Sends a server on as it is."""

    @BuildInstances.handler
    async def build_instances(self, msg: BuildInstances) -> None:
        context = request_context()
        retry = attrs.evolve(msg.retry, num_attempts=msg.retry.num_attempts + 1)
        try:
            selection, rest = await self._next(msg, retry)
        except InstanceNotFound:
            return
        except (CloudError, BusError) as error:
            await self._cannot_reschedule(msg, error, context)
            return
        retry = attrs.evolve(retry, hosts=(*retry.hosts, selection.host), exc_reason="")
        build = BuildAndRunInstance(
            server=msg.server, spec=msg.spec, retry=retry, alternates=rest, admin_pass=msg.admin_pass
        )
        await self.bus.tell(build, to=compute(selection.host), context=context)


async def scenario(stage: Stage) -> None:
    """Two servers are booted, one of them with a volume, on two hosts with room for one each."""
    demo = (await open_overbooked(stage, backends=("lvm",))).session("demo")
    volume = await make_volume(demo)

    async def second() -> Any:
        await anyio.sleep(stage.choose("seconds later", (10.0, 5.0, 3.0, 2.0, 1.0, 0.5, 0.0)))
        return await demo.ask(server("second", block_devices=(on_volume(volume),)))

    await stage.together(lambda: demo.ask(server("first")), second)
    await stage.rest()


RACE = Race(
    name="attachment-lost-on-reschedule", invariants=("S17",), min_operations=1,
    variant={NovaConductor: HeedlessConductor}, scenario=scenario,
)  # fmt: skip
program, counterpart = RACE.programs()
