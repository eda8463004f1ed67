"""Errors of Cinder, as cinder's `exception.py` names them.

::

    BadRequest
    ├── InvalidInput                      the request makes no sense
    ├── InvalidVolume, InvalidSnapshot    it is in a state in which this cannot be done
    ├── InvalidAvailabilityZone
    └── VolumeTypeInUse
    NotFound
    ├── VolumeNotFound, SnapshotNotFound, VolumeAttachmentNotFound
    └── VolumeTypeNotFound, ServiceNotFound
    Conflict
    ├── ResourceConflict                  somebody else was faster
    ├── ConflictNovaUsingAttachment       ask Nova to detach it
    └── VolumeTypeExists
    TooLarge
    ├── VolumeLimitExceeded, SnapshotLimitExceeded, VolumeSizeExceedsAvailableQuota
    └── VolumeSizeExceedsLimit
    InternalError
    ├── VolumeBackendAPIException         the storage failed
    ├── VolumeIsBusy                      the storage still has it connected
    ├── ImageCopyFailure                  the image could not be fetched
    └── NoValidBackend                    the scheduler found no room
"""

from actors.errors import BadRequest, Conflict, InternalError, NotFound, TooLarge


class InvalidInput(BadRequest):
    """The request makes no sense."""


class InvalidVolume(BadRequest):
    """The volume is in a state in which this cannot be done."""


class InvalidSnapshot(BadRequest):
    """The snapshot is in a state in which this cannot be done."""


class InvalidAvailabilityZone(BadRequest):
    """There is no such zone."""


class VolumeTypeInUse(BadRequest):
    """There are volumes of this type."""


class VolumeNotFound(NotFound):
    """There is no such volume, or not for this project."""


class SnapshotNotFound(NotFound):
    """There is no such snapshot, or not for this project."""


class VolumeAttachmentNotFound(NotFound):
    """There is no such attachment, or not for this project."""


class VolumeTypeNotFound(NotFound):
    """There is no such volume type."""


class ServiceNotFound(NotFound):
    """There is no such service."""


class ResourceConflict(Conflict):
    """The volume is in error, or somebody else has connected it."""


class ConflictNovaUsingAttachment(Conflict):
    """A server uses the attachment: only Nova may delete it, with a service token (CVE-2023-2088)."""


class VolumeTypeExists(Conflict):
    """The name is taken."""


class VolumeLimitExceeded(TooLarge):
    """The project has as many volumes as it may."""


class SnapshotLimitExceeded(TooLarge):
    """The project has as many snapshots as it may."""


class VolumeSizeExceedsAvailableQuota(TooLarge):
    """The project would have more gigabytes than it may."""


class VolumeSizeExceedsLimit(TooLarge):
    """No volume may be as large as this."""


class VolumeBackendAPIException(InternalError):
    """The storage failed."""


class VolumeIsBusy(InternalError):
    """The storage still has the volume connected to a host."""


class ImageCopyFailure(InternalError):
    """The image could not be copied to the volume."""


class NoValidBackend(InternalError):
    """No backend has room and fits. Nobody is told but by the status of the volume."""
