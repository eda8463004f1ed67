"""Agents: their reports, what they ask, and what administrators do about them."""

import attrs

from actors.ids import PortId
from actors.neutron.errors import AgentNotFound
from actors.neutron.listing import filtered
from actors.neutron.messages import DeleteAgent, ListAgents, ShowAgent, UpdateAgent
from actors.neutron.models import COMPUTE_OWNER, Agent, AgentId, Port
from actors.neutron.rpc import (
    L2_AGENT_TYPE,
    DeviceDetails,
    DhcpHost,
    DhcpReadyOnPorts,
    GetDevicesDetails,
    GetDhcpHosts,
    GetFilters,
    GetServedPorts,
    GroupVersion,
    ReportState,
    UpdateDeviceList,
)
from actors.neutron.service.bindings import Bindings
from actors.neutron.states import AgentStatus, Cause, Entity

MIGRATING_TO = "migrating_to"
"""Key of a binding's profile under which Nova names the host that a server is moving to."""


class Agents(Bindings):
    """The calls about agents, and their own RPCs."""

    # -- liveness ------------------------------------------------------------------------------------------------------

    @ReportState.handler
    async def report_state(self, msg: ReportState) -> AgentStatus | None:
        if (
            msg.time < self.since
        ):  # as `db/agents_db.py`: it was sent before this server began, or by a clock that is slow
            self.log.warning("report from before the server's start ignored", agent=msg.agent_type, host=msg.host)
            return None
        now, key = self.clock.time(), (msg.agent_type, msg.host)
        agent = self.store.agents.get(key)
        if agent is None:
            self.store.agents[key] = Agent(
                id=AgentId(self.ids.uuid()), agent_type=msg.agent_type, host=msg.host, created_at=now, started_at=now,
                heartbeat_timestamp=now,
            )  # fmt: skip
            return AgentStatus.NEW
        status = AgentStatus.ALIVE if self.agent_alive(agent) else AgentStatus.REVIVED
        started = now if msg.start_flag else agent.started_at
        self.store.agents[key] = attrs.evolve(agent, heartbeat_timestamp=now, started_at=started)
        if status is AgentStatus.REVIVED and agent.admin_state_up and msg.agent_type == L2_AGENT_TYPE:
            for port in self.retry_failed(msg.host):
                await self.refresh(port, msg.host)
        return status

    def _agent(self, agent_id: AgentId) -> Agent:
        agent = next((one for one in self.store.agents.values() if one.id == agent_id), None)
        if agent is None:
            raise AgentNotFound(f"agent {agent_id} could not be found")
        return self._shown(agent)

    def _shown(self, agent: Agent) -> Agent:
        return attrs.evolve(agent, alive=self.agent_alive(agent))

    @ListAgents.handler
    async def list_agents(self, msg: ListAgents) -> tuple[Agent, ...]:
        return tuple(filtered((self._shown(agent) for agent in self.store.agents.values()), msg))

    @ShowAgent.handler
    async def show_agent(self, msg: ShowAgent) -> Agent:
        return self._agent(msg.agent_id)

    @UpdateAgent.handler
    async def update_agent(self, msg: UpdateAgent) -> Agent:
        agent = attrs.evolve(self._agent(msg.agent_id), admin_state_up=msg.admin_state_up)
        self.store.agents[agent.agent_type, agent.host] = agent
        return agent

    @DeleteAgent.handler
    async def delete_agent(self, msg: DeleteAgent) -> None:
        agent = self._agent(msg.agent_id)
        del self.store.agents[agent.agent_type, agent.host]

    # -- L2 agents -----------------------------------------------------------------------------------------------------

    @GetDevicesDetails.handler
    async def get_devices_details(self, msg: GetDevicesDetails) -> tuple[DeviceDetails | None, ...]:
        return tuple(self._details(msg.host, port_id) for port_id in msg.port_ids)

    def _details(self, host: str, port_id: PortId) -> DeviceDetails | None:
        port = self.store.ports.get(port_id)
        if port is None or port.binding.host != host or not port.binding.bound:
            return None
        port = self.set_status(port, Cause.REQUESTED)
        return DeviceDetails(
            port_id=port.id, network_id=port.network_id, admin_state_up=port.admin_state_up,
            mac_address=port.mac_address, fixed_ips=port.fixed_ips, filters=self.filters_of(port),
        )  # fmt: skip

    @GetFilters.handler
    async def get_filters(self, msg: GetFilters) -> tuple[tuple[GroupVersion, ...], ...]:
        ports = (self.store.ports.get(port_id) for port_id in msg.port_ids)
        return tuple(() if port is None else self.filters_of(port) for port in ports)

    def filters_of(self, port: Port) -> tuple[GroupVersion, ...]:
        """What the security groups of a port are made of now: their rules, and the members of groups that rules refer to."""
        if not self.config.enable_security_group or not port.port_security_enabled:
            return ()
        own = tuple(GroupVersion(group_id, self.store.rule_versions[group_id], 0) for group_id in port.security_groups)
        rules = (rule for group_id in port.security_groups for rule in self.store.rules_of(group_id))
        remote = dict.fromkeys(rule.remote_group_id for rule in rules if rule.remote_group_id is not None)
        return (*own, *(GroupVersion(group_id, 0, self.store.member_versions[group_id]) for group_id in remote))

    @UpdateDeviceList.handler
    async def update_device_list(self, msg: UpdateDeviceList) -> None:
        for port_id in msg.devices_up:
            if (port := self.store.ports.get(port_id)) is None:
                continue
            if port.binding.host == msg.host:
                self._provisioned(port, Entity.L2)
            elif port.device_owner.startswith(COMPUTE_OWNER):
                self.nova.plugged_elsewhere(port)
        for port_id in msg.devices_down:
            port = self.store.ports.get(port_id)
            if port is not None and port.binding.host == msg.host:
                self.set_status(port, Cause.UNPLUGGED)

    def _provisioned(self, port: Port, entity: Entity) -> None:
        """Note that *entity* has done its part; a bound port that waits for nobody else is ACTIVE (`_port_provisioned`)."""
        blocks = self.store.blocks.get(port.id, {})
        blocks.pop(entity, None)
        if not blocks and port.binding.bound and port.admin_state_up:
            migrating = bool(port.binding.profile.get(MIGRATING_TO))
            self.set_status(port, Cause.PROVISIONED, tell_nova=not migrating or entity is Entity.L2)

    # -- DHCP agents ---------------------------------------------------------------------------------------------------

    @GetDhcpHosts.handler
    async def get_dhcp_hosts(self, msg: GetDhcpHosts) -> tuple[DhcpHost | None, ...]:
        ports = (self.store.ports.get(port_id) for port_id in msg.port_ids)
        return tuple(
            None
            if port is None
            else DhcpHost(
                port_id=port.id,
                network_id=port.network_id,
                mac_address=port.mac_address,
                fixed_ips=tuple(ip for ip in port.fixed_ips if self.store.subnets[ip.subnet_id].enable_dhcp),
            )
            for port in ports
        )

    @GetServedPorts.handler
    async def get_served_ports(self, msg: GetServedPorts) -> tuple[PortId, ...]:
        networks = (network_id for network_id, hosts in self.store.dhcp_hosts.items() if msg.host in hosts)
        return tuple(port_id for network_id in networks for port_id in self.store.ports_by_network.get(network_id, ()))

    @DhcpReadyOnPorts.handler
    async def dhcp_ready_on_ports(self, msg: DhcpReadyOnPorts) -> None:
        for port_id in msg.port_ids:
            if (port := self.store.ports.get(port_id)) is not None:
                self._provisioned(port, Entity.DHCP)
