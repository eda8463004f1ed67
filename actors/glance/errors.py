"""Glance's refusals, with the names of glance's `common/exception.py`."""

from actors.errors import BadRequest, Conflict, Forbidden, NotFound, TooLarge


class InvalidImage(BadRequest):
    """A field makes no sense, or is missing."""


class InvalidFilter(BadRequest):
    """A filter, sort key, limit or marker that is none."""


class ImageNotFound(NotFound):
    """There is no such image, or not for this project."""


class ImageDataNotFound(NotFound):
    """The image has no bytes (yet)."""

    status = 204
    title = "No Content"


class ImageGone(NotFound):
    """The image was deleted while it was uploaded; what had arrived is deleted too."""

    status = 410
    title = "Gone"


class InvalidImageStatusTransition(Conflict):
    """The image is in a status in which this cannot be done, or somebody else was faster."""


class DuplicateImage(Conflict):
    """There is an image with this id."""


class ImageForbidden(Forbidden):
    """Policy, the image's status or its protection does not allow it."""


class StorageQuotaFull(TooLarge):
    """The project's images take all the bytes that they may."""


class ImageSizeLimitExceeded(TooLarge):
    """The image is larger than any may be."""


class ImagePropertyLimitExceeded(TooLarge):
    """The image has more properties than it may."""


class ImageTagLimitExceeded(TooLarge):
    """The image has more tags than it may."""
