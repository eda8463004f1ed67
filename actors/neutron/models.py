"""What Neutron knows: networks, subnets, ports, bindings, security groups, quotas and agents.

Field names are those of the Networking API v2.0, with ``_`` for ``:``; times are seconds since 1970.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NewType

import attrs

from actors.ids import NetworkId, PortId, ProjectId, SecurityGroupId, SubnetId
from actors.neutron.states import BindingStatus, PortStatus, VifType

RuleId = NewType("RuleId", str)
AgentId = NewType("AgentId", str)

COMPUTE_OWNER = "compute:"
"""What the `device_owner` of a server's port begins with; its availability zone follows."""
DHCP_OWNER = "network:dhcp"
NETWORK_OWNER = "network:"
"""What the `device_owner` of Neutron's own ports begins with."""


def frozen(pairs: Mapping[str, Any]) -> Mapping[str, Any]:
    """A copy of *pairs* that nobody can change."""
    return MappingProxyType(dict(pairs))


_NOTHING: Mapping[str, Any] = frozen({})


@attrs.frozen(kw_only=True, slots=False)  # see `actors.rows`
class Network:
    """A network.

    Attributes:
        id: its id.
        project_id: whose it is.
        name: need not be unique.
        description: for people.
        admin_state_up: whether it is to work.
        status: ``"ACTIVE"``.
        shared: whether every project may use it.
        router_external: whether it leads out of the cloud; every project sees it then.
        mtu: largest packet, bytes.
        port_security_enabled: whether new ports are filtered.
        provider_network_type: how it is carried, such as ``"vxlan"`` or ``"flat"``; shown to administrators.
        provider_physical_network: what it is carried by; None for a tunnel.
        provider_segmentation_id: VLAN or tunnel id; None for a flat one.
        subnets: its subnets.
        created_at: when it was created.
        updated_at: when it was last changed.
        revision_number: grows with every change.
    """

    id: NetworkId
    project_id: ProjectId
    name: str = ""
    description: str = ""
    admin_state_up: bool = True
    status: str = "ACTIVE"
    shared: bool = False
    router_external: bool = False
    mtu: int = 1450
    port_security_enabled: bool = True
    provider_network_type: str | None = None
    provider_physical_network: str | None = None
    provider_segmentation_id: int | None = None
    subnets: tuple[SubnetId, ...] = ()
    created_at: float
    updated_at: float
    revision_number: int = 1


@attrs.frozen(kw_only=True)
class AllocationPool:
    """Addresses that ports are given; *start* and *end* belong to it."""

    start: str
    end: str


@attrs.frozen(kw_only=True)
class HostRoute:
    """A route that ports of a subnet are told."""

    destination: str
    nexthop: str


AUTOMATIC_ADDRESS_MODES = ("slaac", "dhcpv6-stateless")
"""`ipv6_address_mode` of subnets in which a port's address follows from its MAC address."""


@attrs.frozen(kw_only=True, slots=False)  # see `actors.rows`
class Subnet:
    """A range of addresses on a network.

    Attributes:
        id: its id.
        network_id: its network.
        project_id: whose it is.
        name: need not be unique.
        description: for people.
        ip_version: 4 or 6.
        cidr: the range.
        gateway_ip: the way out; None for none.
        allocation_pools: what ports are given without asking for an address by name.
        enable_dhcp: whether DHCP agents serve it.
        dns_nameservers: told to ports.
        host_routes: told to ports.
        ipv6_ra_mode: who announces it: ``"slaac"``, ``"dhcpv6-stateful"``, ``"dhcpv6-stateless"`` or None.
        ipv6_address_mode: how ports come by their addresses, likewise.
        created_at: when it was created.
        updated_at: when it was last changed.
        revision_number: grows with every change.
    """

    id: SubnetId
    network_id: NetworkId
    project_id: ProjectId
    name: str = ""
    description: str = ""
    ip_version: int
    cidr: str
    gateway_ip: str | None
    allocation_pools: tuple[AllocationPool, ...]
    enable_dhcp: bool = True
    dns_nameservers: tuple[str, ...] = ()
    host_routes: tuple[HostRoute, ...] = ()
    ipv6_ra_mode: str | None = None
    ipv6_address_mode: str | None = None
    created_at: float
    updated_at: float
    revision_number: int = 1

    @property
    def automatic(self) -> bool:
        """Whether a port's address follows from its MAC address."""
        return self.ipv6_address_mode in AUTOMATIC_ADDRESS_MODES


@attrs.frozen(kw_only=True)
class FixedIp:
    """An address of a port."""

    subnet_id: SubnetId
    ip_address: str


@attrs.frozen(kw_only=True)
class FixedIpRequest:
    """An address that a port is to get: any of a subnet, or this one.

    Attributes:
        subnet_id: of this subnet; None for whichever has the address.
        ip_address: this one; None for any.
    """

    subnet_id: SubnetId | None = None
    ip_address: str | None = None


@attrs.frozen(kw_only=True)
class PortBinding:
    """Where a port is, or is to be, wired.

    Attributes:
        host: name of the host; empty for none.
        vnic_type: kind of interface, such as ``"normal"``.
        vif_type: how the hypervisor plugs it; ``"binding_failed"`` if no agent there can.
        vif_details: what the hypervisor needs to know to plug it.
        profile: what Nova notes with it, such as ``migrating_to``.
        status: whether the port uses it.
    """

    host: str = ""
    vnic_type: str = "normal"
    vif_type: str = VifType.UNBOUND
    vif_details: Mapping[str, Any] = attrs.field(default=_NOTHING, converter=frozen)
    profile: Mapping[str, Any] = attrs.field(default=_NOTHING, converter=frozen)
    status: BindingStatus = BindingStatus.ACTIVE

    @property
    def bound(self) -> bool:
        """Whether the port can be plugged there."""
        return self.vif_type not in {VifType.UNBOUND, VifType.BINDING_FAILED}


@attrs.frozen(kw_only=True, slots=False)  # see `actors.rows`
class Port:
    """A port.

    Attributes:
        id: its id.
        network_id: its network.
        project_id: whose it is.
        name: need not be unique.
        description: for people.
        admin_state_up: whether it is to work.
        status: whether it works.
        mac_address: unique on the network.
        fixed_ips: its addresses.
        device_id: what it belongs to, such as a server; empty for nothing.
        device_owner: kind of that, such as ``"compute:nova"``.
        security_groups: what filters it.
        port_security_enabled: whether it is filtered.
        binding: where it is wired; all of it but the `vnic_type` is shown to administrators and services alone.
        created_at: when it was created.
        updated_at: when it was last changed.
        revision_number: grows with every change.
    """

    id: PortId
    network_id: NetworkId
    project_id: ProjectId
    name: str = ""
    description: str = ""
    admin_state_up: bool = True
    status: PortStatus = PortStatus.DOWN
    mac_address: str
    fixed_ips: tuple[FixedIp, ...] = ()
    device_id: str = ""
    device_owner: str = ""
    security_groups: tuple[SecurityGroupId, ...] = ()
    port_security_enabled: bool = True
    binding: PortBinding = PortBinding()
    created_at: float
    updated_at: float
    revision_number: int = 1

    @property
    def binding_host_id(self) -> str:
        """Name of the host; empty for none."""
        return self.binding.host

    @property
    def binding_vif_type(self) -> str:
        """How the hypervisor plugs it."""
        return self.binding.vif_type

    @property
    def binding_vif_details(self) -> Mapping[str, Any]:
        """What the hypervisor needs to know to plug it."""
        return self.binding.vif_details

    @property
    def binding_vnic_type(self) -> str:
        """Kind of interface."""
        return self.binding.vnic_type

    @property
    def binding_profile(self) -> Mapping[str, Any]:
        """What Nova notes with it."""
        return self.binding.profile

    @property
    def fixed_ips_ip_address(self) -> tuple[str, ...]:
        """Its addresses alone, for filters."""
        return tuple(ip.ip_address for ip in self.fixed_ips)

    @property
    def fixed_ips_subnet_id(self) -> tuple[SubnetId, ...]:
        """The subnets of its addresses, for filters."""
        return tuple(ip.subnet_id for ip in self.fixed_ips)


@attrs.frozen(kw_only=True)
class SecurityGroupRule:
    """What a security group lets through.

    Attributes:
        id: its id.
        security_group_id: its group.
        project_id: whose it is.
        description: for people.
        direction: ``"ingress"`` or ``"egress"``, from the port's side.
        ethertype: ``"IPv4"`` or ``"IPv6"``.
        protocol: name or number; None for any.
        port_range_min: lowest port, or ICMP type; None for any.
        port_range_max: highest port, or ICMP code; None for any.
        remote_ip_prefix: the other side's addresses; None for any.
        remote_group_id: the other side is a port of this group; None for any.
        created_at: when it was created.
    """

    id: RuleId
    security_group_id: SecurityGroupId
    project_id: ProjectId
    description: str = ""
    direction: str
    ethertype: str = "IPv4"
    protocol: str | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: SecurityGroupId | None = None
    created_at: float


@attrs.frozen(kw_only=True, slots=False)  # see `actors.rows`
class SecurityGroup:
    """A set of rules. A project's default group filters the ports that ask for none.

    Attributes:
        id: its id.
        project_id: whose it is.
        name: ``"default"`` is kept for the default group.
        description: for people.
        stateful: whether answers are let through.
        security_group_rules: its rules.
        created_at: when it was created.
        updated_at: when it was last changed.
        revision_number: grows with every change.
    """

    id: SecurityGroupId
    project_id: ProjectId
    name: str = ""
    description: str = ""
    stateful: bool = True
    security_group_rules: tuple[SecurityGroupRule, ...] = ()
    created_at: float
    updated_at: float
    revision_number: int = 1


@attrs.frozen(kw_only=True)
class Quota:
    """How much a project may have; -1 for any number."""

    network: int
    subnet: int
    port: int
    security_group: int
    security_group_rule: int


@attrs.frozen(kw_only=True)
class QuotaUsage:
    """How much of one kind a project may have, has, and is about to have."""

    limit: int
    used: int
    reserved: int


@attrs.frozen(kw_only=True)
class QuotaDetails:
    """How much of each kind a project may have, has, and is about to have."""

    network: QuotaUsage
    subnet: QuotaUsage
    port: QuotaUsage
    security_group: QuotaUsage
    security_group_rule: QuotaUsage


@attrs.frozen(kw_only=True)
class Agent:
    """An agent, as the server knows it from its reports.

    Attributes:
        id: its id.
        agent_type: ``"Open vSwitch agent"`` or ``"DHCP agent"``.
        host: where it runs.
        admin_state_up: whether it is to be given work.
        alive: whether its last report is recent enough; as of when it was shown.
        created_at: when it first reported.
        started_at: when it last reported that it had started.
        heartbeat_timestamp: when it last reported.
    """

    id: AgentId
    agent_type: str
    host: str
    admin_state_up: bool = True
    alive: bool = True
    created_at: float
    started_at: float
    heartbeat_timestamp: float
