"""The values that a hypervisor takes and answers."""

from enum import Enum, IntEnum

import attrs

from actors.ids import ImageId, PortId, ServerId, VolumeId


class PowerState(IntEnum):
    """What a guest is doing, with the numbers of nova's `compute/power_state.py`."""

    NOSTATE = 0
    """It is on its way up, or nobody knows."""
    RUNNING = 1
    PAUSED = 3
    """Its processors stand still, its memory is held."""
    SHUTDOWN = 4
    CRASHED = 6
    SUSPENDED = 7
    """Its memory lies on disk."""


class PowerAction(Enum):
    """What can be done to a guest's power, by the names of nova's driver methods."""

    START = "start"
    STOP = "stop"
    REBOOT = "reboot"
    PAUSE = "pause"
    UNPAUSE = "unpause"
    SUSPEND = "suspend"
    RESUME = "resume"


@attrs.frozen(kw_only=True)
class HostResources:
    """What a host has, and what a guest wants of it.

    Attributes:
        vcpus: processors.
        memory_mb: mebibytes of memory.
        local_gb: gibibytes of local disk.
    """

    vcpus: int = 0
    memory_mb: int = 0
    local_gb: int = 0


@attrs.frozen(kw_only=True)
class Disk:
    """A volume that is attached to a guest, under the name that the guest knows it by."""

    volume: VolumeId
    mountpoint: str


@attrs.frozen(kw_only=True)
class Interface:
    """A port that is plugged into a guest."""

    port: PortId
    mac_address: str


@attrs.frozen(kw_only=True)
class GuestDefinition:
    """A guest as it is written down on its host's disk.

    Attributes:
        server: its key.
        resources: what it takes of the host; of the disk nothing, if it boots from a volume.
        image: the base image that its disk lies on; None if it boots from a volume.
        disks: its volumes, in the order in which they were attached.
        interfaces: its ports, likewise.
    """

    server: ServerId
    resources: HostResources
    image: ImageId | None = None
    disks: tuple[Disk, ...] = ()
    interfaces: tuple[Interface, ...] = ()


@attrs.frozen(kw_only=True)
class Guest:
    """A guest as it is now."""

    definition: GuestDefinition
    power_state: PowerState


@attrs.frozen(kw_only=True)
class BaseImage:
    """An image in the cache.

    Attributes:
        image: its key.
        size: bytes.
        last_used: when a guest was last put on it, or it was fetched: seconds since 1970 by the host's clock.
    """

    image: ImageId
    size: int
    last_used: float


@attrs.frozen(kw_only=True)
class HostState:
    """What nova's `get_available_resource` tells of a host.

    Attributes:
        hypervisor_hostname: its name.
        resources: what it has.
        used: what its guests take.
        running_vms: guests that hold memory.
    """

    hypervisor_hostname: str
    resources: HostResources
    used: HostResources
    running_vms: int
    hypervisor_type: str = "QEMU"
    hypervisor_version: int = 10_000_000
