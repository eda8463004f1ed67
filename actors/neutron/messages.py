"""Neutron's API (Networking API v2.0).

Every call answers 401 for a token that is not good. What another project owns looks as if it was not there (404), except to
administrators and services, and except for networks that are shared or external. In an update, None keeps a field as it is
and an empty value clears it.

Lists: a filter fits if any of its values does; None or an empty one fits all. `sort_key` and `sort_dir` name fields and, for
each, ``"asc"`` or ``"desc"``; without them the oldest come first. `limit` cuts the list, `marker` is the id of the entry
before the first (400 if there is none).
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs

from actors.calls import ApiRequest, Policy, admin, admin_or_service
from actors.ids import NetworkId, PortId, ProjectId, SecurityGroupId, SubnetId
from actors.neutron.models import (
    Agent,
    AgentId,
    AllocationPool,
    FixedIpRequest,
    HostRoute,
    Network,
    Port,
    PortBinding,
    Quota,
    QuotaDetails,
    RuleId,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    frozen,
)  # fmt: skip
from bus.message import message

TOPIC = "neutron"

_maybe_frozen = attrs.converters.optional(frozen)


@message
class ListExtensions(ApiRequest[tuple[str, ...]]):
    """The aliases of the API's extensions that there are (`GET /v2.0/extensions`)."""

    topic: ClassVar[str] = TOPIC


# -- networks ----------------------------------------------------------------------------------------------------------


@message
class CreateNetwork(ApiRequest[Network]):
    """Create a network.

    Raises: 403 for a field that is for administrators; 409 over quota.

    Attributes:
        name: need not be unique.
        description: for people.
        admin_state_up: whether it is to work.
        mtu: bytes; None for as many as fit.
        port_security_enabled: whether new ports are filtered.
        project_id: for this project; others than one's own are for administrators.
        shared: whether every project may use it; administrators only.
        router_external: whether it leads out of the cloud; administrators only.
        provider_network_type: how it is carried; administrators only.
        provider_physical_network: what carries it; administrators only.
        provider_segmentation_id: VLAN or tunnel id; None for a free one; administrators only.
    """

    topic: ClassVar[str] = TOPIC
    name: str = ""
    description: str = ""
    admin_state_up: bool = True
    mtu: int | None = None
    port_security_enabled: bool = True
    project_id: ProjectId | None = None
    shared: bool = False
    router_external: bool = False
    provider_network_type: str | None = None
    provider_physical_network: str | None = None
    provider_segmentation_id: int | None = None


@message
class ShowNetwork(ApiRequest[Network]):
    """Show a network. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    network_id: NetworkId


@message
class ListNetworks(ApiRequest[tuple[Network, ...]]):
    """List one's own networks, and those that are shared or external."""

    topic: ClassVar[str] = TOPIC
    id: tuple[NetworkId, ...] = ()
    name: tuple[str, ...] = ()
    project_id: tuple[ProjectId, ...] = ()
    status: tuple[str, ...] = ()
    admin_state_up: bool | None = None
    shared: bool | None = None
    router_external: bool | None = None
    mtu: tuple[int, ...] = ()
    provider_network_type: tuple[str, ...] = ()
    provider_physical_network: tuple[str, ...] = ()
    provider_segmentation_id: tuple[int, ...] = ()
    sort_key: tuple[str, ...] = ()
    sort_dir: tuple[str, ...] = ()
    limit: int | None = None
    marker: str | None = None


@message
class UpdateNetwork(ApiRequest[Network]):
    """Change a network.

    Raises: 403 for a field that is for administrators; 404; 409 to take sharing away while other projects have ports on it.
    """

    topic: ClassVar[str] = TOPIC
    network_id: NetworkId
    name: str | None = None
    description: str | None = None
    admin_state_up: bool | None = None
    mtu: int | None = None
    port_security_enabled: bool | None = None
    shared: bool | None = None
    router_external: bool | None = None


@message
class DeleteNetwork(ApiRequest[None]):
    """Delete a network with its subnets and Neutron's own ports. 404; 409 while other ports are on it."""

    topic: ClassVar[str] = TOPIC
    network_id: NetworkId


# -- subnets -----------------------------------------------------------------------------------------------------------


@message
class CreateSubnet(ApiRequest[Subnet]):
    """Create a subnet on one's own network.

    Raises: 400 for what is no range, gateway or pool, or overlaps another subnet of the network; 404 for the network; 409 over
    quota, or for pools that overlap or hold the gateway.

    Attributes:
        network_id: on this network.
        cidr: the range.
        ip_version: 4 or 6.
        name: need not be unique.
        description: for people.
        gateway_ip: None for the first address; empty for none.
        allocation_pools: None for all but the gateway.
        enable_dhcp: whether DHCP agents serve it.
        dns_nameservers: told to ports.
        host_routes: told to ports.
        ipv6_ra_mode: who announces it.
        ipv6_address_mode: how ports come by their addresses.
        project_id: for this project; others than one's own are for administrators.
    """

    topic: ClassVar[str] = TOPIC
    network_id: NetworkId
    cidr: str
    ip_version: int = 4
    name: str = ""
    description: str = ""
    gateway_ip: str | None = None
    allocation_pools: tuple[AllocationPool, ...] | None = None
    enable_dhcp: bool = True
    dns_nameservers: tuple[str, ...] = ()
    host_routes: tuple[HostRoute, ...] = ()
    ipv6_ra_mode: str | None = None
    ipv6_address_mode: str | None = None
    project_id: ProjectId | None = None


@message
class ShowSubnet(ApiRequest[Subnet]):
    """Show a subnet. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    subnet_id: SubnetId


@message
class ListSubnets(ApiRequest[tuple[Subnet, ...]]):
    """List one's own subnets, and those of networks that are shared."""

    topic: ClassVar[str] = TOPIC
    id: tuple[SubnetId, ...] = ()
    network_id: tuple[NetworkId, ...] = ()
    name: tuple[str, ...] = ()
    project_id: tuple[ProjectId, ...] = ()
    ip_version: tuple[int, ...] = ()
    cidr: tuple[str, ...] = ()
    gateway_ip: tuple[str, ...] = ()
    enable_dhcp: bool | None = None
    ipv6_ra_mode: tuple[str, ...] = ()
    ipv6_address_mode: tuple[str, ...] = ()
    sort_key: tuple[str, ...] = ()
    sort_dir: tuple[str, ...] = ()
    limit: int | None = None
    marker: str | None = None


@message
class UpdateSubnet(ApiRequest[Subnet]):
    """Change a subnet. Addresses that are taken stay taken, also outside of new pools.

    Raises: 400 and 409 as for `CreateSubnet`; 404.

    Attributes:
        subnet_id: the subnet.
        name: need not be unique.
        description: for people.
        gateway_ip: empty for none.
        allocation_pools: in place of all there are.
        enable_dhcp: whether DHCP agents serve it.
        dns_nameservers: in place of all there are.
        host_routes: in place of all there are.
    """

    topic: ClassVar[str] = TOPIC
    subnet_id: SubnetId
    name: str | None = None
    description: str | None = None
    gateway_ip: str | None = None
    allocation_pools: tuple[AllocationPool, ...] | None = None
    enable_dhcp: bool | None = None
    dns_nameservers: tuple[str, ...] | None = None
    host_routes: tuple[HostRoute, ...] | None = None


@message
class DeleteSubnet(ApiRequest[None]):
    """Delete a subnet. 404; 409 while a port has an address of it, but for automatic ones and those of Neutron's own ports."""

    topic: ClassVar[str] = TOPIC
    subnet_id: SubnetId


# -- ports -------------------------------------------------------------------------------------------------------------


@message
class CreatePort(ApiRequest[Port]):
    """Create a port. Without `fixed_ips` it gets one IPv4 and one IPv6 address, as far as the network has subnets for them.

    Raises: 400 for addresses or groups that make no sense; 403 for a field that is for the network's owner, administrators or
    services; 404 for the network, a subnet or a security group; 409 over quota, for an address or MAC address that is taken,
    or if no address is left.

    Attributes:
        network_id: on this network.
        name: need not be unique.
        description: for people.
        admin_state_up: whether it is to work.
        mac_address: None for any; on networks of others, administrators and services only.
        fixed_ips: None for what the network has; a certain address on networks of others likewise.
        device_id: what it belongs to.
        device_owner: kind of that; ``"network:..."`` on networks of others likewise.
        security_groups: None for the project's default group; empty for no filter.
        port_security_enabled: None for what the network says.
        project_id: for this project; others than one's own are for administrators.
        binding_host_id: where to wire it; administrators and services only.
        binding_vnic_type: kind of interface.
        binding_profile: noted with the binding; administrators and services only.
    """

    topic: ClassVar[str] = TOPIC
    network_id: NetworkId
    name: str = ""
    description: str = ""
    admin_state_up: bool = True
    mac_address: str | None = None
    fixed_ips: tuple[FixedIpRequest, ...] | None = None
    device_id: str = ""
    device_owner: str = ""
    security_groups: tuple[SecurityGroupId, ...] | None = None
    port_security_enabled: bool | None = None
    project_id: ProjectId | None = None
    binding_host_id: str | None = None
    binding_vnic_type: str = "normal"
    binding_profile: Mapping[str, Any] | None = attrs.field(default=None, converter=_maybe_frozen)


@message
class ShowPort(ApiRequest[Port]):
    """Show a port: one's own, or one on one's own network. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    port_id: PortId


@message
class ListPorts(ApiRequest[tuple[Port, ...]]):
    """List one's own ports, and those on one's own networks."""

    topic: ClassVar[str] = TOPIC
    id: tuple[PortId, ...] = ()
    network_id: tuple[NetworkId, ...] = ()
    device_id: tuple[str, ...] = ()
    device_owner: tuple[str, ...] = ()
    name: tuple[str, ...] = ()
    project_id: tuple[ProjectId, ...] = ()
    status: tuple[str, ...] = ()
    admin_state_up: bool | None = None
    mac_address: tuple[str, ...] = ()
    fixed_ips_ip_address: tuple[str, ...] = ()
    fixed_ips_subnet_id: tuple[SubnetId, ...] = ()
    security_groups: tuple[SecurityGroupId, ...] = ()
    binding_host_id: tuple[str, ...] = ()
    sort_key: tuple[str, ...] = ()
    sort_dir: tuple[str, ...] = ()
    limit: int | None = None
    marker: str | None = None


@message
class UpdatePort(ApiRequest[Port]):
    """Change a port. A change of its binding takes it DOWN and, with a host, binds it anew.

    A binding that no agent can serve is answered with the `vif_type` ``"binding_failed"``, not with an error.

    Raises: 400, 403, 404 and 409 as for `CreatePort`; 409 for the MAC address of a bound port, or its kind of interface.

    Attributes:
        port_id: the port.
        name: need not be unique.
        description: for people.
        admin_state_up: whether it is to work.
        mac_address: administrators and services only.
        fixed_ips: in place of all there are; what is asked for again stays.
        device_id: what it belongs to; empty for nothing.
        device_owner: kind of that.
        security_groups: in place of all there are.
        binding_host_id: where to wire it; empty for nowhere; administrators and services only.
        binding_vnic_type: kind of interface.
        binding_profile: in place of all there is; administrators and services only.
    """

    topic: ClassVar[str] = TOPIC
    port_id: PortId
    name: str | None = None
    description: str | None = None
    admin_state_up: bool | None = None
    mac_address: str | None = None
    fixed_ips: tuple[FixedIpRequest, ...] | None = None
    device_id: str | None = None
    device_owner: str | None = None
    security_groups: tuple[SecurityGroupId, ...] | None = None
    binding_host_id: str | None = None
    binding_vnic_type: str | None = None
    binding_profile: Mapping[str, Any] | None = attrs.field(default=None, converter=_maybe_frozen)


@message
class DeletePort(ApiRequest[None]):
    """Delete a port: one's own, or one on one's own network. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    port_id: PortId


# -- bindings of a server's port, for live migration -----------------------------------------------------------------


@message
class CreatePortBinding(ApiRequest[PortBinding]):
    """Bind a server's port on a further host (`POST /v2.0/ports/{id}/bindings`). It is inactive, unless it is the only one.

    Raises: 400 for a port of something else; 404; 409 if it has a binding there; 500 if no agent there can wire it.

    Attributes:
        port_id: the port.
        host: where.
        vnic_type: kind of interface.
        profile: noted with the binding.
    """

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin_or_service
    port_id: PortId
    host: str
    vnic_type: str = "normal"
    profile: Mapping[str, Any] = attrs.field(factory=dict[str, Any], converter=frozen)


@message
class ShowPortBinding(ApiRequest[PortBinding]):
    """Show the binding of a port on a host. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin_or_service
    port_id: PortId
    host: str


@message
class ListPortBindings(ApiRequest[tuple[PortBinding, ...]]):
    """List the bindings of a server's port, the active one first. 400 for a port of something else; 404."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin_or_service
    port_id: PortId
    host: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    vif_type: tuple[str, ...] = ()


@message
class UpdatePortBinding(ApiRequest[PortBinding]):
    """Change the binding of a port on a host, and bind it anew. 404; 500 if no agent there can wire it."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin_or_service
    port_id: PortId
    host: str
    vnic_type: str | None = None
    profile: Mapping[str, Any] | None = attrs.field(default=None, converter=_maybe_frozen)


@message
class ActivatePortBinding(ApiRequest[PortBinding]):
    """Have a port use its binding on this host; the one it used becomes inactive and unbound. The port goes DOWN.

    Raises: 404 if it has no binding there; 409 if it uses that one.
    """

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin_or_service
    port_id: PortId
    host: str


@message
class DeletePortBinding(ApiRequest[None]):
    """Delete a port's binding on a host. 404 if there is none. Without the active one the port is unbound."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin_or_service
    port_id: PortId
    host: str


# -- security groups ---------------------------------------------------------------------------------------------------


@message
class CreateSecurityGroup(ApiRequest[SecurityGroup]):
    """Create a security group, which lets out everything.

    Raises: 409 over quota, or for the name ``"default"``.

    Attributes:
        name: need not be unique.
        description: for people.
        stateful: whether answers are let through.
        project_id: for this project; others than one's own are for administrators.
    """

    topic: ClassVar[str] = TOPIC
    name: str
    description: str = ""
    stateful: bool = True
    project_id: ProjectId | None = None


@message
class ShowSecurityGroup(ApiRequest[SecurityGroup]):
    """Show a security group with its rules. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    security_group_id: SecurityGroupId


@message
class ListSecurityGroups(ApiRequest[tuple[SecurityGroup, ...]]):
    """List security groups. Whoever lists them in a project without a default group thereby creates it."""

    topic: ClassVar[str] = TOPIC
    id: tuple[SecurityGroupId, ...] = ()
    name: tuple[str, ...] = ()
    description: tuple[str, ...] = ()
    project_id: tuple[ProjectId, ...] = ()
    stateful: bool | None = None
    sort_key: tuple[str, ...] = ()
    sort_dir: tuple[str, ...] = ()
    limit: int | None = None
    marker: str | None = None


@message
class UpdateSecurityGroup(ApiRequest[SecurityGroup]):
    """Change a security group. 404; 409 for the name of a default group, or for `stateful` while ports use it."""

    topic: ClassVar[str] = TOPIC
    security_group_id: SecurityGroupId
    name: str | None = None
    description: str | None = None
    stateful: bool | None = None


@message
class DeleteSecurityGroup(ApiRequest[None]):
    """Delete a security group, and the rules of others that refer to it. 404; 409 while ports use it.

    A default group is deleted by administrators alone (409), and comes back when it is needed.
    """

    topic: ClassVar[str] = TOPIC
    security_group_id: SecurityGroupId


@message
class CreateSecurityGroupRule(ApiRequest[SecurityGroupRule]):
    """Let something more through.

    Raises: 400 for ports, protocols and addresses that do not fit together; 404 for a group; 409 over quota, or if the group
    has this rule.

    Attributes:
        security_group_id: the group.
        direction: ``"ingress"`` or ``"egress"``.
        ethertype: ``"IPv4"`` or ``"IPv6"``.
        protocol: name or number; None for any.
        port_range_min: lowest port, or ICMP type.
        port_range_max: highest port, or ICMP code.
        remote_ip_prefix: the other side's addresses.
        remote_group_id: the other side's group; not both.
        description: for people.
    """

    topic: ClassVar[str] = TOPIC
    security_group_id: SecurityGroupId
    direction: str
    ethertype: str = "IPv4"
    protocol: str | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: SecurityGroupId | None = None
    description: str = ""


@message
class ShowSecurityGroupRule(ApiRequest[SecurityGroupRule]):
    """Show a rule. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    rule_id: RuleId


@message
class ListSecurityGroupRules(ApiRequest[tuple[SecurityGroupRule, ...]]):
    """List the rules of one's own groups."""

    topic: ClassVar[str] = TOPIC
    id: tuple[RuleId, ...] = ()
    security_group_id: tuple[SecurityGroupId, ...] = ()
    project_id: tuple[ProjectId, ...] = ()
    direction: tuple[str, ...] = ()
    ethertype: tuple[str, ...] = ()
    protocol: tuple[str, ...] = ()
    port_range_min: tuple[int, ...] = ()
    port_range_max: tuple[int, ...] = ()
    remote_ip_prefix: tuple[str, ...] = ()
    remote_group_id: tuple[SecurityGroupId, ...] = ()
    sort_key: tuple[str, ...] = ()
    sort_dir: tuple[str, ...] = ()
    limit: int | None = None
    marker: str | None = None


@message
class DeleteSecurityGroupRule(ApiRequest[None]):
    """Delete a rule. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    rule_id: RuleId


# -- quotas ------------------------------------------------------------------------------------------------------------


@message
class ShowQuota(ApiRequest[Quota]):
    """How much a project may have. 403 for other projects, except to administrators."""

    topic: ClassVar[str] = TOPIC
    project_id: ProjectId


@message
class ShowQuotaDetails(ApiRequest[QuotaDetails]):
    """How much a project may have, has, and is about to have. 403 for other projects, except to administrators."""

    topic: ClassVar[str] = TOPIC
    project_id: ProjectId


@message
class ShowDefaultQuota(ApiRequest[Quota]):
    """How much a project may have for which nothing else was said."""

    topic: ClassVar[str] = TOPIC
    project_id: ProjectId


@message
class UpdateQuota(ApiRequest[Quota]):
    """Say how much a project may have; -1 for any number. 400 for less than that. May be less than it has."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    project_id: ProjectId
    network: int | None = None
    subnet: int | None = None
    port: int | None = None
    security_group: int | None = None
    security_group_rule: int | None = None


@message
class DeleteQuota(ApiRequest[None]):
    """Have the defaults hold for a project again."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    project_id: ProjectId


# -- agents ------------------------------------------------------------------------------------------------------------


@message
class ListAgents(ApiRequest[tuple[Agent, ...]]):
    """List agents."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    id: tuple[AgentId, ...] = ()
    agent_type: tuple[str, ...] = ()
    host: tuple[str, ...] = ()
    admin_state_up: bool | None = None
    alive: bool | None = None


@message
class ShowAgent(ApiRequest[Agent]):
    """Show an agent. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    agent_id: AgentId


@message
class UpdateAgent(ApiRequest[Agent]):
    """Say whether an agent is to be given work. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    agent_id: AgentId
    admin_state_up: bool


@message
class DeleteAgent(ApiRequest[None]):
    """Forget an agent. If it lives, its next report makes it known again. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    agent_id: AgentId
