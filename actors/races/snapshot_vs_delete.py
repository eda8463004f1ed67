"""`snapshot-vs-delete`: an image is deleted while its bytes arrive, and the bytes stay.

An upload, of a user or of a snapshot that Nova takes, goes on for minutes. Who deletes the image meanwhile is told that it is gone; the
upload then found that there was no image to make active, and left what it had stored. Nobody sees it, it counts for nobody's quota, and
a user who does so on purpose fills the store.

Sources: glance 84b05974b (LP 1245099), 0dc8fbb34 (LP 1398830, CVE-2014-9623), 7858d4d95 (LP 1371118), 8708273d4 (LP 1557495: the status is
compared and set), 7eb2fcc86 (LP 1733289), 22d8f1fcb (LP 1885003); nova d8e695cb90 (LP 1555065). Fixed by deleting the bytes on conflict.
"""

import anyio

from actors.glance.messages import CreateImage, DeleteImage, UploadImage
from actors.glance.models import ImageData
from actors.glance.service import GlanceService
from actors.glance.states import ImageStatus
from actors.glance.store import Blob
from actors.races.base import Race, Stage
from actors.races.boots import open_small


class LitteringGlance(GlanceService):
    """Stores the bytes, and then sees whether there still is an image."""

    @UploadImage.handler
    async def upload_image(self, msg: UploadImage) -> None:
        image = self._own(msg.image_id)
        self._become(image, ImageStatus.SAVING)
        await self._transfer(msg.data.size / self.config.upload_bandwidth)
        self.store.put_blob(image.id, Blob(image.owner, msg.data, complete=True))
        self._finish(image.id, msg.data)


async def scenario(stage: Stage) -> None:
    """An image is uploaded, and deleted some time after the upload has begun."""
    demo = (await open_small(stage, hosts=0)).session("demo")
    image = await demo.ask(CreateImage(name="big", disk_format="qcow2", container_format="bare"))
    size = (1 << 27) * stage.choose("eighths of a GB", (1, 2, 4, 8))

    async def delete() -> None:
        await anyio.sleep(stage.choose("seconds later", (30.0, 20.0, 10.0, 8.0, 6.0, 4.0, 2.0, 1.0, 0.0)))
        await demo.ask(DeleteImage(image_id=image.id))

    data = ImageData(size=size, content=b"big")
    await stage.together(lambda: demo.ask(UploadImage(image_id=image.id, data=data)), delete)
    await stage.rest()


RACE = Race(
    name="snapshot-vs-delete", invariants=("S21",), min_operations=2, variant={GlanceService: LitteringGlance},
    scenario=scenario,
)  # fmt: skip
program, counterpart = RACE.programs()
