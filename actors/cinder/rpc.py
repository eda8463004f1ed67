"""The calls within Cinder (cinder's `scheduler/rpcapi.py` and `volume/rpcapi.py`).

Casts are told, calls are asked. Those to the scheduler go to any of its members, those to a backend to its own cinder-volume.
"""

from typing import ClassVar

import attrs

from actors.calls import Rpc
from actors.cinder.models import Capabilities, ConnectionInfo, Connector, SnapshotId, VolumeType
from actors.ids import AttachmentId, ImageId, VolumeId
from bus.message import message

SCHEDULER = "cinder-scheduler"
VOLUME = "cinder-volume"


@attrs.frozen(kw_only=True)
class RequestSpec:
    """What a volume is to be.

    Attributes:
        volume_id: the volume.
        size: GB.
        volume_type: its type.
        availability_zones: zones that will do; empty for any.
        image_id: image that it is made from.
        snapshot_id: snapshot that it is made from.
        source_volid: volume that it is a clone of.
        resource_backend: the one backend that will do, as ``host@backend#pool``; None for any.
    """

    volume_id: VolumeId
    size: int
    volume_type: VolumeType
    availability_zones: tuple[str, ...] = ()
    image_id: ImageId | None = None
    snapshot_id: SnapshotId | None = None
    source_volid: VolumeId | None = None
    resource_backend: str | None = None


@attrs.frozen(kw_only=True)
class Retry:
    """How often a volume was scheduled.

    Attributes:
        num_attempts: times, this one included.
        backends: where it was sent.
    """

    num_attempts: int = 0
    backends: tuple[str, ...] = ()


@message
class ScheduleVolume(Rpc[None]):
    """Cast `create_volume` to the scheduler: choose a backend, and send the volume there.

    Attributes:
        spec: what it is to be.
        retry: where it failed before; None the first time.
    """

    topic: ClassVar[str] = SCHEDULER
    spec: RequestSpec
    retry: Retry | None = None


@message
class ScheduleSnapshot(Rpc[None]):
    """Cast `create_snapshot` to the scheduler: see that the volume's backend has room, and send the snapshot there."""

    topic: ClassVar[str] = SCHEDULER
    snapshot_id: SnapshotId


@message
class ScheduleExtend(Rpc[None]):
    """Cast `extend_volume` to the scheduler: see that the volume's backend has room, and go on there.

    Attributes:
        volume_id: the volume.
        new_size: GB.
        reservations: of the gigabytes that come to it.
    """

    topic: ClassVar[str] = SCHEDULER
    volume_id: VolumeId
    new_size: int
    reservations: tuple[int, ...]


@message
class UpdateCapabilities(Rpc[None]):
    """Cast `update_service_capabilities` to all schedulers: what a backend has.

    Attributes:
        host: ``host@backend``.
        capabilities: what it has.
    """

    topic: ClassVar[str] = SCHEDULER
    host: str
    capabilities: Capabilities


@message
class PublishCapabilities(Rpc[None]):
    """Cast `publish_service_capabilities` to all backends: a new scheduler asks them to report."""

    topic: ClassVar[str] = VOLUME


@message
class BuildVolume(Rpc[None]):
    """Cast `create_volume` to a backend: make the volume, or have it scheduled again.

    Attributes:
        spec: what it is to be.
        retry: where it was sent before, and now; None if it must not be scheduled again.
    """

    topic: ClassVar[str] = VOLUME
    spec: RequestSpec
    retry: Retry | None


@message
class RemoveVolume(Rpc[None]):
    """Cast `delete_volume` to a backend.

    Attributes:
        volume_id: the volume.
        cascade: its snapshots first.
    """

    topic: ClassVar[str] = VOLUME
    volume_id: VolumeId
    cascade: bool = False


@message
class GrowVolume(Rpc[None]):
    """Cast `extend_volume` to a backend; as `ScheduleExtend`."""

    topic: ClassVar[str] = VOLUME
    volume_id: VolumeId
    new_size: int
    reservations: tuple[int, ...]


@message
class TakeSnapshot(Rpc[None]):
    """Cast `create_snapshot` to a backend."""

    topic: ClassVar[str] = VOLUME
    snapshot_id: SnapshotId


@message
class RemoveSnapshot(Rpc[None]):
    """Cast `delete_snapshot` to a backend."""

    topic: ClassVar[str] = VOLUME
    snapshot_id: SnapshotId


@message
class ConnectAttachment(Rpc[ConnectionInfo]):
    """Call `attachment_update` of a backend: let a host reach a volume.

    Attributes:
        attachment_id: the attachment.
        connector: of the host.
    """

    topic: ClassVar[str] = VOLUME
    attachment_id: AttachmentId
    connector: Connector


@message
class DisconnectAttachment(Rpc[None]):
    """Call `attachment_delete` of a backend: let a host reach a volume no more."""

    topic: ClassVar[str] = VOLUME
    attachment_id: AttachmentId
