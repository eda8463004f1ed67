"""`reserve-after-delete`: a volume is reserved for a server that has been deleted meanwhile, and nobody gives it back.

A conductor that attaches a volume has the server's host note the disk, reserves the volume in Cinder, and writes the attachment into the
row of the disk. Its user deletes the server meanwhile; if Cinder is slow, the server and its rows are gone by then. The conductor
is told so, and gives up, but not the reservation. The volume is reserved for ever: it can neither be attached nor deleted, and there is
no server from which it could be detached.

Found by these invariants, not reported: nova 34.0.0, `conductor/manager.py`, `attach_volume` destroys the row alone if
`check_attach_and_reserve_volume` (`compute/utils.py`) fails, of which saving the row is the last step; `_validate_existing_attachment_ids`, on
the way to the next host, is the same. The counterpart deletes an attachment that it cannot note.
"""

import anyio

from actors.cinder.messages import CreateAttachment
from actors.errors import CloudError
from actors.nova.messages.servers import AttachVolume, DeleteServer
from actors.nova.rpc import MONITOR, AttachVolumeOnHost, AttachVolumeToInstance, ReserveBlockDeviceName, compute
from actors.nova.service import volumes
from actors.nova.service.conductor import NovaConductor
from actors.races.base import Race, Stage
from actors.races.boots import active_server, make_volume, open_small
from actors.service import request_context
from bus.errors import BusError


class LitteringConductor(NovaConductor):
    """Lets a volume be that it has reserved in vain."""

    @AttachVolumeToInstance.handler
    async def attach_volume(self, msg: AttachVolumeToInstance) -> None:
        context, device = request_context(), msg.device
        try:
            host = compute(str(self.store.instance(msg.server).host))
            name = ReserveBlockDeviceName(server=msg.server, device=device)
            device = await self.bus.ask(name, to=host, monitor=MONITOR, context=context)
            reserved = await volumes.reserve(self, context, msg.server, device, saved=False)
        except (CloudError, BusError):
            self.store.remove_block_device(msg.server, device)
            return
        if self.store.save_block_device(msg.server, device, reserved):
            await self.bus.tell(AttachVolumeOnHost(server=msg.server, device=reserved), to=host, context=context)


async def scenario(stage: Stage) -> None:
    """A volume is attached to a server by a Cinder that takes its time, and the server is deleted some seconds later."""
    demo = (await open_small(stage, backends=("lvm",))).session("demo")
    one, volume = await active_server(demo), await make_volume(demo)

    async def delete() -> None:
        await anyio.sleep(stage.choose("seconds later", (10.0, 5.0, 2.0, 1.0, 0.5, 0.0)))
        await demo.ask(DeleteServer(server_id=one))

    with stage.world.faults.delay(stage.seconds("slow", 4.0), message=CreateAttachment):
        await stage.together(lambda: demo.ask(AttachVolume(server_id=one, volume_id=volume)), delete)
        await stage.rest()


RACE = Race(
    name="reserve-after-delete", invariants=("S17",), min_operations=2, variant={NovaConductor: LitteringConductor},
    scenario=scenario, today=True,
)  # fmt: skip
program, counterpart = RACE.programs()
