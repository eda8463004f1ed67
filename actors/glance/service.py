"""Glance: one member of the service. All members share the `GlanceStore`."""

from typing import Any, ClassVar

import anyio
import attrs

from actors.errors import Refused
from actors.glance.config import GlanceConfig
from actors.glance.errors import (
    DuplicateImage,
    ImageDataNotFound,
    ImageForbidden,
    ImageGone,
    ImageNotFound,
    ImagePropertyLimitExceeded,
    ImageSizeLimitExceeded,
    ImageTagLimitExceeded,
    InvalidFilter,
    InvalidImage,
    InvalidImageStatusTransition,
    StorageQuotaFull,
)
from actors.glance.listing import owns, sees, select
from actors.glance.messages import (
    TOPIC,
    AddTag,
    CreateImage,
    DeactivateImage,
    DeleteImage,
    DownloadImage,
    ListImages,
    ReactivateImage,
    RemoveTag,
    ShowImage,
    UpdateImage,
    UploadImage,
)
from actors.glance.models import VISIBILITIES, Image, ImageData
from actors.glance.states import ImageStatus
from actors.glance.store import Blob, GlanceStore
from actors.ids import Ids, ImageId
from actors.service import Gate, Service, request_context

SIGN_OF_LIFE = 10.0
"""Seconds between two heartbeats of a transfer."""
FORMATS = ("disk_format", "container_format")
CHANGEABLE = ("name", "visibility", *FORMATS, "min_disk", "min_ram", "protected", "os_hidden", "tags")


class GlanceService(Service):
    """Keeps images and their bytes.

    A transfer belongs to the member that serves it. When that crashes in the middle of an upload, the image stays in saving
    until somebody deletes it, as in Glance.

    Args:
        store: the database and the bytes.
        config: the options.
        ids: makes ids.
        gate: stands in front of the API.
    """

    topic: ClassVar[str] = TOPIC

    def __init__(self, *, store: GlanceStore, config: GlanceConfig, ids: Ids, gate: Gate) -> None:
        self.store = store
        self.config = config
        self.ids = ids
        self.gate = gate

    async def started(self) -> None:
        await super().started()
        for image_id in self.store.pending:
            self.start_soon(self._scrub, image_id)

    # -- looking up ----------------------------------------------------------------------------------------------------

    def _image(self, image_id: ImageId) -> Image:
        image = self.store.images.get(image_id)
        if image is None or not sees(request_context(), image):
            raise ImageNotFound(f"no image found with ID {image_id}")
        return image

    def _own(self, image_id: ImageId) -> Image:
        image = self._image(image_id)
        if not owns(request_context(), image):
            raise ImageForbidden(f"you are not permitted to change image {image_id}: it is another project's")
        return image

    @ShowImage.handler
    async def show_image(self, msg: ShowImage) -> Image:
        return self._image(msg.image_id)

    @ListImages.handler
    async def list_images(self, msg: ListImages) -> tuple[Image, ...]:
        limit = self.config.limit_param_default if msg.limit is None else msg.limit
        if limit < 0:
            raise InvalidFilter(f"limit {limit} is negative: leave it out for {self.config.limit_param_default}")
        images = self.store.images.values()
        return select(request_context(), images, msg, min(limit, self.config.api_limit_max))

    # -- create and change ---------------------------------------------------------------------------------------------

    @CreateImage.handler
    async def create_image(self, msg: CreateImage) -> Image:
        context = request_context()
        owner = msg.owner or context.project_id
        if owner is None:
            raise InvalidImage("the token has no project: give an owner, or sign in to one")
        if owner != context.project_id and not context.is_admin:
            raise ImageForbidden(f"you are not permitted to create images owned by {owner}")
        if msg.id is not None and (msg.id in self.store.images or msg.id in self.store.gone):
            raise DuplicateImage(f"image ID {msg.id} already exists")
        now = self.clock.time()
        fields: dict[str, Any] = {name: getattr(msg, name) for name in (*CHANGEABLE, "properties")}
        self._check(fields)
        fields["tags"] = tuple(dict.fromkeys(msg.tags))
        image = Image(id=msg.id or ImageId(self.ids.uuid()), owner=owner, created_at=now, updated_at=now, **fields)
        self.store.images[image.id] = image
        return image

    @UpdateImage.handler
    async def update_image(self, msg: UpdateImage) -> Image:
        image = self._own(msg.image_id)
        changes: dict[str, Any] = {name: value for name in CHANGEABLE if (value := getattr(msg, name)) is not None}
        for name in FORMATS:
            if name in changes and image.status is not ImageStatus.QUEUED:
                raise ImageForbidden(
                    f"attribute {name} can be only replaced for a queued image: this one is {image.status}"
                )
        missing = [name for name in msg.remove_properties if name not in image.properties]
        if missing:
            raise InvalidImage(f"image {image.id} has no property {missing[0]!r} to remove")
        kept = {key: value for key, value in image.properties.items() if key not in msg.remove_properties}
        changes["properties"] = {**kept, **(msg.properties or {})}
        self._check(changes)
        if msg.tags is not None:
            changes["tags"] = tuple(dict.fromkeys(msg.tags))
        return self._changed(image, **changes)

    def _changed(self, image: Image, **changes: Any) -> Image:
        image = attrs.evolve(image, updated_at=self.clock.time(), **changes)
        self.store.images[image.id] = image
        return image

    def _check(self, fields: dict[str, Any]) -> None:
        """Refuse fields that make no sense, are too many, or are not for whoever asks."""
        config, visibility = self.config, fields.get("visibility", "private")
        if visibility not in VISIBILITIES:
            raise InvalidImage(f"visibility {visibility!r}: give one of {', '.join(VISIBILITIES)}")
        if visibility == "public" and not request_context().is_admin:
            raise ImageForbidden("policy does not allow publicize_image to be performed: it is for admin")
        for name, known in (("disk_format", config.disk_formats), ("container_format", config.container_formats)):
            if fields.get(name) not in {None, *known}:
                raise InvalidImage(f"{name} {fields[name]!r}: give one of {', '.join(known)}")
        for name in ("min_disk", "min_ram"):
            if fields.get(name, 0) < 0:
                raise InvalidImage(f"{name} {fields[name]} cannot be a negative value")
        count, most = len(fields["properties"]), config.image_property_quota
        if 0 <= most < count:
            raise ImagePropertyLimitExceeded(
                f"the limit of properties has been exceeded: {count} attempted, maximum {most}"
            )
        self._check_tags(fields.get("tags", ()))

    def _check_tags(self, tags: tuple[str, ...]) -> None:
        count, most = len(set(tags)), self.config.image_tag_quota
        if 0 <= most < count:
            raise ImageTagLimitExceeded(f"the limit of tags has been exceeded: {count} attempted, maximum {most}")

    @AddTag.handler
    async def add_tag(self, msg: AddTag) -> None:
        image = self._own(msg.image_id)
        tags = tuple(dict.fromkeys((*image.tags, msg.tag)))
        self._check_tags(tags)
        self._changed(image, tags=tags)

    @RemoveTag.handler
    async def remove_tag(self, msg: RemoveTag) -> None:
        image = self._own(msg.image_id)
        if msg.tag not in image.tags:
            raise ImageNotFound(f"image {image.id} has no tag {msg.tag!r}")
        self._changed(image, tags=tuple(tag for tag in image.tags if tag != msg.tag))

    # -- status --------------------------------------------------------------------------------------------------------

    def _become(self, image: Image, status: ImageStatus, **changes: Any) -> None:
        """Give an image another status, if nobody was faster."""
        changed = attrs.evolve(image, status=status, updated_at=self.clock.time(), **changes)
        self.store.swap(image.id, image.status, changed)

    @DeactivateImage.handler
    async def deactivate_image(self, msg: DeactivateImage) -> None:
        self._switch(msg.image_id, ImageStatus.ACTIVE, ImageStatus.DEACTIVATED)

    @ReactivateImage.handler
    async def reactivate_image(self, msg: ReactivateImage) -> None:
        self._switch(msg.image_id, ImageStatus.DEACTIVATED, ImageStatus.ACTIVE)

    def _switch(self, image_id: ImageId, old: ImageStatus, new: ImageStatus) -> None:
        """As `domain.Image.deactivate`: to do it again is no error."""
        image = self._own(image_id)
        if image.status not in {old, new}:
            raise ImageForbidden(f"not allowed to make image {image_id} {new} in status {image.status}")
        if image.status is old:
            self._become(image, new)

    @DeleteImage.handler
    async def delete_image(self, msg: DeleteImage) -> None:
        image = self._own(msg.image_id)
        if image.protected:
            raise ImageForbidden(f"image {image.id} is protected and cannot be deleted: set protected to False first")
        blob = self.store.blobs.get(image.id)
        if self.config.delayed_delete and blob is not None and blob.complete:
            self._become(image, ImageStatus.PENDING_DELETE)
            self.store.pending[image.id] = self.clock.time() + self.config.scrub_time
            self.start_soon(self._scrub, image.id)
        else:
            self._become(image, ImageStatus.DELETED)
            self.store.drop_blob(image.id)

    async def _scrub(self, image_id: ImageId) -> None:
        """Delete the bytes of a deleted image when their time has come."""
        await anyio.sleep(max(0.0, self.store.pending[image_id] - self.clock.time()))
        if self.store.pending.pop(image_id, None) is not None:
            self.store.drop_blob(image_id)

    # -- bytes ---------------------------------------------------------------------------------------------------------

    @UploadImage.handler
    async def upload_image(self, msg: UploadImage) -> None:
        image = self._own(msg.image_id)
        if image.status is ImageStatus.QUEUED and (
            missing := [name for name in FORMATS if getattr(image, name) is None]
        ):
            raise InvalidImage(f"properties {', '.join(missing)} must be set prior to saving data")
        self._become(image, ImageStatus.SAVING)
        try:
            self._check_size(image, msg.data)
            self.store.put_blob(image.id, Blob(image.owner, msg.data, complete=False))
            await self._transfer(msg.data.size / self.config.upload_bandwidth)
            self._check_size(image, msg.data)  # again: others may have finished meanwhile
            self._finish(image.id, msg.data)
        except Refused:
            self.store.drop_blob(image.id)
            left = self.store.images.get(image.id)
            if left is not None and left.status is ImageStatus.SAVING:
                self._become(left, ImageStatus.QUEUED)
            raise

    def _check_size(self, image: Image, data: ImageData) -> None:
        if data.size > self.config.image_size_cap:
            raise ImageSizeLimitExceeded(
                f"the image of {data.size} bytes is larger than {self.config.image_size_cap} bytes"
            )
        quota, used = self.config.user_storage_quota, self.store.used[image.owner]
        if 0 < quota < used + data.size:
            raise StorageQuotaFull(
                f"the size of the data {data.size} will exceed the limit. {quota - used} bytes remaining."
            )

    def _finish(self, image_id: ImageId, data: ImageData) -> None:
        """Make an image active, now that its bytes are complete.

        Raises:
            ImageGone: if it was deleted in the meantime.
        """
        image = self.store.images.get(image_id)
        try:
            if image is None or image.status is not ImageStatus.SAVING:
                raise InvalidImageStatusTransition
            self._become(
                image, ImageStatus.ACTIVE, size=data.size, virtual_size=data.virtual_size, checksum=data.checksum,
                os_hash_algo="sha512", os_hash_value=data.os_hash_value,
            )  # fmt: skip
        except InvalidImageStatusTransition:
            raise ImageGone(
                f"image {image_id} could not be found after upload. The image may have been deleted during the upload, "
                "cleaning up the chunks uploaded."
            ) from None
        self.store.put_blob(image_id, Blob(image.owner, data, complete=True))

    @DownloadImage.handler
    async def download_image(self, msg: DownloadImage) -> ImageData:
        image = self._image(msg.image_id)
        if image.status is ImageStatus.DEACTIVATED and not request_context().is_admin:
            raise ImageForbidden(
                f"the requested image {image.id} has been deactivated. Image data download is forbidden."
            )
        blob = self.store.blobs.get(image.id)
        if blob is None or not blob.complete:
            raise ImageDataNotFound(f"image {image.id} has no data: its status is {image.status}")
        await self._transfer(blob.data.size / self.config.download_bandwidth)
        return blob.data

    async def _transfer(self, seconds: float) -> None:
        """Take as long as a transfer does, and show now and then that it goes on."""
        while seconds > 0:
            self.heartbeat()
            await anyio.sleep(min(seconds, SIGN_OF_LIFE))
            seconds -= SIGN_OF_LIFE
