"""Neutron's refusals, with the names of neutron-lib's `exceptions`."""

from actors.errors import BadRequest, Conflict, Forbidden, InternalError, NotFound, Unavailable


class InvalidInput(BadRequest):
    """A value makes no sense, or not with the others."""


class InvalidIpForNetwork(BadRequest):
    """No subnet of the network has room for this address."""


class InvalidIpForSubnet(BadRequest):
    """The address is none that the subnet may give away."""


class InvalidAllocationPool(BadRequest):
    """A pool that starts after its end, or in another IP version."""


class OutOfBoundsAllocationPool(BadRequest):
    """A pool that reaches beyond its subnet."""


class NetworkNotFound(NotFound):
    """There is no such network, or not for this project."""


class SubnetNotFound(NotFound):
    """There is no such subnet, or not for this project."""


class PortNotFound(NotFound):
    """There is no such port, or not for this project."""


class PortBindingNotFound(NotFound):
    """The port has no binding on this host."""


class SecurityGroupNotFound(NotFound):
    """There is no such security group, or not for this project."""


class SecurityGroupRuleNotFound(NotFound):
    """There is no such rule, or not for this project."""


class AgentNotFound(NotFound):
    """There is no such agent."""


class PolicyNotAuthorized(Forbidden):
    """The token is not good for this field."""


class InUse(Conflict):
    """Something still needs it."""


class NetworkInUse(InUse):
    """Ports are left on the network."""


class SubnetInUse(InUse):
    """Ports have addresses of the subnet."""


class InvalidSharedSetting(InUse):
    """Other projects use the network: it must stay shared."""


class PortInUse(InUse):
    """The port is attached or bound."""


class PortBound(InUse):
    """The port is bound: its MAC address must stay."""


class MacAddressInUse(InUse):
    """Another port of the network has this MAC address."""


class MacAddressGenerationFailure(Unavailable):
    """Every MAC address that was tried is taken."""


class IpAddressInUse(InUse):
    """Another port of the subnet has this address (Neutron's `IpAddressAlreadyAllocated`)."""


class IpAddressGenerationFailure(Conflict):
    """No address is left."""


class OverlappingAllocationPools(Conflict):
    """Two pools share addresses."""


class GatewayConflictWithAllocationPools(InUse):
    """The gateway's address lies in a pool."""


class SecurityGroupInUse(InUse):
    """Ports or rules use the security group."""


class SecurityGroupCannotRemoveDefault(InUse):
    """Only administrators delete a project's default group."""


class SecurityGroupCannotUpdateDefault(InUse):
    """A default group keeps its name."""


class SecurityGroupDefaultAlreadyExists(InUse):
    """The name is kept for the default group."""


class SecurityGroupRuleExists(InUse):
    """The group has this rule already."""


class OverQuota(Conflict):
    """The project has all that it may have."""


class PortBindingAlreadyExists(Conflict):
    """The port has a binding on this host."""


class PortBindingAlreadyActive(Conflict):
    """The port uses its binding on this host."""


class PortBindingError(InternalError):
    """The port cannot be bound on this host: no L2 agent lives there that could wire it."""
