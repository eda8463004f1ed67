"""What nova-compute asks of the hypervisor of its host: the methods of nova's driver, one class for each.

Send them with ``to=Target("hypervisor", server=HOST)``. Those that take long show that they are at work, so that an asker with
``monitor=`` (say, 30 s) soon learns that a host has crashed, however long their `timeout` is.
"""

from typing import ClassVar, TypeVar

from actors.calls import Rpc
from actors.hypervisor.models import (
    BaseImage,
    Disk,
    Guest,
    GuestDefinition,
    HostState,
    Interface,
    PowerAction,
    PowerState,
)
from actors.ids import ImageId, PortId, ServerId, VolumeId
from bus.message import message

R = TypeVar("R")


class HypervisorCall(Rpc[R]):
    """Base of the calls of a hypervisor."""

    __slots__ = ()

    topic: ClassVar[str] = "hypervisor"
    timeout: ClassVar[float] = 600.0


# -- the host and its images -------------------------------------------------------------------------------------------


@message
class ShowHost(HypervisorCall[HostState]):
    """Tell what the host has and what is taken of it."""


@message
class LockImage(HypervisorCall[bool]):
    """Ask for a base image, or for the right to fetch it.

    While somebody else fetches it, this waits. The lock ends with `PutImage` or `UnlockImage`, or when nova-compute starts anew.

    Returns:
        True if it is there. False if it is not: then it is the asker's to fetch, and nobody else's meanwhile.
    """

    timeout: ClassVar[float] = 86_400.0

    image: ImageId


@message
class PutImage(HypervisorCall[None]):
    """Put a base image into the cache, and let those go on who wait for it.

    Attributes:
        image: which.
        size: bytes.
    """

    image: ImageId
    size: int


@message
class UnlockImage(HypervisorCall[None]):
    """Give up fetching a base image: whoever has waited longest for it tries next."""

    image: ImageId


@message
class ResetImageLocks(HypervisorCall[None]):
    """What a nova-compute says first when it starts: the locks of its earlier life are nobody's."""


@message
class ListImages(HypervisorCall[tuple[BaseImage, ...]]):
    """List the base images in the cache, in the order in which they came."""


@message
class RemoveImage(HypervisorCall[None]):
    """Remove a base image from the cache; nothing happens if it is not there.

    Raises:
        ImageInUse: if a guest's disk lies on it.
    """

    image: ImageId


# -- guests ------------------------------------------------------------------------------------------------------------


@message
class ListGuests(HypervisorCall[tuple[Guest, ...]]):
    """List the guests that are defined on the host, in the order in which they were."""


@message
class ShowGuest(HypervisorCall[Guest]):
    """Show one guest.

    Raises:
        GuestNotFound: if there is none.
    """

    server: ServerId


@message
class SpawnGuest(HypervisorCall[Guest]):
    """Define a guest and switch it on.

    Attributes:
        definition: the guest.
        paused: leave its processors standing, as for one whose network is not plugged yet. `ChangePower` lets it go on.

    Raises:
        GuestExists: if there is one of that name.
        ImageNotCached: if its base image is not there.
        HostFull: if the host has not enough left.
        GuestNotFound: if it was destroyed meanwhile.
        InvalidPowerState: if it is being destroyed, or ended meanwhile.
    """

    definition: GuestDefinition
    paused: bool = False


@message
class DestroyGuest(HypervisorCall[None]):
    """End a guest, or one that was to migrate here, and delete its disk; nothing happens if it is not there."""

    server: ServerId


@message
class ChangePower(HypervisorCall[Guest]):
    """Start, stop, reboot, pause, unpause, suspend or resume a guest.

    Raises:
        GuestNotFound: if there is none.
        InvalidPowerState: if it is in a state in which this cannot be done, is being migrated, or was changed meanwhile.
        HostFull: if the host has not enough left to switch it on.
    """

    server: ServerId
    action: PowerAction


@message
class EndGuest(HypervisorCall[None]):
    """What a guest may do by itself, and no nova-compute asks for: shut down, or crash.

    Attributes:
        server: which.
        power_state: `SHUTDOWN` or `CRASHED`.

    Raises:
        GuestNotFound: if there is none.
        InvalidPowerState: if it is off, or *power_state* is another.
    """

    server: ServerId
    power_state: PowerState = PowerState.CRASHED


@message
class AttachDisk(HypervisorCall[Guest]):
    """Attach a volume to a guest.

    Raises:
        GuestNotFound: if there is none.
        DeviceExists: if it has the volume, or uses the mountpoint, already.
    """

    server: ServerId
    disk: Disk


@message
class DetachDisk(HypervisorCall[Guest]):
    """Detach a volume from a guest.

    Raises:
        GuestNotFound: if there is none.
        DeviceNotFound: if it does not have the volume.
    """

    server: ServerId
    volume: VolumeId


@message
class AttachInterface(HypervisorCall[Guest]):
    """Plug a port into a guest.

    Raises:
        GuestNotFound: if there is none.
        DeviceExists: if it has the port already.
    """

    server: ServerId
    interface: Interface


@message
class DetachInterface(HypervisorCall[Guest]):
    """Unplug a port from a guest.

    Raises:
        GuestNotFound: if there is none.
        DeviceNotFound: if it does not have the port.
    """

    server: ServerId
    port: PortId


@message
class SnapshotGuest(HypervisorCall[int]):
    """Copy the local disk of a guest, whatever it is doing meanwhile.

    Returns:
        The size of the copy in bytes.

    Raises:
        GuestNotFound: if there is none, or it was destroyed meanwhile.
    """

    timeout: ClassVar[float] = 86_400.0

    server: ServerId


# -- live migration ----------------------------------------------------------------------------------------------------


@message
class PrepareMigration(HypervisorCall[None]):
    """On the new host: hold what a guest will take. `DestroyGuest` gives it up again.

    Attributes:
        definition: the guest as it will be here, with the volumes and ports as they are reached from here.

    Raises:
        GuestExists: if there is one of that name, or one is prepared.
        ImageNotCached: if its base image is not there.
        HostFull: if the host has not enough left.
    """

    definition: GuestDefinition


@message
class MigrateGuest(HypervisorCall[None]):
    """On the old host: copy a guest's memory to the new one while it runs, then let it go on there.

    When this is answered, there is nothing left of the guest on the old host. The two hosts agree on that as libvirt does: the
    guest stands still, the new host lets it go on, the old host forgets it. If the new host refuses, the guest goes on where it was. If the
    new host does not answer, the guest stays paused where it was, since it may run there.

    Attributes:
        server: which.
        destination: name of the new host, which is prepared.
        block_migration: copy its local disk too.

    Raises:
        GuestNotFound: if there is none.
        InvalidPowerState: if it is neither running nor paused, or is being migrated.
        MigrationFailed: if it is not on the new host.
    """

    timeout: ClassVar[float] = 86_400.0

    server: ServerId
    destination: str
    block_migration: bool = False


@message
class AbortMigration(HypervisorCall[None]):
    """On the old host: stop copying a guest, whose `MigrateGuest` then fails.

    Raises:
        GuestNotFound: if it is not being copied (any more).
    """

    server: ServerId


@message
class FinishMigration(HypervisorCall[None]):
    """From the old host to the new one: let the guest go on.

    Attributes:
        server: which.
        power_state: what it did before it stood still.

    Raises:
        GuestNotFound: if it is not prepared here (any more).
    """

    timeout: ClassVar[float] = 20.0

    server: ServerId
    power_state: PowerState
