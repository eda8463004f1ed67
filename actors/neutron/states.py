"""What a port's status may become and why, and which of it Nova hears (pure rules).

Causes and effects of a port's status, as in neutron's `plugins/ml2/plugin.py` and `plugins/ml2/rpc.py`:

=============  ========  ============================================================================================
cause          becomes   because
=============  ========  ============================================================================================
rebound        DOWN      its binding was changed, cleared, or moved to another host
requested      BUILD     the L2 agent of its host asked for its details; DOWN if it is administratively down
provisioned    ACTIVE    its last provisioning block was cleared while it was bound
unplugged      DOWN      the L2 agent of its host lost it
=============  ========  ============================================================================================

Any cause may strike in any status: what Nova hears depends on where the port came from (`NOVA_EVENTS`).
"""

from enum import Enum, StrEnum
from typing import Final

import attrs


class PortStatus(StrEnum):
    """A port's status."""

    DOWN = "DOWN"
    BUILD = "BUILD"
    ACTIVE = "ACTIVE"
    ERROR = "ERROR"


class Cause(Enum):
    """Why a port's status changes."""

    REBOUND = "rebound"
    REQUESTED = "requested"
    PROVISIONED = "provisioned"
    UNPLUGGED = "unplugged"


class Entity(StrEnum):
    """Who has to do its part before a port is ACTIVE: neutron's provisioning blocks (`db/provisioning_blocks.py`)."""

    L2 = "L2"
    DHCP = "DHCP"


class BindingStatus(StrEnum):
    """Whether a port uses a binding. Of all bindings of a port one is active."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class VifType(StrEnum):
    """What became of an attempt to bind."""

    UNBOUND = "unbound"
    BINDING_FAILED = "binding_failed"
    OVS = "ovs"


class AgentStatus(StrEnum):
    """What the server answers to an agent's report (`db/agents_db.py`)."""

    NEW = "new"
    ALIVE = "alive"
    REVIVED = "revived"


@attrs.frozen
class NovaEvent:
    """Name and status of an event of Nova's API."""

    name: str
    status: str


_EFFECTS: Final = {
    Cause.REBOUND: PortStatus.DOWN,
    Cause.REQUESTED: PortStatus.BUILD,
    Cause.PROVISIONED: PortStatus.ACTIVE,
    Cause.UNPLUGGED: PortStatus.DOWN,
}

_PLUGGED: Final = NovaEvent("network-vif-plugged", "completed")
_FAILED: Final = NovaEvent("network-vif-plugged", "failed")

NOVA_EVENTS: Final = {
    (PortStatus.DOWN, PortStatus.ACTIVE): _PLUGGED,
    (PortStatus.BUILD, PortStatus.ACTIVE): _PLUGGED,
    (PortStatus.DOWN, PortStatus.ERROR): _FAILED,
    (PortStatus.BUILD, PortStatus.ERROR): _FAILED,
    (PortStatus.ACTIVE, PortStatus.DOWN): NovaEvent("network-vif-unplugged", "completed"),
}
"""Changes of status that Nova hears of, as in neutron's `notifiers/nova.py`."""


def status_after(cause: Cause, *, admin_state_up: bool) -> PortStatus:
    """The status of a port after *cause*."""
    if cause is Cause.REQUESTED and not admin_state_up:
        return PortStatus.DOWN
    return _EFFECTS[cause]


BINDABLE_VNIC_TYPES: Final = ("normal",)
"""What the openvswitch mechanism driver binds without special hardware."""


def bound_type(vnic_type: str, *, agent_alive: bool) -> VifType:
    """What becomes of an attempt to bind a port with *vnic_type* on a host, as in `plugins/ml2/drivers/mech_agent.py`."""
    if agent_alive and vnic_type in BINDABLE_VNIC_TYPES:
        return VifType.OVS
    return VifType.BINDING_FAILED
