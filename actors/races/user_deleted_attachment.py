"""`user-deleted-attachment`: a user deletes an attachment in Cinder that a host still uses, and reads somebody else's data there.

An attachment was an object of its user's like any other. Deleted in Cinder alone, the host keeps its connection, and Nova its disk. The
storage gives the same LUN to another tenant's volume, and what the first one's host then reads under the old name is the other's.

Sources: OSSA-2023-003, CVE-2023-2088, LP 2004555. Fixed by accepting the deletion of an attachment that is in use only from a service,
that is, with a service token, without which no Nova gets its volumes back since.
"""

import anyio

from actors.cinder.messages import DeleteAttachment, ListAttachments
from actors.cinder.models import Attachment
from actors.cinder.service.api import CinderApi
from actors.nova.messages.servers import AttachVolume
from actors.races.base import Race, Stage
from actors.races.boots import active_server, make_volume, open_small


class ObligingCinder(CinderApi):
    """Deletes whatever attachment its owner wants deleted."""

    async def _check_deletion(self, attachment: Attachment) -> None:
        pass


async def scenario(stage: Stage) -> None:
    """A volume is attached to a server, and about then its user deletes whatever attachments there are."""
    demo = (await open_small(stage, backends=("lvm",))).session("demo")
    one, volume = await active_server(demo), await make_volume(demo)

    async def clean_up() -> None:
        await anyio.sleep(stage.choose("seconds later", (0.0, 0.5, 1.0, 2.0, 3.0, 5.0)))
        for attachment in await demo.ask(ListAttachments()):
            await demo.ask(DeleteAttachment(attachment_id=attachment.id))

    await stage.together(lambda: demo.ask(AttachVolume(server_id=one, volume_id=volume)), clean_up)
    await stage.rest()


RACE = Race(
    name="user-deleted-attachment", invariants=("S17",), min_operations=2, variant={CinderApi: ObligingCinder},
    scenario=scenario,
)  # fmt: skip
program, counterpart = RACE.programs()
