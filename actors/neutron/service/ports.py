"""Ports: created, shown, changed and deleted, and what follows from it for their hosts, DHCP agents and Nova."""

from collections.abc import Mapping
from typing import Any

import attrs

from actors.context import RequestContext
from actors.ids import NetworkId, PortId, ProjectId, SecurityGroupId
from actors.neutron.addresses import MAC_ATTEMPTS, random_mac
from actors.neutron.errors import (
    MacAddressGenerationFailure,
    MacAddressInUse,
    PolicyNotAuthorized,
    PortBound,
    PortInUse,
)
from actors.neutron.listing import filtered, page
from actors.neutron.messages import CreatePort, DeletePort, ListPorts, ShowPort, UpdatePort
from actors.neutron.models import NETWORK_OWNER, FixedIpRequest, Port, PortBinding
from actors.neutron.rpc import DHCP_AGENT_TYPE
from actors.neutron.service.bindings import Bindings
from actors.neutron.service.security_groups import SecurityGroups
from actors.neutron.states import Entity
from actors.neutron.visibility import check_port_fields, owns, project_of, sees_port, shown_port
from actors.service import request_context


class Ports(Bindings, SecurityGroups):
    """The calls about ports."""

    # -- create --------------------------------------------------------------------------------------------------------

    @CreatePort.handler
    async def create_port(self, msg: CreatePort) -> Port:
        context = request_context()
        network = self.network_for(context, msg.network_id)
        project_id = project_of(context, msg.project_id)
        check_port_fields(context, network, _guarded(msg), update=False)
        port = await self.within_quota(project_id, "port", lambda: self._insert(context, project_id, msg))
        self.members_changed(port.security_groups)
        self._schedule_dhcp(port)
        await self.refresh_dhcp(port.network_id, (port.id,))
        await self.refresh(port, port.binding.host)
        return shown_port(context, port)

    def _insert(self, context: RequestContext, project_id: ProjectId, msg: CreatePort) -> Port:
        network = self.network_for(context, msg.network_id)  # again: it may have gone since room was reserved
        filters = network.port_security_enabled if msg.port_security_enabled is None else msg.port_security_enabled
        self.default_group(project_id)
        groups = self._groups_for_new(context, project_id, msg) if filters else ()
        mac = self._mac(network.id, msg.mac_address)
        now = self.clock.time()
        port = Port(
            id=PortId(self.ids.uuid()), network_id=network.id, project_id=project_id, name=msg.name,
            description=msg.description, admin_state_up=msg.admin_state_up, mac_address=mac,
            fixed_ips=self.ipam.allocate(network, mac, msg.fixed_ips), device_id=msg.device_id,
            device_owner=msg.device_owner, security_groups=groups, port_security_enabled=filters,
            binding=PortBinding(vnic_type=msg.binding_vnic_type, profile=msg.binding_profile or {}),
            created_at=now, updated_at=now,
        )  # fmt: skip
        if msg.binding_host_id:
            port = self.bound(port, attrs.evolve(port.binding, host=msg.binding_host_id))
        self.store.put_port(port)
        self._wait_for_dhcp(port)
        return port

    def _groups_for_new(
        self, context: RequestContext, project_id: ProjectId, msg: CreatePort
    ) -> tuple[SecurityGroupId, ...]:  # fmt: skip
        if msg.security_groups is not None:
            return self.checked_groups(context, project_id, msg.security_groups)
        return () if msg.device_owner.startswith(NETWORK_OWNER) else (self.default_group(project_id).id,)

    def _mac(self, network_id: NetworkId, asked: str | None) -> str:
        if asked is not None:
            mac = asked.lower()
            if (network_id, mac) in self.store.macs:
                raise MacAddressInUse(
                    f"unable to complete operation for network {network_id}: mac address {mac} is in use"
                )
            return mac
        for _ in range(MAC_ATTEMPTS):
            mac = random_mac(self.config.base_mac, self.chance)
            if (network_id, mac) not in self.store.macs:
                return mac
        raise MacAddressGenerationFailure(
            f"unable to generate unique mac on network {network_id} after {MAC_ATTEMPTS} attempts: "
            f"leave more octets to chance in base_mac {self.config.base_mac}"
        )

    # -- show and list -------------------------------------------------------------------------------------------------

    @ShowPort.handler
    async def show_port(self, msg: ShowPort) -> Port:
        context = request_context()
        return shown_port(context, self.port_for(context, msg.port_id))

    @ListPorts.handler
    async def list_ports(self, msg: ListPorts) -> tuple[Port, ...]:
        context, networks, table = request_context(), self.store.networks, self.store.ports
        rows = (table[port_id] for port_id in self._candidates(msg) if port_id in table)
        seen = [shown_port(context, port) for port in rows if sees_port(context, port, networks[port.network_id])]
        return page(filtered(seen, msg), msg)

    def _candidates(self, msg: ListPorts) -> dict[PortId, None]:
        """Ports among which those that *msg* asks for are: by the filter that leaves the fewest."""
        store = self.store
        indexes: list[tuple[tuple[Any, ...], Mapping[Any, dict[PortId, None]]]] = [
            (msg.device_id, store.ports_by_device),
            (msg.security_groups, store.ports_by_group),
            (msg.network_id, store.ports_by_network),
            (msg.binding_host_id, store.ports_by_host),
            (msg.project_id, store.ports_by_project),
        ]
        if msg.id:
            return dict.fromkeys(msg.id)
        for values, index in indexes:
            if values and "" not in values:
                return {port_id: None for value in values for port_id in index.get(value, ())}
        return dict.fromkeys(store.ports)

    # -- update --------------------------------------------------------------------------------------------------------

    @UpdatePort.handler
    async def update_port(self, msg: UpdatePort) -> Port:
        context = request_context()
        old = self.port_for(context, msg.port_id)
        network = self.store.networks[old.network_id]
        if not owns(context, old):
            raise PolicyNotAuthorized(f"policy does not allow port {old.id} to be updated: it is another project's")
        check_port_fields(context, network, _guarded(msg), update=True)
        port = self._change(context, old, msg)
        if port.fixed_ips != old.fixed_ips or port.security_groups != old.security_groups:
            self.members_changed(dict.fromkeys((*old.security_groups, *port.security_groups)))
        self.nova.updated(port)
        if (port.fixed_ips, port.mac_address) != (old.fixed_ips, old.mac_address):
            await self.refresh_dhcp(port.network_id, (port.id,))
        if _matters_to_agents(old, port):
            await self.refresh(port, old.binding.host, port.binding.host)
        return shown_port(context, port)

    def _change(self, context: RequestContext, old: Port, msg: UpdatePort) -> Port:
        names = ("name", "description", "admin_state_up", "device_id", "device_owner")
        changes: dict[str, Any] = {name: value for name in names if (value := getattr(msg, name)) is not None}
        binding = _asked_binding(old, msg)
        if msg.mac_address is not None and msg.mac_address.lower() != old.mac_address:
            if old.binding.bound:
                raise PortBound(
                    f"port {old.id} is bound as {old.binding.vif_type}: unbind it to change its mac address"
                )
            changes["mac_address"] = self._mac(old.network_id, msg.mac_address)
        if msg.security_groups is not None:
            changes["security_groups"] = self.checked_groups(context, old.project_id, msg.security_groups)
        if msg.fixed_ips is not None:  # last of what may be refused: from here on things change
            changes["fixed_ips"] = self.ipam.replace(old, self.store.networks[old.network_id], msg.fixed_ips)
        port = self.touched(old, **changes)
        self.store.put_port(port)
        if (port.fixed_ips, port.mac_address) != (old.fixed_ips, old.mac_address):
            self._wait_for_dhcp(port)
        return self.rebind(port, binding)

    # -- delete --------------------------------------------------------------------------------------------------------

    @DeletePort.handler
    async def delete_port(self, msg: DeletePort) -> None:
        port = self.port_for(request_context(), msg.port_id)
        hosts = [binding.host for binding in self.store.bindings(port)]
        self.discard(port)
        await self.refresh_dhcp(port.network_id, (port.id,))
        await self.refresh(port, *hosts)

    # -- DHCP ----------------------------------------------------------------------------------------------------------

    def _wait_for_dhcp(self, port: Port) -> None:
        """Let a port wait for its DHCP agents, if it has any, as `_setup_dhcp_agent_provisioning_component`."""
        if port.device_owner.startswith(NETWORK_OWNER):
            return
        blocks = self.store.blocks.setdefault(port.id, {})
        if self._needs_dhcp(port) and self.store.dhcp_hosts.get(port.network_id):
            blocks[Entity.DHCP] = None
        else:
            blocks.pop(Entity.DHCP, None)

    def _needs_dhcp(self, port: Port) -> bool:
        return any(self.store.subnets[ip.subnet_id].enable_dhcp for ip in port.fixed_ips)

    def _schedule_dhcp(self, port: Port) -> None:
        """Give the network of a new port to those DHCP agents that serve the fewest, unless it has its agents."""
        if port.network_id in self.store.dhcp_hosts or not self._needs_dhcp(port):
            return
        load: dict[str, int] = {
            agent.host: 0
            for agent in self.store.agents.values()
            if agent.agent_type == DHCP_AGENT_TYPE and agent.admin_state_up and self.agent_alive(agent)
        }
        for hosts in self.store.dhcp_hosts.values():
            for host in hosts:
                if host in load:
                    load[host] += 1
        chosen = sorted(load, key=lambda host: load[host])[: self.config.dhcp_agents_per_network]
        if chosen:
            self.store.dhcp_hosts[port.network_id] = tuple(chosen)


def _guarded(msg: CreatePort | UpdatePort) -> tuple[str, ...]:
    """Fields of a request that not everybody sets."""
    asked: tuple[FixedIpRequest, ...] = msg.fixed_ips or ()
    given = {
        "binding_host_id": msg.binding_host_id is not None,
        "binding_profile": msg.binding_profile is not None,
        "mac_address": msg.mac_address is not None,
        "ip_address": any(one.ip_address is not None for one in asked),
        "device_owner": (msg.device_owner or "").startswith(NETWORK_OWNER),
    }
    return tuple(name for name, is_given in given.items() if is_given)


def _asked_binding(port: Port, msg: UpdatePort) -> PortBinding:
    """The binding that a request asks for: the one that there is, if it asks for no other."""
    old = port.binding
    if msg.binding_vnic_type not in {None, old.vnic_type} and old.bound:
        raise PortInUse(f"unable to complete operation on port {port.id}: unbind it to change its vnic_type")
    return attrs.evolve(
        old,
        host=old.host if msg.binding_host_id is None else msg.binding_host_id,
        vnic_type=old.vnic_type if msg.binding_vnic_type is None else msg.binding_vnic_type,
        profile=old.profile if msg.binding_profile is None else msg.binding_profile,
    )


def _matters_to_agents(old: Port, new: Port) -> bool:
    """Whether L2 agents have to hear of a change (`need_port_update_notify`)."""
    names = ("admin_state_up", "status", "mac_address", "fixed_ips", "security_groups", "binding")
    return any(getattr(old, name) != getattr(new, name) for name in names)
