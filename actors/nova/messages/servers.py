"""The Compute API: servers, and what is done to them.

Every call answers 401 `Unauthorized` for a token that is not good. Servers of another project look as if they were not there
(404), except to administrators. 409 if the server is in a state in which the thing cannot be done.
"""

from collections.abc import Mapping
from typing import ClassVar

import attrs

from actors.calls import ApiRequest, Policy, admin
from actors.ids import FlavorId, ImageId, ServerId, VolumeId
from actors.nova.messages import TOPIC
from actors.nova.models import (
    AUTO_NETWORKS,
    NOTHING,
    BlockDevice,
    CreatedServer,
    InstanceAction,
    Migration,
    NetworkRequest,
    Server,
    VolumeAttachment,
    frozen,
)
from bus.message import message


@message
class CreateServer(ApiRequest[tuple[CreatedServer, ...]]):
    """Create servers (`POST /servers`). They are answered at once, with status BUILD; what fails later shows as their fault.

    Raises:
        OverQuota: 403 if the project would have more than it may; or its ports.
        BadRequest: 400 for an image, flavor, keypair, network, security group, volume, group or zone that is none, or cannot be
            used for this.
        Conflict: 409 for a port that is in use, or if it is not clear which network is meant.

    Attributes:
        name: need not be unique. Several servers get ``-1``, ``-2`` and so on behind it.
        flavor_ref: id of the flavor.
        image_ref: the image; None to boot from a volume.
        networks: networks and ports; or ``"auto"`` or ``"none"``.
        key_name: of a keypair of the user's.
        security_groups: names or ids.
        block_devices: disks beside, or in place of, the image's.
        metadata: kept with it.
        min_count: so many servers at least ...
        max_count: ... and as many as the quota allows up to this.
        availability_zone: where; ``zone:host`` to choose the host, for administrators.
        host: on this host, if it passes the filters; for administrators.
        admin_pass: None for one that is made up.
        group: id of its server group (`os:scheduler_hints`).
        config_drive: whether the guest gets its data on a drive.
        user_data: for the guest, in base64.
    """

    topic: ClassVar[str] = TOPIC
    timeout: ClassVar[float] = 300.0
    name: str
    flavor_ref: FlavorId
    image_ref: ImageId | None = None
    networks: tuple[NetworkRequest, ...] | str = AUTO_NETWORKS
    key_name: str | None = None
    security_groups: tuple[str, ...] = ()
    block_devices: tuple[BlockDevice, ...] = ()
    metadata: Mapping[str, str] = attrs.field(default=NOTHING, converter=frozen)
    min_count: int = 1
    max_count: int = 1
    availability_zone: str | None = None
    host: str | None = None
    admin_pass: str | None = attrs.field(default=None, repr=False)
    group: str | None = None
    config_drive: bool = False
    user_data: str | None = attrs.field(default=None, repr=False)


@message
class ShowServer(ApiRequest[Server]):
    """Show a server. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    server_id: ServerId


@message
class ListServers(ApiRequest[tuple[Server, ...]]):
    """List servers (`GET /servers/detail`), the newest first, those that fit every filter that is given.

    Raises: 400 for a sort key, limit or marker that is none.

    Attributes:
        all_tenants: of all projects, for administrators; 403 for others.
        project_id: of this project, with *all_tenants*.
        user_id: of this user.
        name: with this in its name.
        status: as users see it, in capitals.
        vm_state: in this one.
        task_state: in this one.
        host: on this host, for administrators.
        image: made from it.
        flavor: of this one.
        sort_key: a field.
        sort_dir: ``"asc"`` or ``"desc"``.
        limit: so many at most; None for `max_limit`.
        marker: after the server with this id.
    """

    topic: ClassVar[str] = TOPIC
    all_tenants: bool = False
    project_id: str | None = None
    user_id: str | None = None
    name: str | None = None
    status: str | None = None
    vm_state: str | None = None
    task_state: str | None = None
    host: str | None = None
    image: ImageId | None = None
    flavor: FlavorId | None = None
    sort_key: str = "created_at"
    sort_dir: str = "desc"
    limit: int | None = None
    marker: ServerId | None = None


@message
class UpdateServer(ApiRequest[Server]):
    """Change what its owner gave a server; None keeps it. 404 if there is none.

    Attributes:
        server_id: the server.
        name: need not be unique.
        metadata: in place of all there is.
    """

    topic: ClassVar[str] = TOPIC
    server_id: ServerId
    name: str | None = None
    metadata: Mapping[str, str] | None = attrs.field(default=None, converter=attrs.converters.optional(frozen))


@message
class DeleteServer(ApiRequest[None]):
    """Delete a server, in whatever state it is (`DELETE /servers/{id}`). It is answered at once; it is over when the server is gone.

    One whose host is down, or that never had one, is deleted here and now.
    """

    topic: ClassVar[str] = TOPIC
    timeout: ClassVar[float] = 300.0
    server_id: ServerId


# -- actions -----------------------------------------------------------------------------------------------------------


@message
class RebootServer(ApiRequest[None]):
    """Reboot a server (action `reboot`).

    Attributes:
        server_id: the server.
        type: ``"SOFT"`` asks the guest, ``"HARD"`` does not.
    """

    topic: ClassVar[str] = TOPIC
    server_id: ServerId
    type: str = attrs.field(default="SOFT", validator=attrs.validators.in_(("SOFT", "HARD")))


@message
class StopServer(ApiRequest[None]):
    """Shut a server down (action `os-stop`)."""

    topic: ClassVar[str] = TOPIC
    server_id: ServerId


@message
class StartServer(ApiRequest[None]):
    """Switch a server on (action `os-start`)."""

    topic: ClassVar[str] = TOPIC
    server_id: ServerId


@message
class LockServer(ApiRequest[None]):
    """Let only administrators change a server (action `lock`)."""

    topic: ClassVar[str] = TOPIC
    server_id: ServerId


@message
class UnlockServer(ApiRequest[None]):
    """Let its owner change a server again (action `unlock`)."""

    topic: ClassVar[str] = TOPIC
    server_id: ServerId


@message
class CreateServerImage(ApiRequest[ImageId]):
    """Make an image of a server's disk (action `createImage`). Answers its id at once; it becomes active when it is uploaded.

    Attributes:
        server_id: the server.
        name: of the image.
        metadata: kept with it.
    """

    topic: ClassVar[str] = TOPIC
    timeout: ClassVar[float] = 120.0
    server_id: ServerId
    name: str
    metadata: Mapping[str, str] = attrs.field(default=NOTHING, converter=frozen)


@message
class LiveMigrateServer(ApiRequest[None]):
    """Move a running server to another host (action `os-migrateLive`). For administrators.

    Attributes:
        server_id: the server.
        host: where to, if it passes the filters; None for the scheduler to choose.
        block_migration: whether its local disk is copied too; None to find out.
    """

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    timeout: ClassVar[float] = 300.0
    server_id: ServerId
    host: str | None = None
    block_migration: bool | None = None


@message
class ResetServerState(ApiRequest[None]):
    """Say that a server is active or in error, whatever it is (action `os-resetState`). For administrators.

    Attributes:
        server_id: the server.
        state: ``"active"`` or ``"error"``.
    """

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    server_id: ServerId
    state: str = attrs.field(validator=attrs.validators.in_(("active", "error")))


# -- what belongs to a server ------------------------------------------------------------------------------------------


@message
class AttachVolume(ApiRequest[VolumeAttachment]):
    """Give a server a volume (`POST /servers/{id}/os-volume_attachments`). It is answered at once.

    Raises: 400 if the volume cannot be attached; 404 if there is none; 409 if the server has it already.

    Attributes:
        server_id: the server.
        volume_id: the volume.
        device: what the guest is to know it by; None for any.
        tag: for the guest to know the disk by.
        delete_on_termination: whether it goes with the server.
    """

    topic: ClassVar[str] = TOPIC
    timeout: ClassVar[float] = 120.0
    server_id: ServerId
    volume_id: VolumeId
    device: str | None = None
    tag: str | None = None
    delete_on_termination: bool = False


@message
class ListVolumeAttachments(ApiRequest[tuple[VolumeAttachment, ...]]):
    """List the volumes of a server."""

    topic: ClassVar[str] = TOPIC
    server_id: ServerId


@message
class ShowVolumeAttachment(ApiRequest[VolumeAttachment]):
    """Show a volume of a server. 404 also if it does not have it."""

    topic: ClassVar[str] = TOPIC
    server_id: ServerId
    volume_id: VolumeId


@message
class DetachVolume(ApiRequest[None]):
    """Take a volume from a server. It is answered at once.

    Raises: 403 for the volume that it boots from; 404 if it does not have it; 400 if the volume is not in use.
    """

    topic: ClassVar[str] = TOPIC
    timeout: ClassVar[float] = 120.0
    server_id: ServerId
    volume_id: VolumeId


@message
class ListInstanceActions(ApiRequest[tuple[InstanceAction, ...]]):
    """List what was done to a server, the latest first."""

    topic: ClassVar[str] = TOPIC
    server_id: ServerId


@message
class ListMigrations(ApiRequest[tuple[Migration, ...]]):
    """List migrations (`GET /os-migrations`), the newest first. For administrators.

    Attributes:
        instance_uuid: of this server.
        status: in this one.
        host: from or to this host.
    """

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    instance_uuid: ServerId | None = None
    status: str | None = None
    host: str | None = None
