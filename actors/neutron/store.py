"""Neutron's database: shared by all members of the service, and outliving each of them.

Every change is made by one of the methods, which keep tables and indexes in step. Between two awaits nothing else runs, so a
handler that changes several tables without awaiting in between is one transaction.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

import attrs

from actors.ids import NetworkId, PortId, ProjectId, SecurityGroupId, SubnetId
from actors.neutron.addresses import Space
from actors.neutron.models import Agent, Network, Port, PortBinding, RuleId, SecurityGroup, SecurityGroupRule, Subnet
from actors.neutron.states import Entity

K = TypeVar("K")
V = TypeVar("V")

Index = defaultdict[K, dict[V, None]]
"""Which rows have a value, in the order in which they came."""


@attrs.frozen(kw_only=True)
class Reservation:
    """Room in a project's quota that a request is about to use.

    Attributes:
        project_id: whose quota.
        resource: of what, such as ``"port"``.
        amount: how many.
        expires: when it no longer counts, seconds since 1970.
    """

    project_id: ProjectId
    resource: str
    amount: int
    expires: float


class NeutronStore:
    """The tables."""

    def __init__(self) -> None:
        self.networks: dict[NetworkId, Network] = {}
        self.subnets: dict[SubnetId, Subnet] = {}
        self.spaces: dict[SubnetId, Space] = {}
        """Addresses that are taken, by subnet."""
        self.ports: dict[PortId, Port] = {}
        self.inactive: dict[PortId, tuple[PortBinding, ...]] = {}
        """Bindings that a port does not use."""
        self.blocks: dict[PortId, dict[Entity, None]] = {}
        """Who has to do its part before a port is ACTIVE."""
        self.macs: dict[tuple[NetworkId, str], PortId] = {}
        self.groups: dict[SecurityGroupId, SecurityGroup] = {}
        """Without their rules."""
        self.default_groups: dict[ProjectId, SecurityGroupId] = {}
        self.rules: dict[RuleId, SecurityGroupRule] = {}
        self.rule_versions: defaultdict[SecurityGroupId, int] = defaultdict(int)
        self.member_versions: defaultdict[SecurityGroupId, int] = defaultdict(int)
        self.limits: dict[ProjectId, dict[str, int]] = {}
        """Quotas that differ from the default."""
        self.reservations: dict[str, Reservation] = {}
        self.agents: dict[tuple[str, str], Agent] = {}
        """By type and host."""
        self.dhcp_hosts: dict[NetworkId, tuple[str, ...]] = {}
        """Hosts of the DHCP agents that serve a network."""
        self.next_segment = 1

        self.ports_by_device: Index[str, PortId] = defaultdict(dict)
        self.ports_by_network: Index[NetworkId, PortId] = defaultdict(dict)
        self.ports_by_project: Index[ProjectId, PortId] = defaultdict(dict)
        self.ports_by_host: Index[str, PortId] = defaultdict(dict)
        self.ports_by_group: Index[SecurityGroupId, PortId] = defaultdict(dict)
        self.rules_by_group: Index[SecurityGroupId, RuleId] = defaultdict(dict)
        self.rules_by_remote: Index[SecurityGroupId, RuleId] = defaultdict(dict)
        self.owned: defaultdict[tuple[ProjectId, str], int] = defaultdict(int)
        """How much of each resource a project has."""

    # -- networks and subnets ------------------------------------------------------------------------------------------

    def put_network(self, network: Network) -> None:
        """Insert or replace a network."""
        if network.id not in self.networks:
            self.owned[network.project_id, "network"] += 1
        self.networks[network.id] = network

    def remove_network(self, network: Network) -> None:
        """Remove a network that has no subnets and no ports."""
        del self.networks[network.id]
        self.owned[network.project_id, "network"] -= 1
        self.dhcp_hosts.pop(network.id, None)
        self.ports_by_network.pop(network.id, None)

    def put_subnet(self, subnet: Subnet, space: Space) -> None:
        """Insert or replace a subnet with its addresses."""
        if subnet.id not in self.subnets:
            self.owned[subnet.project_id, "subnet"] += 1
            network = self.networks[subnet.network_id]
            self.networks[network.id] = attrs.evolve(network, subnets=(*network.subnets, subnet.id))
        self.subnets[subnet.id] = subnet
        self.spaces[subnet.id] = space

    def remove_subnet(self, subnet: Subnet) -> None:
        """Remove a subnet of which no port has an address."""
        network = self.networks[subnet.network_id]
        left = tuple(other for other in network.subnets if other != subnet.id)
        self.networks[network.id] = attrs.evolve(network, subnets=left)
        del self.subnets[subnet.id], self.spaces[subnet.id]
        self.owned[subnet.project_id, "subnet"] -= 1

    # -- ports ---------------------------------------------------------------------------------------------------------

    def put_port(self, port: Port) -> None:
        """Insert or replace a port. Its addresses must have been taken."""
        old = self.ports.get(port.id)
        if old is None:
            self.owned[port.project_id, "port"] += 1
            self.ports_by_network[port.network_id][port.id] = None
            self.ports_by_project[port.project_id][port.id] = None
        self.ports[port.id] = port
        if old is None or old.mac_address != port.mac_address:
            if old is not None:
                del self.macs[old.network_id, old.mac_address]
            self.macs[port.network_id, port.mac_address] = port.id
        _move(self.ports_by_device, port.id, _one("" if old is None else old.device_id), _one(port.device_id))
        _move(self.ports_by_host, port.id, _one("" if old is None else old.binding.host), _one(port.binding.host))
        _move(self.ports_by_group, port.id, old.security_groups if old is not None else (), port.security_groups)

    def remove_port(self, port: Port) -> None:
        """Remove a port. Its addresses must have been released."""
        del self.ports[port.id], self.macs[port.network_id, port.mac_address]
        self.inactive.pop(port.id, None)
        self.blocks.pop(port.id, None)
        self.owned[port.project_id, "port"] -= 1
        _drop(self.ports_by_network, port.network_id, port.id)
        _drop(self.ports_by_project, port.project_id, port.id)
        _move(self.ports_by_device, port.id, _one(port.device_id), ())
        _move(self.ports_by_host, port.id, _one(port.binding.host), ())
        _move(self.ports_by_group, port.id, port.security_groups, ())

    def bindings(self, port: Port) -> tuple[PortBinding, ...]:
        """All bindings of a port, the active one first."""
        active = (port.binding,) if port.binding.host else ()
        return (*active, *self.inactive.get(port.id, ()))

    # -- security groups -----------------------------------------------------------------------------------------------

    def put_group(self, group: SecurityGroup) -> None:
        """Insert or replace a security group."""
        if group.id not in self.groups:
            self.owned[group.project_id, "security_group"] += 1
        self.groups[group.id] = attrs.evolve(group, security_group_rules=())

    def remove_group(self, group: SecurityGroup) -> None:
        """Remove a security group with its rules, and with those of other groups that refer to it."""
        for table in (self.rules_by_group, self.rules_by_remote):
            for rule_id in list(table.get(group.id, ())):
                self.remove_rule(self.rules[rule_id])
        del self.groups[group.id]
        if self.default_groups.get(group.project_id) == group.id:
            del self.default_groups[group.project_id]
        self.owned[group.project_id, "security_group"] -= 1
        self.rule_versions.pop(group.id, None)
        self.member_versions.pop(group.id, None)

    def add_rule(self, rule: SecurityGroupRule) -> None:
        """Insert a rule."""
        self.rules[rule.id] = rule
        self.rules_by_group[rule.security_group_id][rule.id] = None
        if rule.remote_group_id is not None:
            self.rules_by_remote[rule.remote_group_id][rule.id] = None
        self.owned[rule.project_id, "security_group_rule"] += 1
        self.rule_versions[rule.security_group_id] += 1

    def remove_rule(self, rule: SecurityGroupRule) -> None:
        """Remove a rule."""
        del self.rules[rule.id]
        _drop(self.rules_by_group, rule.security_group_id, rule.id)
        if rule.remote_group_id is not None:
            _drop(self.rules_by_remote, rule.remote_group_id, rule.id)
        self.owned[rule.project_id, "security_group_rule"] -= 1
        self.rule_versions[rule.security_group_id] += 1

    def rules_of(self, group_id: SecurityGroupId) -> tuple[SecurityGroupRule, ...]:
        """The rules of a group, the oldest first."""
        return tuple(self.rules[rule_id] for rule_id in self.rules_by_group.get(group_id, ()))

    def whole(self, group: SecurityGroup) -> SecurityGroup:
        """A group with its rules."""
        return attrs.evolve(group, security_group_rules=self.rules_of(group.id))


def _one(value: str) -> tuple[str, ...]:
    return (value,) if value else ()


def _move(index: Index[K, V], row: V, old: Iterable[K], new: Iterable[K]) -> None:
    if old == new:
        return
    for key in old:
        _drop(index, key, row)
    for key in new:
        index[key][row] = None


def _drop(index: Index[K, V], key: K, row: V) -> None:
    rows = index[key]
    del rows[row]
    if not rows:
        del index[key]
