"""`cinder-double-attach`: two servers get one volume, because both saw that it was available.

Cinder read the volume, found it `available`, and wrote `reserved`. Who had read it meanwhile found it available, too, and went on. Two
guests write to one disk, which is then worth nothing. Now the status is compared and set in one statement: of two that want
a volume, one gets it.

Sources: cinder c7bfd636b (LP 1238093), 7f3a77b66 (LP 1833736), dd93b0c71 (LP 1762687), 64612cdbf (LP 1717564); nova c1a61fcc37
(LP 1533834).
"""

from typing import Any

import anyio
import attrs

from actors.cinder.errors import InvalidVolume
from actors.cinder.messages import CreateAttachment
from actors.cinder.models import Attachment
from actors.cinder.service.api import CinderApi
from actors.ids import AttachmentId
from actors.races.base import Race, Stage
from actors.races.boots import QUERY, make_volume, on_volume, open_small, server


class NoSwap(CinderApi):
    """Looks at the status, then sets it."""

    @CreateAttachment.handler
    async def create_attachment(self, msg: CreateAttachment) -> Attachment:
        volume, now = self.volume(msg.volume_id), self.now
        if volume.status != "available":
            raise InvalidVolume(f"volume {volume.id} is {volume.status}: it must be available to be reserved")
        await anyio.sleep(QUERY)
        self.store.volumes.put(attrs.evolve(volume, status="reserved", attach_status="reserved", updated_at=now))
        attachment = Attachment(
            id=AttachmentId(self.ids.uuid()), volume_id=volume.id, instance=msg.instance,
            project_id=volume.project_id, created_at=now,
        )  # fmt: skip
        return self.view_attachment(self.store.attachments.put(attachment))


async def scenario(stage: Stage) -> None:
    """Two servers are booted with the same volume, one a moment after the other."""
    demo = (await open_small(stage, backends=("lvm",))).session("demo")
    volume = await make_volume(demo)

    async def second() -> Any:
        await anyio.sleep(stage.choose("seconds later", (2.0, 1.0, 0.5, 0.2, 0.1, 0.0)))
        return await demo.ask(server("second", block_devices=(on_volume(volume),)))

    await stage.together(lambda: demo.ask(server("first", block_devices=(on_volume(volume),))), second)
    await stage.rest()


RACE = Race(
    name="cinder-double-attach", invariants=("S17",), min_operations=2, variant={CinderApi: NoSwap}, scenario=scenario
)
program, counterpart = RACE.programs()
