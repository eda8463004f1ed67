"""What Nova's services say to each other: nova's `conductor/rpcapi.py`, `scheduler/rpcapi.py` and `compute/rpcapi.py`.

Each is sent with the request context of whoever asked, the user's token inside, and is acknowledged before it is handled:
a service that crashes over one has lost it. Most are *told*, so that what goes wrong shows in the database alone.
"""

from typing import ClassVar, TypeVar

import attrs

from actors.calls import Rpc
from actors.cinder.models import Connector
from actors.ids import ImageId, ServerId, VolumeId
from actors.nova.external_events import ExternalEvent
from actors.nova.models import (
    BlockDevice,
    BuildRequest,
    RequestSpec,
    Retry,
    Selection,
    Vif,
)
from bus.message import message
from bus.topic import Target

CONDUCTOR = "nova-conductor"
SCHEDULER = "nova-scheduler"
COMPUTE = "nova-compute"

LONG = 1800.0
"""`long_rpc_timeout`: seconds that those may take that are known to take long."""
MONITOR = 60.0
"""Seconds without a sign of life after which they have failed all the same."""

DISABLED_TRAIT = "COMPUTE_STATUS_DISABLED"
"""What a host's resource provider has while its service is disabled (`scheduler/request_filter.py: compute_status_filter`)."""

R = TypeVar("R")


def compute(host: str) -> Target:
    """The address of the nova-compute of a host."""
    return Target(COMPUTE, server=host)


# -- to a conductor ----------------------------------------------------------------------------------------------------


@message
class ScheduleAndBuildInstances(Rpc[None]):
    """Find hosts for new servers, and have them built there (`schedule_and_build_instances`).

    Attributes:
        requests: all made by one request of a user.
        admin_pass: of the servers.
    """

    topic: ClassVar[str] = CONDUCTOR
    requests: tuple[BuildRequest, ...]
    admin_pass: str = attrs.field(default="", repr=False)


@message
class BuildInstances(Rpc[None]):
    """Have a server that could not be built where it was tried built elsewhere (`build_instances`).

    Attributes:
        server: which.
        spec: what was asked for.
        retry: how often it was tried, and where.
        alternates: hosts that may do.
        admin_pass: of the server.
    """

    topic: ClassVar[str] = CONDUCTOR
    server: ServerId
    spec: RequestSpec
    retry: Retry
    alternates: tuple[Selection, ...]
    admin_pass: str = attrs.field(default="", repr=False)


@message
class LiveMigrateInstance(Rpc[None]):
    """Move a running server to another host (`live_migrate_instance`).

    Attributes:
        server: which.
        host: where to; None for the scheduler to choose.
        block_migration: whether its local disk is copied too; None to find out.
        migration: the row that was made for it.
    """

    topic: ClassVar[str] = CONDUCTOR
    server: ServerId
    host: str | None
    block_migration: bool | None
    migration: str


@message
class AttachVolumeToInstance(Rpc[None]):
    """Give a server a volume (`attach_volume`): reserve its name and the volume, then have it attached.

    Attributes:
        server: which.
        device: the disk that is to be.
    """

    topic: ClassVar[str] = CONDUCTOR
    server: ServerId
    device: BlockDevice


# -- to a scheduler ----------------------------------------------------------------------------------------------------


@message
class SelectDestinations(Rpc[tuple[tuple[Selection, ...], ...]]):
    """Choose a host for each server, and claim it in Placement (`select_destinations`).

    Returns:
        For each server its host, and behind it alternates that are not claimed.

    Raises:
        NoValidHost: if there is not one for each; then none is claimed.

    Attributes:
        spec: what was asked for; the same for all.
        servers: which.
        return_alternates: whether alternates are wanted.
    """

    topic: ClassVar[str] = SCHEDULER
    timeout: ClassVar[float] = LONG
    spec: RequestSpec
    servers: tuple[ServerId, ...]
    return_alternates: bool = True


@message
class UpdateInstanceInfo(Rpc[None]):
    """A host has a server now (`update_instance_info`). To every scheduler."""

    topic: ClassVar[str] = SCHEDULER
    host: str
    server: ServerId


@message
class DeleteInstanceInfo(Rpc[None]):
    """A host has a server no more (`delete_instance_info`). To every scheduler."""

    topic: ClassVar[str] = SCHEDULER
    host: str
    server: ServerId


@message
class SyncInstanceInfo(Rpc[None]):
    """The servers that a host has (`sync_instance_info`). To every scheduler, which corrects what it remembers."""

    topic: ClassVar[str] = SCHEDULER
    host: str
    servers: tuple[ServerId, ...]


# -- to the nova-compute of a host -------------------------------------------------------------------------------------


class ComputeCall(Rpc[R]):
    """Base of what a nova-compute is asked. Send it to `compute(host)`."""

    __slots__ = ()

    topic: ClassVar[str] = COMPUTE


@message
class BuildAndRunInstance(ComputeCall[None]):
    """Build a server here (`build_and_run_instance`). Returns at once; what becomes of it shows in the database.

    Attributes:
        server: which.
        spec: what was asked for.
        retry: how often it was tried; None if it must not be tried elsewhere.
        alternates: hosts that may do if this one does not.
        admin_pass: of the server.
    """

    server: ServerId
    spec: RequestSpec
    retry: Retry | None
    alternates: tuple[Selection, ...] = ()
    admin_pass: str = attrs.field(default="", repr=False)


@message
class TerminateInstance(ComputeCall[None]):
    """Delete a server (`terminate_instance`)."""

    server: ServerId


@message
class RebootInstance(ComputeCall[None]):
    """Reboot a server (`reboot_instance`)."""

    server: ServerId
    hard: bool


@message
class StopInstance(ComputeCall[None]):
    """Shut a server down (`stop_instance`)."""

    server: ServerId


@message
class StartInstance(ComputeCall[None]):
    """Switch a server on (`start_instance`)."""

    server: ServerId


@message
class SnapshotInstance(ComputeCall[None]):
    """Copy a server's disk into an image (`snapshot_instance`)."""

    server: ServerId
    image: ImageId


@message
class ReserveBlockDeviceName(ComputeCall[BlockDevice]):
    """Choose the name that a server is to know a new disk by, and note the disk (`reserve_block_device_name`).

    Raises:
        InvalidVolume: if it has the volume already.
    """

    timeout: ClassVar[float] = LONG
    server: ServerId
    device: BlockDevice


@message
class AttachVolumeOnHost(ComputeCall[None]):
    """Attach a volume to a server (`attach_volume`)."""

    server: ServerId
    device: BlockDevice


@message
class DetachVolumeOnHost(ComputeCall[None]):
    """Detach a volume from a server (`detach_volume`)."""

    server: ServerId
    volume: VolumeId


@message
class ExternalInstanceEvent(ComputeCall[None]):
    """Something happened outside of Nova to servers of this host (`external_instance_event`)."""

    events: tuple[ExternalEvent, ...]


# -- live migration ----------------------------------------------------------------------------------------------------


@message
class CheckCanLiveMigrateDestination(ComputeCall[bool]):
    """On the new host: whether a server could come (`check_can_live_migrate_destination`).

    Returns:
        Whether its local disk must be copied too.

    Raises:
        MigrationPreCheckError: if it cannot.
    """

    timeout: ClassVar[float] = LONG
    server: ServerId
    source: str
    block_migration: bool | None


@message
class LiveMigration(ComputeCall[None]):
    """On the old host: move a server (`live_migration`)."""

    server: ServerId
    destination: str
    block_migration: bool
    migration: str


@message
class PreLiveMigration(ComputeCall[None]):
    """On the new host: connect the server's volumes, plug its ports, hold its memory (`pre_live_migration`)."""

    timeout: ClassVar[float] = LONG
    server: ServerId
    block_migration: bool
    migration: str


@message
class PostLiveMigrationAtDestination(ComputeCall[None]):
    """On the new host: the server is here now (`post_live_migration_at_destination`)."""

    timeout: ClassVar[float] = LONG
    server: ServerId
    migration: str


@message
class RollbackLiveMigrationAtDestination(ComputeCall[None]):
    """On the new host: the server does not come after all (`rollback_live_migration_at_destination`).

    Attributes:
        server: which; it may be deleted.
        vifs: its ports, which are plugged there.
    """

    server: ServerId
    vifs: tuple[Vif, ...]


def connector(host: str) -> Connector:
    """What a host says of itself so that a volume can be connected to it."""
    return Connector(host=host, ip=host, initiator=f"iqn.1994-05.com.stackrace:{host}")
