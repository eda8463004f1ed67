"""What Cinder notifies: one event for each of its event types, which are the subjects.

Each is sent after the change in the database that it reports, by the service that made it. In order::

    create          scheduler chooses; volume.create.start, volume.create.end      (no end for one that fails)
    scheduled badly scheduler.create_volume
    attach          volume.attach.start (cinder-volume), volume.attach.end         (when it is completed)
    detach          volume.detach.start, volume.detach.end
    extend          volume.resize.start, volume.resize.end
    delete          volume.delete.start, with cascade snapshot.delete.start and .end of each, volume.delete.end
"""

from typing import ClassVar

from actors.cinder.models import Snapshot, Volume
from actors.ids import VolumeId
from bus.message import Event, message


@message
class VolumeEvent(Event):
    """Something about a volume.

    Attributes:
        publisher_id: ``volume.`` and the host of the service that sent it.
        volume: as it was then.
    """

    publisher_id: str
    volume: Volume


@message
class SnapshotEvent(Event):
    """Something about a snapshot.

    Attributes:
        publisher_id: ``snapshot.`` and the host of the service that sent it.
        snapshot: as it was then.
    """

    publisher_id: str
    snapshot: Snapshot


@message
class VolumeCreateStarted(VolumeEvent):
    """A backend begins to make a volume."""

    subject: ClassVar[str] = "volume.create.start"


@message
class VolumeCreated(VolumeEvent):
    """A volume is available."""

    subject: ClassVar[str] = "volume.create.end"


@message
class VolumeDeleteStarted(VolumeEvent):
    """A backend (or cinder-api, for a volume that no backend has) begins to delete a volume."""

    subject: ClassVar[str] = "volume.delete.start"


@message
class VolumeDeleted(VolumeEvent):
    """A volume is gone."""

    subject: ClassVar[str] = "volume.delete.end"


@message
class VolumeAttachStarted(VolumeEvent):
    """A backend begins to let a host reach a volume."""

    subject: ClassVar[str] = "volume.attach.start"


@message
class VolumeAttached(VolumeEvent):
    """A host has connected a volume."""

    subject: ClassVar[str] = "volume.attach.end"


@message
class VolumeDetachStarted(VolumeEvent):
    """An attachment is about to go; sent by cinder-api if it was only reserved."""

    subject: ClassVar[str] = "volume.detach.start"


@message
class VolumeDetached(VolumeEvent):
    """An attachment is gone."""

    subject: ClassVar[str] = "volume.detach.end"


@message
class VolumeResizeStarted(VolumeEvent):
    """A backend begins to make a volume larger."""

    subject: ClassVar[str] = "volume.resize.start"


@message
class VolumeResized(VolumeEvent):
    """A volume is larger."""

    subject: ClassVar[str] = "volume.resize.end"


@message
class VolumeStatusResetStarted(VolumeEvent):
    """An administrator is about to set a status."""

    subject: ClassVar[str] = "volume.reset_status.start"


@message
class VolumeStatusReset(VolumeEvent):
    """An administrator has set a status."""

    subject: ClassVar[str] = "volume.reset_status.end"


@message
class SnapshotCreateStarted(SnapshotEvent):
    """A backend begins to take a snapshot."""

    subject: ClassVar[str] = "snapshot.create.start"


@message
class SnapshotCreated(SnapshotEvent):
    """A snapshot is available."""

    subject: ClassVar[str] = "snapshot.create.end"


@message
class SnapshotDeleteStarted(SnapshotEvent):
    """A backend begins to delete a snapshot."""

    subject: ClassVar[str] = "snapshot.delete.start"


@message
class SnapshotDeleted(SnapshotEvent):
    """A snapshot is gone."""

    subject: ClassVar[str] = "snapshot.delete.end"


@message
class SnapshotStatusResetStarted(SnapshotEvent):
    """An administrator is about to set a status."""

    subject: ClassVar[str] = "snapshot.reset_status.start"


@message
class SnapshotStatusReset(SnapshotEvent):
    """An administrator has set a status."""

    subject: ClassVar[str] = "snapshot.reset_status.end"


@message
class SchedulingFailed(Event):
    """No backend was found.

    Attributes:
        publisher_id: ``scheduler.`` and the scheduler's host.
        volume_id: the volume.
        reason: why.
    """

    publisher_id: str
    volume_id: VolumeId
    reason: str


@message
class VolumeSchedulingFailed(SchedulingFailed):
    """No backend was found for a volume, which goes to error."""

    subject: ClassVar[str] = "scheduler.create_volume"


@message
class SnapshotSchedulingFailed(SchedulingFailed):
    """The volume's backend has no room for a snapshot, which goes to error."""

    subject: ClassVar[str] = "scheduler.create_snapshot"


@message
class ExtendSchedulingFailed(SchedulingFailed):
    """The volume's backend has no room for what comes to it; it stays as it was."""

    subject: ClassVar[str] = "scheduler.extend_volume"
