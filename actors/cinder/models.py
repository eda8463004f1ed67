"""What Cinder knows: volumes, snapshots, attachments, volume types, services and quotas.

Field names are those of the Block Storage API v3; sizes are in GB (of 1024 ** 3 bytes), times in seconds since 1970.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NewType

import attrs

from actors.ids import AttachmentId, ProjectId, ServerId, UserId, VolumeId

SnapshotId = NewType("SnapshotId", str)
VolumeTypeId = NewType("VolumeTypeId", str)

GB = 1024**3


NOTHING: Mapping[str, str] = MappingProxyType({})


def frozen(pairs: Mapping[str, str]) -> Mapping[str, str]:
    """A copy of *pairs* that nobody can change; *pairs* itself if it is one."""
    return pairs if isinstance(pairs, MappingProxyType) else MappingProxyType(dict(pairs))


@attrs.frozen(kw_only=True)
class Connector:
    """What a host says of itself so that a volume can be connected to it (os-brick's connector properties).

    Attributes:
        host: name of the host.
        ip: its address.
        initiator: its iSCSI name.
        multipath: whether it uses several paths.
        mountpoint: name of the device in the guest.
        mode: ``"rw"`` or ``"ro"``; None for what the attachment says.
    """

    host: str
    ip: str = ""
    initiator: str = ""
    multipath: bool = False
    mountpoint: str | None = None
    mode: str | None = None


@attrs.frozen(kw_only=True)
class ConnectionInfo:
    """What a host needs to connect a volume: the address of its target, and how it may be used."""

    driver_volume_type: str = "iscsi"
    target_portal: str
    target_iqn: str
    target_lun: int = 0
    access_mode: str = "rw"
    volume_id: VolumeId
    attachment_id: AttachmentId
    auth_password: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class Attachment:
    """That a volume is meant for, or used by, a server.

    Attributes:
        id: of the attachment.
        volume_id: the volume.
        instance: the server; None for a use by something else.
        status: reserved, attaching, attached, detaching or error_attaching.
        attach_mode: ``"rw"``, ``"ro"``, or ``"null"`` until it is known.
        attached_at: when it was connected.
        connection_info: what the host got to connect it; None until then.
        attached_host: the host that it is connected to.
        mountpoint: the device in the guest.
        connector: of the host.
        project_id: whose volume it is.
        created_at: when it was created.
        updated_at: when it last changed.
    """

    id: AttachmentId
    volume_id: VolumeId
    instance: ServerId | None = None
    status: str = "reserved"
    attach_mode: str = "null"
    attached_at: float | None = None
    connection_info: ConnectionInfo | None = None
    attached_host: str | None = None
    mountpoint: str | None = None
    connector: Connector | None = None
    project_id: ProjectId
    created_at: float
    updated_at: float | None = None


@attrs.frozen(kw_only=True)
class Volume:
    """A disk.

    Attributes:
        id: of the volume.
        name: given by its owner; need not be unique.
        description: likewise.
        status: see `actors.cinder.states`.
        attach_status: detached, reserved, attaching, attached or detaching.
        size: GB.
        volume_type: name of its type.
        volume_type_id: id of its type.
        availability_zone: where it is, or is to be.
        bootable: whether it holds a system to boot from.
        multiattach: whether several servers may use it at once.
        snapshot_id: the snapshot that it was made from.
        source_volid: the volume that it was cloned from.
        metadata: given by its owner.
        volume_image_metadata: what the image said that it was made from.
        attachments: those that are attached; filled in by the API.
        host: the backend that holds it, as ``host@backend#pool`` (`os-vol-host-attr:host`); shown to administrators.
        user_id: who created it.
        project_id: who owns it (`os-vol-tenant-attr:tenant_id`).
        previous_status: what it was before it was extended.
        created_at: when it was asked for.
        updated_at: when it last changed.
        scheduled_at: when a backend was chosen.
        launched_at: when it became available.
        terminated_at: when its deletion was asked for.
    """

    id: VolumeId
    name: str = ""
    description: str = ""
    status: str
    attach_status: str = "detached"
    size: int
    volume_type: str
    volume_type_id: VolumeTypeId
    availability_zone: str | None = None
    bootable: bool = False
    multiattach: bool = False
    snapshot_id: SnapshotId | None = None
    source_volid: VolumeId | None = None
    metadata: Mapping[str, str] = attrs.field(default=NOTHING, converter=frozen)
    volume_image_metadata: Mapping[str, str] = attrs.field(default=NOTHING, converter=frozen)
    attachments: tuple[Attachment, ...] = ()
    host: str | None = None
    user_id: UserId
    project_id: ProjectId
    previous_status: str | None = None
    created_at: float
    updated_at: float | None = None
    scheduled_at: float | None = None
    launched_at: float | None = None
    terminated_at: float | None = None


@attrs.frozen(kw_only=True)
class Snapshot:
    """What a volume held at some instant.

    Attributes:
        id: of the snapshot.
        volume_id: the volume.
        name: given by its owner.
        description: likewise.
        status: creating, available, deleting, error or error_deleting.
        progress: ``"0%"`` or ``"100%"`` (`os-extended-snapshot-attributes:progress`).
        size: GB of the volume when it was taken.
        volume_type_id: type of the volume.
        metadata: given by its owner.
        user_id: who created it.
        project_id: who owns it (`os-extended-snapshot-attributes:project_id`).
        created_at: when it was asked for.
        updated_at: when it last changed.
    """

    id: SnapshotId
    volume_id: VolumeId
    name: str = ""
    description: str = ""
    status: str = "creating"
    progress: str = "0%"
    size: int
    volume_type_id: VolumeTypeId
    metadata: Mapping[str, str] = attrs.field(default=NOTHING, converter=frozen)
    user_id: UserId
    project_id: ProjectId
    created_at: float
    updated_at: float | None = None


@attrs.frozen(kw_only=True)
class VolumeType:
    """A kind of volume.

    Attributes:
        id: of the type.
        name: unique.
        description: for people.
        is_public: whether every project may use it.
        extra_specs: what a backend must be able to do: `volume_backend_name`, ``multiattach="<is> True"``,
            ``provisioning:type="thick"``.
    """

    id: VolumeTypeId
    name: str
    description: str = ""
    is_public: bool = True
    extra_specs: Mapping[str, str] = attrs.field(default=NOTHING, converter=frozen)

    @property
    def multiattach(self) -> bool:
        """Whether its volumes may be used by several servers at once."""
        return self.extra_specs.get("multiattach") == "<is> True"


@attrs.frozen(kw_only=True)
class Service:
    """A cinder-scheduler or a cinder-volume, as the services table has it.

    Attributes:
        binary: ``"cinder-scheduler"`` or ``"cinder-volume"``.
        host: its name; for a cinder-volume ``host@backend``.
        zone: its availability zone.
        status: ``"enabled"`` or ``"disabled"``.
        disabled_reason: why an administrator disabled it.
        state: ``"up"`` or ``"down"``; filled in by the API.
        updated_at: its last report. An administrator's change does not touch it.
        report_count: its reports so far.
    """

    binary: str
    host: str
    zone: str
    status: str = "enabled"
    disabled_reason: str | None = None
    state: str = "up"
    updated_at: float
    report_count: int = 0

    def is_up(self, now: float, service_down_time: float) -> bool:
        """Whether it reported within the last *service_down_time* seconds (cinder's `objects/service.py`)."""
        return now - self.updated_at <= service_down_time


@attrs.frozen(kw_only=True)
class Quota:
    """How much of one resource a project may have, and has.

    Attributes:
        limit: how much it may have; -1 for no limit.
        in_use: how much it has.
        reserved: how much is promised to operations under way.
    """

    limit: int
    in_use: int = 0
    reserved: int = 0


@attrs.frozen(kw_only=True)
class QuotaSet:
    """The quotas of a project; gigabytes count volumes and snapshots."""

    id: ProjectId
    volumes: Quota
    gigabytes: Quota
    snapshots: Quota
    per_volume_gigabytes: Quota


@attrs.frozen(kw_only=True)
class Capabilities:
    """What a backend reports about itself (cinder's `get_volume_stats`). It has one pool.

    Attributes:
        volume_backend_name: name of the kind of backend, which volume types ask for; also the pool's name.
        total_capacity_gb: all its space.
        free_capacity_gb: what is left of it.
        allocated_capacity_gb: sizes of the volumes that Cinder has there.
        provisioned_capacity_gb: sizes of all volumes there.
        thin_provisioning_support: whether volumes take space as they are written.
        max_over_subscription_ratio: how often its space may be promised, if they do.
        reserved_percentage: share that is kept free.
        multiattach: whether volumes can be connected to several hosts.
        timestamp: when it was reported.
    """

    volume_backend_name: str
    total_capacity_gb: float
    free_capacity_gb: float
    allocated_capacity_gb: float = 0
    provisioned_capacity_gb: float = 0
    thin_provisioning_support: bool = False
    max_over_subscription_ratio: float = 20.0
    reserved_percentage: int = 0
    multiattach: bool = True
    timestamp: float = 0.0
