"""What Neutron's server and its agents say to each other, and what a host says to its switch.

Names in parentheses are those of neutron's RPC methods (`plugins/ml2/rpc.py`, `api/rpc/handlers/dhcp_rpc.py`,
`db/agents_db.py`). Neutron sends `port_update` and its kin to every agent, and all but a few throw them away; here those few
alone get them.
"""

from typing import ClassVar

import attrs

from actors.calls import Rpc
from actors.context import RequestContext
from actors.ids import NetworkId, PortId, SecurityGroupId, UserId
from actors.neutron.messages import TOPIC
from actors.neutron.models import FixedIp
from actors.neutron.states import AgentStatus
from bus.message import Request, message
from bus.topic import Target

L2_AGENT_TOPIC = "neutron-openvswitch-agent"
DHCP_AGENT_TOPIC = "neutron-dhcp-agent"
L2_AGENT_TYPE = "Open vSwitch agent"
DHCP_AGENT_TYPE = "DHCP agent"

AGENT_CONTEXT = RequestContext(user_id=UserId("neutron"), is_admin=True, token="")
"""What agents act with: an administrator without a token, as neutron-lib's `get_admin_context_without_session`."""


def l2_agent(host: str) -> Target:
    """The address of the L2 agent on *host*."""
    return Target(L2_AGENT_TOPIC, server=host)


def dhcp_agent(host: str) -> Target:
    """The address of the DHCP agent on *host*."""
    return Target(DHCP_AGENT_TOPIC, server=host)


# -- values ------------------------------------------------------------------------------------------------------------


@attrs.frozen
class GroupVersion:
    """What an agent knows of a security group that matters to a port.

    Attributes:
        security_group_id: the group.
        rules: version of its rules, for a group of the port; 0 for a group that a rule refers to.
        members: version of its members' addresses, for a group that a rule refers to; 0 for others.
    """

    security_group_id: SecurityGroupId
    rules: int
    members: int


@attrs.frozen(kw_only=True)
class DeviceDetails:
    """What an L2 agent needs to wire a port.

    Attributes:
        port_id: the port.
        network_id: its network.
        admin_state_up: whether it is to work.
        mac_address: its MAC address.
        fixed_ips: its addresses.
        filters: what its security groups are made of; empty if it is not filtered.
    """

    port_id: PortId
    network_id: NetworkId
    admin_state_up: bool
    mac_address: str
    fixed_ips: tuple[FixedIp, ...]
    filters: tuple[GroupVersion, ...]


@attrs.frozen(kw_only=True)
class DhcpHost:
    """What a DHCP agent needs to serve a port."""

    port_id: PortId
    network_id: NetworkId
    mac_address: str
    fixed_ips: tuple[FixedIp, ...]


# -- agent to server ---------------------------------------------------------------------------------------------------


@message
class ReportState(Rpc[AgentStatus | None]):
    """An agent is alive (`report_state`). None to a report from before the server's start, which is not believed.

    Attributes:
        agent_type: kind of agent.
        host: where it runs.
        time: when it was sent, by the agent's clock.
        start_flag: whether it is the first since the agent's start.
    """

    topic: ClassVar[str] = TOPIC
    agent_type: str
    host: str
    time: float
    start_flag: bool = False


@message
class GetDevicesDetails(Rpc[tuple[DeviceDetails | None, ...]]):
    """Details of ports that were seen on a host (`get_devices_details_list_and_failed_devices`), each of which goes to BUILD.

    None for one that is not, or not actively, bound there.
    """

    topic: ClassVar[str] = TOPIC
    host: str
    port_ids: tuple[PortId, ...]


@message
class GetFilters(Rpc[tuple[tuple[GroupVersion, ...], ...]]):
    """What the security groups of ports are made of (`security_group_info_for_devices`)."""

    topic: ClassVar[str] = TOPIC
    host: str
    port_ids: tuple[PortId, ...]


@message
class UpdateDeviceList(Rpc[None]):
    """Ports were wired on a host, or have gone from it (`update_device_list`)."""

    topic: ClassVar[str] = TOPIC
    host: str
    devices_up: tuple[PortId, ...] = ()
    devices_down: tuple[PortId, ...] = ()


@message
class GetDhcpHosts(Rpc[tuple[DhcpHost | None, ...]]):
    """What a DHCP agent needs to serve these ports (in neutron it comes along with `port_create_end`). None for one that is gone."""

    topic: ClassVar[str] = TOPIC
    port_ids: tuple[PortId, ...]


@message
class GetServedPorts(Rpc[tuple[PortId, ...]]):
    """The ports of the networks that the DHCP agent on a host serves (`get_active_networks_info`)."""

    topic: ClassVar[str] = TOPIC
    host: str


@message
class DhcpReadyOnPorts(Rpc[None]):
    """A DHCP agent serves these ports now (`dhcp_ready_on_ports`)."""

    topic: ClassVar[str] = TOPIC
    port_ids: tuple[PortId, ...]


# -- server to agent ---------------------------------------------------------------------------------------------------


@message
class RefreshPort(Rpc[None]):
    """A port on this host has changed or gone: look (`port_update`, `port_delete`, `binding_activate`, `binding_deactivate`)."""

    topic: ClassVar[str] = L2_AGENT_TOPIC
    port_id: PortId


@message
class RefreshSecurityGroups(Rpc[None]):
    """Rules or members of these groups have changed (`security_groups_rule_updated`, `security_groups_member_updated`)."""

    topic: ClassVar[str] = L2_AGENT_TOPIC
    security_group_ids: tuple[SecurityGroupId, ...]


@message
class RefreshDhcp(Rpc[None]):
    """These ports have come, changed or gone (`port_create_end`, `port_update_end`, `port_delete_end`)."""

    topic: ClassVar[str] = DHCP_AGENT_TOPIC
    port_ids: tuple[PortId, ...]


# -- hypervisor to the switch of its host ------------------------------------------------------------------------------


@message
class PlugInterface(Request[None]):
    """Put a guest's interface on the host's integration bridge, as os-vif does; the host's L2 agent sees it and wires it.

    Sent to `l2_agent(host)`, which stands for the bridge too. To plug it again changes nothing.
    """

    topic: ClassVar[str] = L2_AGENT_TOPIC
    port_id: PortId


@message
class UnplugInterface(Request[None]):
    """Take a guest's interface off the host's integration bridge, as os-vif does. One that is not there is no error."""

    topic: ClassVar[str] = L2_AGENT_TOPIC
    port_id: PortId
