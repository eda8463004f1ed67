"""Glance's API (Image API v2).

Every call answers 401 for a token that is not good. An image that is not for whoever asks looks as if it was not there (404);
administrators see all. In an update, None keeps a field as it is.
"""

from collections.abc import Mapping
from typing import ClassVar

import attrs

from actors.calls import ApiRequest
from actors.glance.models import Image, ImageData, frozen
from actors.ids import ImageId, ProjectId
from bus.message import message

TOPIC = "glance"
_maybe_frozen = attrs.converters.optional(frozen)
DAY = 86400.0


@message
class CreateImage(ApiRequest[Image]):
    """Create an image without bytes: its status is queued.

    Raises: 400 for a field that makes no sense; 403 to make it public, or for another project, except by administrators; 409
    for an id that is taken; 413 for too many tags or properties.

    Attributes:
        id: None for any.
        name: need not be unique.
        visibility: ``"public"``, ``"private"``, ``"shared"`` or ``"community"``.
        owner: None for the project that asks.
        disk_format: such as ``"qcow2"``.
        container_format: such as ``"bare"``.
        min_disk: GB that a disk needs to boot it.
        min_ram: MB that a server needs to boot it.
        protected: whether it cannot be deleted.
        os_hidden: whether lists leave it out.
        tags: words that it can be found by.
        properties: whatever else is to be said of it.
    """

    topic: ClassVar[str] = TOPIC
    id: ImageId | None = None
    name: str | None = None
    visibility: str = "shared"
    owner: ProjectId | None = None
    disk_format: str | None = None
    container_format: str | None = None
    min_disk: int = 0
    min_ram: int = 0
    protected: bool = False
    os_hidden: bool = False
    tags: tuple[str, ...] = ()
    properties: Mapping[str, str] = attrs.field(factory=dict[str, str], converter=frozen)


@message
class ShowImage(ApiRequest[Image]):
    """Show an image. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    image_id: ImageId


@message
class ListImages(ApiRequest[tuple[Image, ...]]):
    """List one's own images and the public ones, the newest first. Administrators list those of all projects.

    Raises: 400 for a visibility, sort key, limit or marker that is none.

    Attributes:
        id: any of these.
        name: any of these.
        status: any of these.
        visibility: this one; ``"community"`` shows those of all projects, ``"all"`` adds them to the others.
        owner: of this project.
        disk_format: any of these.
        container_format: any of these.
        checksum: with this one.
        os_hash_value: with this one.
        protected: protected, or not.
        os_hidden: hidden ones, instead of the others.
        min_disk: exactly so many.
        min_ram: exactly so many.
        size_min: at least so many bytes.
        size_max: at most so many.
        tags: with all of these.
        properties: with all of these.
        sort_key: fields.
        sort_dir: ``"asc"`` or ``"desc"`` for each.
        limit: so many at most; None for `limit_param_default`.
        marker: after the image with this id.
    """

    topic: ClassVar[str] = TOPIC
    id: tuple[ImageId, ...] = ()
    name: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    visibility: str | None = None
    owner: ProjectId | None = None
    disk_format: tuple[str, ...] = ()
    container_format: tuple[str, ...] = ()
    checksum: str | None = None
    os_hash_value: str | None = None
    protected: bool | None = None
    os_hidden: bool = False
    min_disk: int | None = None
    min_ram: int | None = None
    size_min: int | None = None
    size_max: int | None = None
    tags: tuple[str, ...] = ()
    properties: Mapping[str, str] = attrs.field(factory=dict[str, str], converter=frozen)
    sort_key: tuple[str, ...] = ("created_at", "id")
    sort_dir: tuple[str, ...] = ("desc", "desc")
    limit: int | None = None
    marker: ImageId | None = None


@message
class UpdateImage(ApiRequest[Image]):
    """Change an image.

    Raises: 400 for a field that makes no sense; 403 for the image of another project, to make it public except by
    administrators, or for its formats once it has bytes; 404; 413 for too many tags or properties.

    Attributes:
        image_id: the image.
        name: need not be unique.
        visibility: who it is for.
        disk_format: while it is queued.
        container_format: while it is queued.
        min_disk: GB that a disk needs to boot it.
        min_ram: MB that a server needs to boot it.
        protected: whether it cannot be deleted.
        os_hidden: whether lists leave it out.
        tags: in place of all there are.
        properties: added to what there is.
        remove_properties: names of those to take away.
    """

    topic: ClassVar[str] = TOPIC
    image_id: ImageId
    name: str | None = None
    visibility: str | None = None
    disk_format: str | None = None
    container_format: str | None = None
    min_disk: int | None = None
    min_ram: int | None = None
    protected: bool | None = None
    os_hidden: bool | None = None
    tags: tuple[str, ...] | None = None
    properties: Mapping[str, str] | None = attrs.field(default=None, converter=_maybe_frozen)
    remove_properties: tuple[str, ...] = ()


@message
class AddTag(ApiRequest[None]):
    """Tag an image (`PUT /v2/images/{id}/tags/{tag}`). 403 for that of another project; 404; 413 for too many."""

    topic: ClassVar[str] = TOPIC
    image_id: ImageId
    tag: str


@message
class RemoveTag(ApiRequest[None]):
    """Take a tag away. 403 for the image of another project; 404 also if it has no such tag."""

    topic: ClassVar[str] = TOPIC
    image_id: ImageId
    tag: str


@message
class DeleteImage(ApiRequest[None]):
    """Delete an image with its bytes, in whatever status it is. 403 for that of another project, or a protected one; 404."""

    topic: ClassVar[str] = TOPIC
    image_id: ImageId


@message
class UploadImage(ApiRequest[None]):
    """Give a queued image its bytes (`PUT /v2/images/{id}/file`). It takes as long as they need to travel.

    The token is checked when it begins. Ask with ``monitor=``: whoever serves it shows every few seconds that it lives.

    Raises: 400 if a format is missing; 403 for the image of another project; 404; 409 if it is not queued; 410 if it was
    deleted in the meantime; 413 if it is too large, or the project's images are. After a refusal the image is queued again.

    Attributes:
        image_id: the image.
        data: its bytes.
    """

    topic: ClassVar[str] = TOPIC
    timeout: ClassVar[float] = DAY
    image_id: ImageId
    data: ImageData


@message
class DownloadImage(ApiRequest[ImageData]):
    """Fetch an image's bytes (`GET /v2/images/{id}/file`). It takes as long as they need to travel.

    Token, policy and status are checked when it begins: one that expires meanwhile does not cut it, nor does a deletion. Ask
    with ``monitor=``, as for `UploadImage`.

    Raises: 204 if it has no bytes; 403 if it is deactivated, except for administrators; 404.
    """

    topic: ClassVar[str] = TOPIC
    timeout: ClassVar[float] = DAY
    image_id: ImageId


@message
class DeactivateImage(ApiRequest[None]):
    """Let nobody but administrators download an image. 403 for that of another project, or if it was never active; 404."""

    topic: ClassVar[str] = TOPIC
    image_id: ImageId


@message
class ReactivateImage(ApiRequest[None]):
    """Let a deactivated image be downloaded again. 403 for that of another project, or if it was never active; 404."""

    topic: ClassVar[str] = TOPIC
    image_id: ImageId
