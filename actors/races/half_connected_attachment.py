"""`half-connected-attachment`: a user deletes an attachment while its host is being connected, and the server keeps a disk without one.

A user may delete an attachment in Cinder as long as no host has been let at the volume. Cinder looks for the connection information, which
its API notes when the backend has answered. By then the backend has let the host at the volume, and said so: whoever deletes in between is
not refused. The backend is asked to disconnect; meanwhile Nova is told that it is connected, plugs the disk, and completes the attachment,
which then goes. It is CVE-2023-2088 again, for as long as one answer is under way.

Found by these invariants, not reported: cinder 29.0.0 checks `connection_info` (`attachment_deletion_allowed`, `volume/api.py`) without
the lock under which it is written (`attachment_update`). The counterpart looks for the connector instead, which the backend notes itself.
"""

import anyio

from actors.cinder.messages import DeleteAttachment, ListAttachments
from actors.cinder.models import Attachment
from actors.cinder.rpc import DisconnectAttachment
from actors.cinder.service.api import CinderApi
from actors.nova.messages.servers import AttachVolume
from actors.races.base import Race, Stage
from actors.races.boots import active_server, make_volume, open_small


class HastyCinder(CinderApi):
    """Takes a volume for not connected until the backend's answer has arrived."""

    async def _check_deletion(self, attachment: Attachment) -> None:
        if attachment.connection_info is not None:
            await super()._check_deletion(attachment)


async def scenario(stage: Stage) -> None:
    """A volume is attached to a server, its user deletes the attachment soon after, and the backend takes its time to end it."""
    demo = (await open_small(stage, backends=("lvm",), latency=0.3)).session("demo")
    one, volume = await active_server(demo), await make_volume(demo)

    async def clean_up() -> None:
        while not (found := await demo.ask(ListAttachments())):  # noqa: ASYNC110 (nobody tells)
            await anyio.sleep(0.1)
        await anyio.sleep(stage.seconds("seconds later", 2.0, unit=0.1))
        await demo.ask(DeleteAttachment(attachment_id=found[0].id))

    with stage.world.faults.delay(stage.seconds("slow", 4.0), message=DisconnectAttachment):
        await stage.together(lambda: demo.ask(AttachVolume(server_id=one, volume_id=volume)), clean_up)
        await stage.rest()


RACE = Race(
    name="half-connected-attachment", invariants=("S17",), min_operations=2, variant={CinderApi: HastyCinder},
    scenario=scenario, today=True,
)  # fmt: skip
program, counterpart = RACE.programs()
