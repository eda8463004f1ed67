"""`detach-over-migration`: a volume is detached from a server that begins to move, and stays attached to the new host.

A detach leaves no mark in the server's task state, so a live migration may begin while the guest is still letting go of its disk. The
new host makes an attachment of its own, and notes it in the row of the disk. When the guest has let go at last, the old host deletes the
attachment that it had read at the beginning, and the row. The other attachment is in no row any more: neither the end of the migration nor
its rollback finds it. The volume is in use for ever, by a server that does not have it, and the new host can reach the data.

Found by these invariants, not reported: nova 34.0.0, `compute/manager.py`: `detach_volume` holds a lock that `_do_pre_live_migration`, on another
host, does not know of; `_detach_volume` destroys the row by its id, whatever is in it by then. The counterpart gives up the attachment that
is in the row, too.
"""

from typing import Any

import anyio
import attrs

from actors.context import RequestContext
from actors.nova.messages.servers import AttachVolume, DetachVolume, LiveMigrateServer
from actors.nova.models import BlockDevice
from actors.nova.rpc import DetachVolumeOnHost
from actors.nova.service.compute import NovaCompute
from actors.races.base import Race, Stage
from actors.races.boots import QUICK, active_server, make_volume, open_small

RELUCTANT = attrs.evolve(QUICK, detach_seconds=2.0)
"""Hypervisors whose guests take their time to let go of a disk."""


class ForgetfulCompute(NovaCompute):
    """Removes the disk, whatever attachment it has got meanwhile."""

    async def _forget(self, msg: DetachVolumeOnHost, disk: BlockDevice, context: RequestContext) -> None:
        for row in self.disks(msg.server):
            if row.volume_id == msg.volume:
                self.store.remove_block_device(msg.server, row)


async def scenario(stage: Stage) -> None:
    """A volume is detached from a server, which is sent to another host some seconds later."""
    cloud = await open_small(stage, hosts=2, backends=("lvm",), hypervisor=RELUCTANT)
    demo, admin = cloud.session("demo"), cloud.session("admin")
    one, volume = await active_server(demo), await make_volume(demo)
    await demo.ask(AttachVolume(server_id=one, volume_id=volume))
    await anyio.sleep(5)

    async def migrate() -> Any:
        await anyio.sleep(stage.choose("seconds later", (10.0, 5.0, 3.0, 2.0, 1.0, 0.5, 0.0)))
        return await admin.ask(LiveMigrateServer(server_id=one))

    await stage.together(lambda: demo.ask(DetachVolume(server_id=one, volume_id=volume)), migrate)
    await stage.rest()


RACE = Race(
    name="detach-over-migration", invariants=("S17",), min_operations=2, variant={NovaCompute: ForgetfulCompute},
    scenario=scenario, today=True,
)  # fmt: skip
program, counterpart = RACE.programs()
