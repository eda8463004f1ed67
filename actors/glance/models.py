"""What Glance knows: images and their bytes. Field names are those of the Image API v2; times are seconds since 1970."""

from collections.abc import Mapping
from hashlib import md5, sha512
from types import MappingProxyType

import attrs

from actors.glance.states import ImageStatus
from actors.ids import ImageId, ProjectId

VISIBILITIES = ("public", "private", "shared", "community")


def frozen(pairs: Mapping[str, str]) -> Mapping[str, str]:
    """A copy of *pairs* that nobody can change."""
    return MappingProxyType(dict(pairs))


@attrs.frozen(kw_only=True)
class ImageData:
    """The bytes of an image: how many, and what makes them differ from others.

    Attributes:
        size: bytes.
        content: stands for the bytes: equal for equal ones. Checksums are made of it.
        virtual_size: bytes of the disk that they describe; None if that is not known.
    """

    size: int = attrs.field(validator=attrs.validators.ge(0))
    content: bytes = attrs.field(default=b"", repr=False)
    virtual_size: int | None = None

    @property
    def checksum(self) -> str:
        """Their MD5, as Glance still gives it."""
        return md5(self.content, usedforsecurity=False).hexdigest()

    @property
    def os_hash_value(self) -> str:
        """Their SHA-512."""
        return sha512(self.content).hexdigest()


@attrs.frozen(kw_only=True)
class Image:
    """An image.

    Attributes:
        id: its id.
        name: need not be unique; None for none.
        status: whether it can be used.
        visibility: ``"public"``: for all; ``"community"``: for all who know its id; ``"shared"`` and ``"private"``: for its
            owner.
        owner: whose it is.
        size: bytes; None while it has none.
        virtual_size: bytes of the disk that it describes; None if that is not known.
        checksum: MD5 of its bytes; None while it has none.
        os_hash_algo: how `os_hash_value` was made.
        os_hash_value: hash of its bytes; None while it has none.
        disk_format: such as ``"qcow2"``; must be set before its bytes are uploaded.
        container_format: such as ``"bare"``, likewise.
        min_disk: GB that a disk needs to boot it.
        min_ram: MB that a server needs to boot it.
        protected: whether it cannot be deleted.
        os_hidden: whether lists leave it out.
        tags: words that it can be found by.
        properties: whatever else was said of it.
        created_at: when it was created.
        updated_at: when it was last changed.
    """

    id: ImageId
    name: str | None = None
    status: ImageStatus = ImageStatus.QUEUED
    visibility: str = "shared"
    owner: ProjectId
    size: int | None = None
    virtual_size: int | None = None
    checksum: str | None = None
    os_hash_algo: str | None = None
    os_hash_value: str | None = None
    disk_format: str | None = None
    container_format: str | None = None
    min_disk: int = 0
    min_ram: int = 0
    protected: bool = False
    os_hidden: bool = False
    tags: tuple[str, ...] = ()
    properties: Mapping[str, str] = attrs.field(factory=dict[str, str], converter=frozen)
    created_at: float
    updated_at: float
