"""Cinder's API: volumes, snapshots and attachments, and what administrators do (Block Storage API v3).

Every call answers 401 `Unauthorized` for a token that is not good. What belongs to another project looks as if it was not
there (404), except to administrators. Who leaves a filter None does not filter by it.
"""

from collections.abc import Mapping
from typing import ClassVar

import attrs

from actors.calls import ApiRequest, admin
from actors.cinder.models import (
    NOTHING,
    Attachment,
    Connector,
    QuotaSet,
    Service,
    Snapshot,
    SnapshotId,
    Volume,
    VolumeType,
    VolumeTypeId,
    frozen,
)
from actors.ids import AttachmentId, ImageId, ProjectId, ServerId, VolumeId
from bus.message import message

TOPIC = "cinder-api"


# -- volumes -----------------------------------------------------------------------------------------------------------


@message
class CreateVolume(ApiRequest[Volume]):
    """Create a volume (`POST /v3/{project_id}/volumes`). It is answered at once, with status creating.

    It becomes available, by way of downloading if it is made from an image, or goes to error. At most one of *snapshot_id*,
    *image_id* and *source_volid*.

    Raises: 400 if the size is none or too small for the source, the source is not ready, or there is no such image or zone;
    404 for a type, snapshot or volume that is not there; 413 over quota.

    Attributes:
        size: GB; None for the size of the snapshot or volume it is made from.
        name: need not be unique.
        description: for people.
        volume_type: name or id; None for that of the source, or else the default one.
        availability_zone: None for that of the source, or else the default one.
        image_id: image that it is made from (`imageRef`), fetched with the token of this call.
        snapshot_id: snapshot that it is made from.
        source_volid: volume that it is a clone of.
        metadata: kept with it.
    """

    topic: ClassVar[str] = TOPIC
    size: int | None = None
    name: str = ""
    description: str = ""
    volume_type: str | None = None
    availability_zone: str | None = None
    image_id: ImageId | None = None
    snapshot_id: SnapshotId | None = None
    source_volid: VolumeId | None = None
    metadata: Mapping[str, str] = attrs.field(default=NOTHING, converter=frozen)


@message
class ShowVolume(ApiRequest[Volume]):
    """Show a volume. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    volume_id: VolumeId


@message
class ListVolumes(ApiRequest[tuple[Volume, ...]]):
    """List volumes (`GET /v3/{project_id}/volumes/detail`), the newest first.

    Raises: 400 for a sort key, limit or offset that is none; 404 for a marker that is none.

    Attributes:
        all_tenants: of all projects; administrators only, ignored for others.
        project_id: of this project, with *all_tenants*.
        name: with this name.
        status: in this status.
        bootable: bootable, or not.
        availability_zone: in this zone.
        size: of so many GB.
        metadata: with all of these.
        sort: ``"key:direction,..."``.
        marker: after the volume with this id.
        offset: so many later.
        limit: so many at most.
    """

    topic: ClassVar[str] = TOPIC
    all_tenants: bool = False
    project_id: ProjectId | None = None
    name: str | None = None
    status: str | None = None
    bootable: bool | None = None
    availability_zone: str | None = None
    size: int | None = None
    metadata: Mapping[str, str] = attrs.field(default=NOTHING, converter=frozen)
    sort: str = "created_at:desc,id:desc"
    marker: VolumeId | None = None
    offset: int = 0
    limit: int | None = None


@message
class UpdateVolume(ApiRequest[Volume]):
    """Change what its owner gave a volume. 404 if there is none, 400 while it is in maintenance.

    Attributes:
        volume_id: the volume.
        name: None to keep it.
        description: None to keep it.
        metadata: in place of all there is; None to keep it.
    """

    topic: ClassVar[str] = TOPIC
    volume_id: VolumeId
    name: str | None = None
    description: str | None = None
    metadata: Mapping[str, str] | None = attrs.field(default=None, converter=attrs.converters.optional(frozen))


@message
class SetVolumeBootable(ApiRequest[None]):
    """Say whether a volume holds a system to boot from (`os-set_bootable`). 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    volume_id: VolumeId
    bootable: bool


@message
class ExtendVolume(ApiRequest[None]):
    """Make a volume larger (`os-extend`). It goes by way of extending back to available or in-use, or to error_extending.

    Raises: 404 if there is none; 400 if it is neither available nor in-use, or not to become larger; 413 over quota.

    Attributes:
        volume_id: the volume.
        new_size: GB.
    """

    topic: ClassVar[str] = TOPIC
    volume_id: VolumeId
    new_size: int


@message
class DeleteVolume(ApiRequest[None]):
    """Delete a volume. It goes by way of deleting, or to error_deleting. One that no backend has yet goes at once.

    Raises: 404 if there is none; 400 if it is not available or in one of the errors, attached, or has snapshots; 403 for
    *force* by others than administrators.

    Attributes:
        volume_id: the volume.
        cascade: delete its snapshots first.
        force: in whatever status it is, unless it is attached (`os-force_delete`).
    """

    topic: ClassVar[str] = TOPIC
    volume_id: VolumeId
    cascade: bool = False
    force: bool = False


@message
class ResetVolumeStatus(ApiRequest[None]):
    """Say that a volume is in some status (`os-reset_status`), whatever it really is. For administrators.

    Raises: 404 if there is none; 400 for a status that is none, for deleting, and for in-use without attachments.

    Attributes:
        volume_id: the volume.
        status: None to keep it.
        attach_status: None to keep it; ``"detached"`` drops its attachments without a word to the backend.
    """

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    volume_id: VolumeId
    status: str | None = None
    attach_status: str | None = None


@message
class ForceDetachVolume(ApiRequest[None]):
    """Disconnect a volume on the backend and drop the attachment (`os-force_detach`). For administrators.

    Raises: 404 if there is no such volume; 400 if the attachment is not one of it; 409 as `DeleteAttachment`; 500 if its
    backend does not answer.

    Attributes:
        volume_id: the volume.
        attachment_id: None for the only one that it has.
    """

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    volume_id: VolumeId
    attachment_id: AttachmentId | None = None


# -- snapshots ---------------------------------------------------------------------------------------------------------


@message
class CreateSnapshot(ApiRequest[Snapshot]):
    """Keep what a volume holds. It is answered at once, with status creating, and becomes available or goes to error.

    Raises: 404 if there is no such volume; 400 if it is neither available nor in-use; 413 over quota.

    Attributes:
        volume_id: the volume.
        name: need not be unique.
        description: for people.
        metadata: kept with it.
    """

    topic: ClassVar[str] = TOPIC
    volume_id: VolumeId
    name: str = ""
    description: str = ""
    metadata: Mapping[str, str] = attrs.field(default=NOTHING, converter=frozen)


@message
class ShowSnapshot(ApiRequest[Snapshot]):
    """Show a snapshot. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    snapshot_id: SnapshotId


@message
class ListSnapshots(ApiRequest[tuple[Snapshot, ...]]):
    """List snapshots (`GET /v3/{project_id}/snapshots/detail`), the newest first.

    Attributes:
        all_tenants: of all projects; administrators only, ignored for others.
        project_id: of this project, with *all_tenants*.
        name: with this name.
        status: in this status.
        volume_id: of this volume.
        metadata: with all of these.
        sort: ``"key:direction,..."``.
        marker: after the snapshot with this id.
        offset: so many later.
        limit: so many at most.
    """

    topic: ClassVar[str] = TOPIC
    all_tenants: bool = False
    project_id: ProjectId | None = None
    name: str | None = None
    status: str | None = None
    volume_id: VolumeId | None = None
    metadata: Mapping[str, str] = attrs.field(default=NOTHING, converter=frozen)
    sort: str = "created_at:desc,id:desc"
    marker: SnapshotId | None = None
    offset: int = 0
    limit: int | None = None


@message
class UpdateSnapshot(ApiRequest[Snapshot]):
    """Change what its owner gave a snapshot; None keeps it. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    snapshot_id: SnapshotId
    name: str | None = None
    description: str | None = None
    metadata: Mapping[str, str] | None = attrs.field(default=None, converter=attrs.converters.optional(frozen))


@message
class DeleteSnapshot(ApiRequest[None]):
    """Delete a snapshot. It goes by way of deleting, or to error_deleting.

    Raises: 404 if there is none; 400 if it is neither available nor in error; 403 for *force* by others than administrators.

    Attributes:
        snapshot_id: the snapshot.
        force: in whatever status it is (`os-force_delete`).
    """

    topic: ClassVar[str] = TOPIC
    snapshot_id: SnapshotId
    force: bool = False


@message
class ResetSnapshotStatus(ApiRequest[None]):
    """Say that a snapshot is in some status (`os-reset_status`). For administrators. 404 if there is none, 400 for no status."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    snapshot_id: SnapshotId
    status: str


# -- attachments -------------------------------------------------------------------------------------------------------


@message
class CreateAttachment(ApiRequest[Attachment]):
    """Reserve a volume for a server (`POST /v3/{project_id}/attachments`), and connect it if a connector is given.

    The volume goes to reserved by a compare-and-swap. A volume that may be attached more than once can also be in-use; one
    that a server has can be reserved by it again, for a migration.

    Raises: 404 if there is no such volume; 400 if it is taken, not ready or in error; 500 if its backend does not answer (the
    reservation then stays).

    Attributes:
        volume_id: the volume (`volume_uuid`).
        instance: the server (`instance_uuid`).
        connector: of the host; None to reserve it alone.
        mode: ``"rw"`` or ``"ro"``; None for what the connector says.
    """

    topic: ClassVar[str] = TOPIC
    timeout: ClassVar[float] = 120.0
    volume_id: VolumeId
    instance: ServerId | None = None
    connector: Connector | None = None
    mode: str | None = attrs.field(default=None, validator=attrs.validators.in_((None, "rw", "ro")))


@message
class ShowAttachment(ApiRequest[Attachment]):
    """Show an attachment. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    attachment_id: AttachmentId


@message
class ListAttachments(ApiRequest[tuple[Attachment, ...]]):
    """List attachments (`GET /v3/{project_id}/attachments/detail`), the newest first.

    Attributes:
        all_tenants: of all projects; administrators only, ignored for others.
        project_id: of this project, with *all_tenants*.
        volume_id: of this volume.
        instance: of this server (`instance_id`).
        status: in this status (`attach_status`).
        sort: ``"key:direction,..."``.
        marker: after the attachment with this id.
        offset: so many later.
        limit: so many at most.
    """

    topic: ClassVar[str] = TOPIC
    all_tenants: bool = False
    project_id: ProjectId | None = None
    volume_id: VolumeId | None = None
    instance: ServerId | None = None
    status: str | None = None
    sort: str = "created_at:desc,id:desc"
    marker: AttachmentId | None = None
    offset: int = 0
    limit: int | None = None


@message
class UpdateAttachment(ApiRequest[Attachment]):
    """Connect a reserved volume to a host, and get what the host needs for it. The volume goes to attaching.

    Raises: 404 if there is no such attachment; 409 if the volume is in error, or already connected by another attachment and
    not made for that; 500 if its backend does not answer within `rpc_response_timeout` (it may still connect it).

    Attributes:
        attachment_id: the attachment.
        connector: of the host.
    """

    topic: ClassVar[str] = TOPIC
    timeout: ClassVar[float] = 120.0
    attachment_id: AttachmentId
    connector: Connector


@message
class CompleteAttachment(ApiRequest[None]):
    """Say that the host has connected the volume (`os-complete`), which goes to in-use. 404 if there is no such attachment."""

    topic: ClassVar[str] = TOPIC
    attachment_id: AttachmentId


@message
class DeleteAttachment(ApiRequest[tuple[Attachment, ...]]):
    """Disconnect a volume and drop the attachment; answers those that are left. The volume goes to what these make it.

    Raises: 404 if there is no such attachment; 409 if a server uses it, unless a service asks on the user's behalf, with a
    service token (CVE-2023-2088); 500 if its backend does not answer.
    """

    topic: ClassVar[str] = TOPIC
    timeout: ClassVar[float] = 120.0
    attachment_id: AttachmentId


# -- for administrators ------------------------------------------------------------------------------------------------


@message
class CreateVolumeType(ApiRequest[VolumeType]):
    """Create a volume type. For administrators. 409 if the name is taken."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    name: str
    description: str = ""
    is_public: bool = True
    extra_specs: Mapping[str, str] = attrs.field(default=NOTHING, converter=frozen)


@message
class ShowVolumeType(ApiRequest[VolumeType]):
    """Show a volume type. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    volume_type: str


@message
class ListVolumeTypes(ApiRequest[tuple[VolumeType, ...]]):
    """List volume types, the public ones for others than administrators.

    Attributes:
        is_public: public ones, or others; for administrators.
        extra_specs: with all of these.
    """

    topic: ClassVar[str] = TOPIC
    is_public: bool | None = None
    extra_specs: Mapping[str, str] = attrs.field(default=NOTHING, converter=frozen)


@message
class DeleteVolumeType(ApiRequest[None]):
    """Delete a volume type. For administrators. 404 if there is none, 400 if there are volumes of it or it is the default."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    volume_type_id: VolumeTypeId


@message
class ShowQuotaSet(ApiRequest[QuotaSet]):
    """Show the quotas of a project, with what it uses. 403 for another project than one's own, except to administrators."""

    topic: ClassVar[str] = TOPIC
    project_id: ProjectId


@message
class UpdateQuotaSet(ApiRequest[QuotaSet]):
    """Set quotas of a project; -1 for no limit, None to keep one. For administrators. 400 for less than -1."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    project_id: ProjectId
    volumes: int | None = None
    gigabytes: int | None = None
    snapshots: int | None = None
    per_volume_gigabytes: int | None = None


@message
class DeleteQuotaSet(ApiRequest[None]):
    """Give a project the default quotas again. For administrators."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    project_id: ProjectId


@message
class ListServices(ApiRequest[tuple[Service, ...]]):
    """List the schedulers and backends, and whether they are up (`os-services`). For administrators."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    host: str | None = None
    binary: str | None = None


@message
class UpdateService(ApiRequest[Service]):
    """Let schedulers use a backend, or not (`os-services/enable`, `disable-log-reason`). For administrators. 404 if it is none.

    Attributes:
        host: ``host@backend``.
        binary: of the service.
        status: ``"enabled"`` or ``"disabled"``.
        disabled_reason: why it is disabled.
    """

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    host: str
    binary: str = "cinder-volume"
    status: str = attrs.field(validator=attrs.validators.in_(("enabled", "disabled")))
    disabled_reason: str | None = None
