"""What a hypervisor refuses.

::

    NotFound
    ├── GuestNotFound
    ├── DeviceNotFound        no such volume or port at the guest
    └── ImageNotCached
    Conflict
    ├── GuestExists
    ├── InvalidPowerState     the guest is in a state in which this cannot be done
    ├── DeviceExists          the volume or port is there already
    ├── ImageInUse
    └── HostFull              the host has not enough left
    InternalError
    └── MigrationFailed       the guest is still on its old host
"""

from actors.errors import Conflict, InternalError, NotFound


class GuestNotFound(NotFound):
    """There is no such guest on this host, or not any more."""


class DeviceNotFound(NotFound):
    """The guest has no such volume or port."""


class ImageNotCached(NotFound):
    """The base image is not on this host. Not Glance's business: whoever spawns fetches it first."""


class GuestExists(Conflict):
    """There is a guest of that name on this host already."""


class InvalidPowerState(Conflict):
    """The guest is in a power state in which this cannot be done."""


class DeviceExists(Conflict):
    """The guest has this volume or port, or uses the mountpoint, already."""


class ImageInUse(Conflict):
    """The disk of a guest lies on the image."""


class HostFull(Conflict):
    """The host really has not enough left, whatever Placement says."""


class MigrationFailed(InternalError):
    """A live migration did not come to its end; the guest is where it was."""
