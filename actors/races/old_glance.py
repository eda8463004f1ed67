"""Glance as it was: an API in front, and a registry behind that alone wrote to the database.

The registry checks tokens like any other service, so that an upload is admitted twice: when it begins, and when its bytes are stored.
"""

from typing import ClassVar, Final

import anyio
import attrs

from actors.calls import ApiRequest
from actors.client.on_behalf import OnBehalf
from actors.errors import CloudError
from actors.glance.models import Image, ImageData
from actors.glance.states import ImageStatus
from actors.glance.store import Blob, GlanceStore
from actors.ids import Ids, ImageId
from actors.races.town import Opening, Town
from actors.service import Gate, Service, request_context
from bus.errors import BusError
from bus.message import message

API: Final = "glance"
REGISTRY: Final = "glance-registry"
BYTES: Final = 1 << 30
"""Size of every image."""


@message
class Upload(ApiRequest[None]):
    """Upload an image.

    Attributes:
        seconds: how long it takes to store its bytes.
    """

    topic: ClassVar[str] = API
    timeout: ClassVar[float] = float("inf")
    seconds: float


@message
class SetStatus(ApiRequest[None]):
    """Write the status of an image to the database."""

    topic: ClassVar[str] = REGISTRY
    image_id: ImageId
    status: ImageStatus


class Registry(Service):
    """Writes to the database."""

    topic: ClassVar[str] = REGISTRY

    def __init__(self, *, gate: Gate, store: GlanceStore) -> None:
        self.gate = gate
        self._images = store.images

    @SetStatus.handler
    async def set_status(self, msg: SetStatus) -> None:
        now, owner = self.clock.time(), request_context().project_id
        if owner is not None:
            made = Image(id=msg.image_id, owner=owner, size=BYTES, created_at=now, updated_at=now)
            image = self._images.get(msg.image_id, made)
            self._images[image.id] = attrs.evolve(image, status=msg.status, updated_at=now)


class GlanceApi(Service):
    """Takes bytes, and tells the registry with the user's token and one of its own beside it."""

    topic: ClassVar[str] = API

    def __init__(self, *, gate: Gate, session: Opening, store: GlanceStore, ids: Ids) -> None:
        self.gate = gate
        self.store = store
        self.ids = ids
        self._open = session

    async def started(self) -> None:
        """Sign in anew in each life."""
        await super().started()
        self._registry = self.registry()

    def registry(self) -> OnBehalf:
        """How it calls the registry."""
        return OnBehalf(self.bus, self._open(self))

    @Upload.handler
    async def upload(self, msg: Upload) -> None:
        image = ImageId(self.ids.uuid())
        await self._become(image, ImageStatus.SAVING)
        try:
            await anyio.sleep(msg.seconds)
            data = ImageData(size=BYTES)
            self.store.put_blob(image, Blob(self.store.images[image].owner, data, complete=True))
            await self._become(image, ImageStatus.ACTIVE)
        except (CloudError, BusError):
            await self._become(image, ImageStatus.KILLED)
            self.store.drop_blob(image)
            raise

    async def _become(self, image: ImageId, status: ImageStatus) -> None:
        await self._registry.ask(SetStatus(image_id=image, status=status), request_context())


async def start_glance(town: Town) -> None:
    """Start both in a town."""
    await town.begin(Registry, gate=town.gate("glance"), store=town.stores.glance)
    own, ids = town.opening("glance"), Ids(town.chance("glance"))
    await town.begin(GlanceApi, gate=town.gate("glance"), session=own, store=town.stores.glance, ids=ids)
