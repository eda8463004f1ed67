"""An image's status: what may become of what (pure rules), as in glance's `domain/__init__.py`.

Images are uploaded in two steps: created (queued), then given their bytes (saving, active). An upload that fails goes back to
queued, so that it can be tried again. Import and staging are left out, and with them ``uploading`` and ``importing``.
"""

from enum import StrEnum
from typing import Final


class ImageStatus(StrEnum):
    """An image's status."""

    QUEUED = "queued"
    SAVING = "saving"
    ACTIVE = "active"
    DEACTIVATED = "deactivated"
    KILLED = "killed"
    DELETED = "deleted"
    PENDING_DELETE = "pending_delete"


TRANSITIONS: Final = {
    ImageStatus.QUEUED: (ImageStatus.SAVING, ImageStatus.ACTIVE, ImageStatus.DELETED),
    ImageStatus.SAVING: (ImageStatus.ACTIVE, ImageStatus.KILLED, ImageStatus.DELETED, ImageStatus.QUEUED),
    ImageStatus.ACTIVE: (ImageStatus.PENDING_DELETE, ImageStatus.DELETED, ImageStatus.DEACTIVATED),
    ImageStatus.DEACTIVATED: (ImageStatus.ACTIVE, ImageStatus.PENDING_DELETE, ImageStatus.DELETED),
    ImageStatus.KILLED: (ImageStatus.DELETED,),
    ImageStatus.PENDING_DELETE: (ImageStatus.DELETED, ImageStatus.ACTIVE),
    ImageStatus.DELETED: (),
}
"""What each status may become."""

GONE: Final = (ImageStatus.DELETED, ImageStatus.PENDING_DELETE)
"""An image in one of these is there for nobody."""


def allowed(old: ImageStatus, new: ImageStatus) -> bool:
    """Whether an image may go from *old* to *new*."""
    return new in TRANSITIONS[old]
