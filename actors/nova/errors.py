"""What Nova says when it cannot, with the names of nova's `exception.py`.

::

    BadRequest
    ├── ValidationError                   the body of a request is not what it should be
    ├── InvalidInput                      a value makes no sense, or not with the others
    ├── FlavorNotUsable, ImageNotUsable, KeypairNotUsable, NetworkNotUsable, SecurityGroupNotUsable, GroupNotUsable
    │                                     the request names what is not there
    └── InvalidBDM, InvalidVolume         the disks that were asked for cannot be had
    Forbidden
    ├── OverQuota                         the project has all that it may have
    └── ForbiddenHere                     policy, or the kind of thing, does not allow it
    NotFound
    ├── InstanceNotFound
    └── ComputeHostNotFound, ...
    Conflict
    ├── InstanceInvalidState              the server is in a state in which this cannot be done
    ├── InstanceIsLocked
    ├── UnexpectedTaskState               somebody else changed what is being done to the server
    │   └── UnexpectedDeletingTaskState
    ├── ObjectActionError                 the server has moved meanwhile
    └── PortInUse, NetworkAmbiguous

What goes wrong while a server is built never reaches a client; it becomes the server's fault::

    InternalError
    └── BuildFailure
        ├── NoValidHost, MaxRetriesExceeded
        ├── RescheduledException          another host may do
        │   └── RescheduledByPolicy       it was not the host's fault
        └── BuildAbortException           no host will do
"""

from actors.errors import BadRequest, Conflict, Forbidden, InternalError, NotFound


class ValidationError(BadRequest):
    """A field of a request's body is missing, superfluous, or not what it should be.

    Args:
        text: what is wrong.
        field: where, such as ``server.networks.0.port``; empty for the body as a whole.
    """

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.field = field


class InvalidInput(BadRequest):
    """A value makes no sense, or not with the others."""


class FlavorNotUsable(BadRequest):
    """There is no such flavor, or it is too small for the image."""


class ImageNotUsable(BadRequest):
    """There is no such image, or it is not active."""


class KeypairNotUsable(BadRequest):
    """The user has no such keypair."""


class NetworkNotUsable(BadRequest):
    """There is no such network or port, or it has no addresses to give."""


class SecurityGroupNotUsable(BadRequest):
    """There is no such security group."""


class GroupNotUsable(BadRequest):
    """There is no such server group."""


class InvalidBDM(BadRequest):
    """The disks that were asked for cannot be had."""


class InvalidVolume(BadRequest):
    """The volume is in a state in which this cannot be done."""


class OverQuota(Forbidden):
    """The project has all that it may have."""


class ForbiddenHere(Forbidden):
    """Not for this user, or not for this kind of thing."""


class InstanceNotFound(NotFound):
    """There is no such server, or not for this project."""


class ComputeHostNotFound(NotFound):
    """There is no such nova-compute."""


class HostBinaryNotFound(NotFound):
    """There is no such service on this host."""


class MarkerNotFound(BadRequest):
    """The marker of a list is none of its entries."""


class FlavorNotFound(NotFound):
    """There is no such flavor, or not for this project."""


class FlavorExists(Conflict):
    """A flavor has this id or name already."""


class FlavorAccessExists(Conflict):
    """The project may use the flavor already, or every project may."""


class FlavorAccessNotFound(NotFound):
    """The project was not given the flavor, or every project may use it."""


class FlavorExtraSpecsNotFound(NotFound):
    """The flavor does not have this extra spec."""


class InvalidKeypair(BadRequest):
    """The public key is none, or of a kind that cannot be used."""


class KeypairNotFound(NotFound):
    """The user has no such keypair."""


class KeyPairExists(Conflict):
    """The user has a keypair of this name already."""


class InstanceGroupNotFound(NotFound):
    """There is no such server group, or not for this project."""


class VolumeNotAttached(NotFound):
    """The server does not have this volume."""


class InstanceInvalidState(Conflict):
    """The server is in a state in which this cannot be done."""


class InstanceIsLocked(Conflict):
    """Only administrators may change the server."""


class PortInUse(Conflict):
    """The port belongs to another server."""


class NetworkAmbiguous(Conflict):
    """There are several networks, and none was asked for."""


class UnexpectedTaskState(Conflict):
    """Somebody else changed what is being done to the server."""


class UnexpectedDeletingTaskState(UnexpectedTaskState):
    """Somebody deletes the server."""


class ObjectActionError(Conflict):
    """The server has got another host meanwhile."""


class BuildFailure(InternalError):
    """A server could not be built. Raised only as one of its children."""


class NoValidHost(BuildFailure):
    """No host can have the server."""


class MaxRetriesExceeded(BuildFailure):
    """Every host that was tried has failed."""


class RescheduledException(BuildFailure):
    """This host has failed; another may do."""


class RescheduledByPolicy(RescheduledException):
    """The server's group does not allow it here. Not the host's failure."""


class BuildAbortException(BuildFailure):
    """No other host would do any better."""


class GroupAffinityViolation(BuildFailure):
    """The server's group does not allow it on this host."""


class VirtualInterfaceCreateException(BuildFailure):
    """The guest's network was not plugged in time, or not at all."""


class NoMoreFixedIps(BuildFailure):
    """The network has no address left."""


class PortLimitExceeded(OverQuota):
    """The project has all the ports that it may have."""


class PortBindingFailed(BuildFailure):
    """Neutron cannot bind the port on this host."""


class VolumeNotCreated(BuildFailure):
    """A new volume did not become available."""


class MigrationPreCheckError(BadRequest):
    """The server cannot be moved there."""


class MigrationError(InternalError):
    """A migration failed on its way."""
