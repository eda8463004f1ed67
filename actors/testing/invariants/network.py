"""S15, S16, S20: addresses, and what must be wired when."""

from collections import Counter
from typing import Any, ClassVar

from actors.context import Credentials
from actors.hypervisor.messages import ChangePower
from actors.hypervisor.models import PowerAction
from actors.ids import NetworkId, PortId, ServerId
from actors.neutron.l2_agent import Bridge
from actors.neutron.messages import DeletePort
from actors.neutron.models import Port
from actors.neutron.rpc import DHCP_AGENT_TOPIC, GroupVersion
from actors.neutron.states import PortStatus, VifType
from actors.nova.models import AUTO_NETWORKS, NO_NETWORKS, Instance
from actors.nova.states import VmState
from actors.testing.invariants.base import Invariant
from actors.testing.invariants.hearing import Answer

COMPUTE_OWNER = "compute:"


class Addresses(Invariant):
    """S15."""

    name: ClassVar[str] = "S15"
    title: ClassVar[str] = "addresses"
    statement: ClassVar[str] = (
        "An address of a subnet and a MAC address of a network belong to one port at most; at rest what is taken is what ports have."
    )
    matters: ClassVar[str] = "Two servers answer to one address; or addresses run out that nobody has."

    def observe(self) -> None:
        self._owners: dict[tuple[Any, str], PortId] = {}
        self.watch.hear_table(self.stores.neutron, "ports", self._changed)

    def _changed(self, port: PortId, old: Port | None, new: Port | None) -> None:
        if old is not None and new is not None and _addresses(old) == _addresses(new):
            return
        for address in _addresses(old) if old is not None else ():
            if self._owners.get(address) == port:
                del self._owners[address]
        for address in _addresses(new) if new is not None else ():
            other = self._owners.setdefault(address, port)
            self.demand(other == port, f"{address[1]} belongs to port {other} and to port {port}")
        for ip in new.fixed_ips if new is not None else ():
            self.demand(
                ip.subnet_id in self.stores.neutron.subnets,
                f"port {port} has {ip.ip_address} of the subnet {ip.subnet_id}, which is not there",
            )

    def at_rest(self) -> None:
        neutron = self.stores.neutron
        counted = Counter(ip.subnet_id for port in neutron.ports.values() for ip in port.fixed_ips)
        for subnet, space in neutron.spaces.items():
            self.demand(
                len(space) == counted[subnet],
                f"{len(space)} addresses of subnet {subnet} are taken, and ports have {counted[subnet]}",
            )


def _addresses(port: Port) -> tuple[tuple[Any, str], ...]:
    return ((port.network_id, port.mac_address), *((ip.subnet_id, ip.ip_address) for ip in port.fixed_ips))


class WiredBeforeRun(Invariant):
    """S16."""

    name: ClassVar[str] = "S16"
    title: ClassVar[str] = "wired before run"
    statement: ClassVar[str] = (
        "A port becomes ACTIVE once its host has wired it and its DHCP agents serve it; a new guest runs once all its ports have been "
        "ACTIVE; a server that becomes ACTIVE has the ports that were asked for, each once and bound to its host."
    )
    matters: ClassVar[str] = (
        "A guest asks for its address before anybody can answer, and stays without; or has no network at all."
    )

    def observe(self) -> None:
        self._wired: dict[PortId, bool] = {}
        self._bridged: set[tuple[str, PortId]] = set()  # on which host which ports were ever wired
        self._waits_for_dhcp: set[PortId] = set()  # ports whose networks had DHCP agents when they were made
        self._taken_away: set[str] = set()  # servers of which somebody deleted a port
        self.watch.hear_table(self.stores, "bridges", self._new_bridge)
        self.watch.hear_table(self.stores.neutron, "ports", self._port_changed)
        self.watch.hear_table(self.stores.nova, "instances", self._server_changed)
        self.watch.hear_answers(self._power_changed, ChangePower)
        self._guard_ports()

    def _guard_ports(self) -> None:
        self._last_device: dict[PortId, str] = {}
        self.watch.hear_answers(self._port_deleted, DeletePort)

    def _port_deleted(self, answer: Answer) -> None:
        """A port that its user deletes is not missed; Nova deletes them beside a service token or with its own."""
        context = answer.context
        if answer.error is None and isinstance(context, Credentials) and context.service_token is None:
            caller = self.watch.truth.issued.get(context.token or "")
            if caller is not None and "service" not in caller.token.role_names:
                self._taken_away.add(self._last_device.get(answer.message.port_id, ""))

    def _new_bridge(self, host: str, _: Bridge | None, bridge: Bridge) -> None:
        self.watch.hear_table(bridge, "wired", lambda key, _old, _new: self._bridged.add((host, key)))

    def _port_changed(self, key: PortId, old: Port | None, new: Port | None) -> None:
        if new is None:
            self._wired.pop(key, None)
            return
        self._last_device[key] = new.device_id
        if old is None or old.binding.host != new.binding.host:
            self._wired[key] = False
        if old is None and self.stores.neutron.dhcp_hosts.get(new.network_id):
            self._waits_for_dhcp.add(key)
        if new.status is PortStatus.ACTIVE:
            self._wired[key] = True
            if old is None or old.status is not PortStatus.ACTIVE:
                self._look_whether_it_works(new)

    def _look_whether_it_works(self, port: Port) -> None:
        """A port that becomes ACTIVE is wired, by the bridge itself, and is served, by the files of DHCP agents themselves."""
        if not port.device_owner.startswith(COMPUTE_OWNER):
            return
        host, neutron = port.binding.host, self.stores.neutron
        self.demand((host, port.id) in self._bridged, f"port {port.id} is ACTIVE, and {host} has not wired it")
        if port.id in self._waits_for_dhcp and any(neutron.subnets[ip.subnet_id].enable_dhcp for ip in port.fixed_ips):
            hosts = neutron.dhcp_hosts.get(port.network_id, ())
            agents = [agent for agent in self.watch.actors(DHCP_AGENT_TOPIC).values() if agent.host in hosts]
            self.demand(
                not agents or any(port.id in agent.file.hosts for agent in agents),
                f"port {port.id} is ACTIVE, and none of its DHCP agents serves it",
            )

    def _power_changed(self, answer: Answer) -> None:
        row = self.stores.nova.instances.get(answer.message.server)
        if answer.error is not None or answer.message.action is not PowerAction.UNPAUSE or row is None:
            return
        config = self.cloud.config.nova
        if row.vm_state is VmState.BUILDING and config.vif_plugging_is_fatal and config.vif_plugging_timeout:
            guest = self.stores.hosts[answer.by.partition(".")[2]].guests.get(row.uuid)
            for interface in () if guest is None else guest.interfaces:
                self.demand(
                    self._wired.get(interface.port, row.uuid in self._taken_away),
                    f"server {row.display_name} runs, and its port {interface.port} has not been wired on {answer.by}",
                )

    def _server_changed(self, uuid: ServerId, old: Instance | None, new: Instance | None) -> None:
        if old is None or new is None or old.vm_state is not VmState.BUILDING or new.vm_state is not VmState.ACTIVE:
            return
        spec = self.stores.nova.request_specs.get(uuid)
        if spec is None or uuid in self._taken_away:
            return
        neutron, asked = self.stores.neutron, spec.requested_networks
        ports = [neutron.ports[key] for key in neutron.ports_by_device.get(uuid, ())]
        if asked == AUTO_NETWORKS:
            visible = [one for one in neutron.networks.values() if one.shared or one.project_id == new.project_id]
            wanted = 1 if visible else 0
        else:
            wanted = 0 if asked == NO_NETWORKS else len(asked)
        self.demand(len(ports) == wanted, f"server {new.display_name} is ACTIVE with {len(ports)} ports, not {wanted}")
        for port in ports:
            bound = port.binding.host == new.host and port.binding.vif_type != VifType.BINDING_FAILED
            where = f"port {port.id} is bound to {port.binding.host or 'no host'} ({port.binding.vif_type})"
            self.demand(bound, f"server {new.display_name} is ACTIVE on {new.host}, and its {where}")


class AgentsConverge(Invariant):
    """S20."""

    name: ClassVar[str] = "S20"
    title: ClassVar[str] = "agents converge"
    statement: ClassVar[str] = "At rest, what agents have wired, filter and serve is what Neutron has in its database."
    matters: ClassVar[str] = "Traffic of a server is dropped, or let in, until somebody restarts an agent."

    def at_rest(self) -> None:
        if not self.watch.excused:  # what an agent was to hear, and did not, it hears with the next change
            self._look_at_bridges()
            self._look_at_dhcp()

    def _look_at_bridges(self) -> None:
        neutron = self.stores.neutron
        for host, bridge in self.stores.bridges.items():
            for port_id in bridge.plugged:
                port = neutron.ports.get(port_id)
                if port is None or port.binding.host != host or not port.binding.bound:
                    continue  # a leak, and L2's
                wired = bridge.wired.get(port_id)
                if not port.admin_state_up:
                    continue
                self.demand(wired is not None, f"{host} has plugged port {port.id}, and has not wired it")
                if wired is None:
                    continue
                for what, is_, should in (
                    ("addresses", wired.fixed_ips, port.fixed_ips),
                    ("MAC address", wired.mac_address, port.mac_address),
                    ("security groups", wired.filters, self._filters(port)),
                ):
                    self.demand(is_ == should, f"{host} has wired port {port_id} with the {what} {is_}, not {should}")

    def _filters(self, port: Port) -> tuple[GroupVersion, ...]:
        neutron = self.stores.neutron
        if not self.cloud.config.neutron.enable_security_group or not port.port_security_enabled:
            return ()
        rules = [rule for key in port.security_groups for rule in neutron.rules_of(key)]
        remote = dict.fromkeys(rule.remote_group_id for rule in rules if rule.remote_group_id is not None)
        return (
            *(GroupVersion(key, neutron.rule_versions[key], 0) for key in port.security_groups),
            *(GroupVersion(key, 0, neutron.member_versions[key]) for key in remote),
        )

    def _look_at_dhcp(self) -> None:
        neutron = self.stores.neutron
        for agent in self.watch.actors(DHCP_AGENT_TOPIC).values():
            networks: list[NetworkId] = [key for key, hosts in neutron.dhcp_hosts.items() if agent.host in hosts]
            should = {key for network in networks for key in neutron.ports_by_network.get(network, ())}
            serves = set(agent.file.hosts)
            if should or serves:
                self.demand(
                    serves == should,
                    f"the DHCP agent on {agent.host} lacks ports {sorted(should - serves)}, and serves {sorted(serves - should)} "
                    "that are not its own",
                )


NETWORK = (Addresses, WiredBeforeRun, AgentsConverge)
