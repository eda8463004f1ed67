"""Glance's database and its store of bytes: shared by all members of the service, and outliving each of them."""

from collections import defaultdict

import attrs

from actors.glance.errors import InvalidImageStatusTransition
from actors.glance.models import Image, ImageData
from actors.glance.states import GONE, ImageStatus, allowed
from actors.ids import ImageId, ProjectId


@attrs.frozen
class Blob:
    """Bytes in the store.

    Attributes:
        owner: of their image.
        data: the bytes.
        complete: whether all of them have arrived.
    """

    owner: ProjectId
    data: ImageData
    complete: bool


class GlanceStore:
    """The tables."""

    def __init__(self) -> None:
        self.images: dict[ImageId, Image] = {}
        """Those that are there for somebody."""
        self.pending: dict[ImageId, float] = {}
        """Deleted images whose bytes are kept until then, seconds since 1970."""
        self.gone: dict[ImageId, None] = {}
        """Ids of images that were deleted: none is given again, so that a late upload cannot take a new image for its own."""
        self.blobs: dict[ImageId, Blob] = {}
        self.used: defaultdict[ProjectId, int] = defaultdict(int)
        """Bytes that the complete blobs of a project take."""

    def swap(self, image_id: ImageId, old: ImageStatus, image: Image) -> None:
        """Store *image* in place of the one with its id, if that is still in status *old* (compare and swap).

        Raises:
            InvalidImageStatusTransition: if it is not, or may not become what *image* is.
        """
        found = self.images.get(image_id)
        status = ImageStatus.DELETED if found is None else found.status
        if status is not old or not allowed(old, image.status):
            raise InvalidImageStatusTransition(
                f"image {image_id}: status transition from {status} to {image.status} is not allowed"
            )
        if image.status in GONE:
            del self.images[image_id]
            self.gone[image_id] = None
        else:
            self.images[image_id] = image

    def put_blob(self, image_id: ImageId, blob: Blob) -> None:
        """Insert or replace bytes."""
        self.drop_blob(image_id)
        self.blobs[image_id] = blob
        if blob.complete:
            self.used[blob.owner] += blob.data.size

    def drop_blob(self, image_id: ImageId) -> None:
        """Delete bytes, if there are any."""
        blob = self.blobs.pop(image_id, None)
        if blob is not None and blob.complete:
            self.used[blob.owner] -= blob.data.size
