"""What every part of Neutron's server has in common: its database, and how it looks things up for whoever asks."""

from collections.abc import Callable, Iterable
from random import Random
from typing import Any, TypeVar

import anyio.lowlevel

from actors.context import RequestContext
from actors.ids import Ids, NetworkId, PortId, ProjectId, SecurityGroupId
from actors.neutron import quotas
from actors.neutron.batches import Batches
from actors.neutron.config import NeutronConfig
from actors.neutron.errors import NetworkNotFound, PortNotFound
from actors.neutron.ipam import Ipam
from actors.neutron.models import Agent, Network, Port, SecurityGroup, Subnet
from actors.neutron.nova_notifier import NovaNotifier
from actors.neutron.rpc import AGENT_CONTEXT, L2_AGENT_TYPE, RefreshDhcp, RefreshPort, dhcp_agent, l2_agent
from actors.neutron.states import Cause, status_after
from actors.neutron.store import NeutronStore
from actors.neutron.visibility import sees_network, sees_port
from actors.rows import evolved
from actors.service import Service

T = TypeVar("T")
Row = TypeVar("Row", Network, Subnet, Port, SecurityGroup)


class NeutronPart(Service):
    """Base of the parts of `actors.neutron.service.NeutronService`, which sets these attributes."""

    store: NeutronStore
    config: NeutronConfig
    ids: Ids
    chance: Random
    ipam: Ipam
    nova: NovaNotifier
    changed_groups: Batches[SecurityGroupId]
    """Security groups of whose members agents are to hear."""
    since: float
    """When this life of the server began, seconds since 1970."""

    # -- looking up ----------------------------------------------------------------------------------------------------

    def network_for(self, context: RequestContext, network_id: NetworkId) -> Network:
        """A network that whoever asks sees.

        Raises:
            NetworkNotFound: if there is none.
        """
        network = self.store.networks.get(network_id)
        if network is None or not sees_network(context, network):
            raise NetworkNotFound(f"network {network_id} could not be found")
        return network

    def port_for(self, context: RequestContext, port_id: PortId) -> Port:
        """A port that whoever asks sees.

        Raises:
            PortNotFound: if there is none.
        """
        port = self.store.ports.get(port_id)
        if port is None or not sees_port(context, port, self.store.networks[port.network_id]):
            raise PortNotFound(f"port {port_id} could not be found")
        return port

    def agent_alive(self, agent: Agent) -> bool:
        """Whether an agent's last report is recent enough."""
        return self.clock.time() - agent.heartbeat_timestamp <= self.config.agent_down_time

    def l2_agent_on(self, host: str) -> Agent | None:
        """The L2 agent on *host*, dead or alive; None if none was ever there."""
        return self.store.agents.get((L2_AGENT_TYPE, host))

    # -- changing ------------------------------------------------------------------------------------------------------

    async def within_quota(self, project_id: ProjectId, resource: str, create: Callable[[], T]) -> T:
        """Reserve room in the quota, and then, in a transaction of its own, create.

        Raises:
            OverQuota: if there is no room.
        """
        reservation = quotas.reserve(self.store, self.config, self.ids, project_id, resource, self.clock.time())
        await anyio.lowlevel.checkpoint()
        try:
            return create()
        finally:
            quotas.release(self.store, reservation)

    def set_status(self, port: Port, cause: Cause, *, tell_nova: bool = True) -> Port:
        """Give a port the status that follows from *cause*, store it, and tell Nova if it wants to know."""
        previous, status = port.status, status_after(cause, admin_state_up=port.admin_state_up)
        if status is previous:
            return port
        port = self.touched(port, status=status)
        self.store.put_port(port)
        if tell_nova:
            self.nova.status_changed(port, previous)
        return port

    def touched(self, row: Row, **changes: Any) -> Row:
        """A row with *changes*, a new time and a new revision number."""
        return evolved(row, updated_at=self.clock.time(), revision_number=row.revision_number + 1, **changes)

    def discard(self, port: Port) -> None:
        """Remove a port, give its addresses back, and tell Nova."""
        self.ipam.release(port.fixed_ips)
        self.store.remove_port(port)
        self.members_changed(port.security_groups)
        self.nova.deleted(port)

    # -- telling agents ------------------------------------------------------------------------------------------------

    async def refresh(self, port: Port, *hosts: str) -> None:
        """Have the L2 agents on *hosts* look at a port again."""
        for host in dict.fromkeys(filter(None, hosts)):
            await self.bus.tell(RefreshPort(port_id=port.id), to=l2_agent(host), context=AGENT_CONTEXT)

    async def refresh_dhcp(self, network_id: NetworkId, port_ids: tuple[PortId, ...]) -> None:
        """Have the DHCP agents of a network look at ports again."""
        for host in self.store.dhcp_hosts.get(network_id, ()):
            await self.bus.tell(RefreshDhcp(port_ids=port_ids), to=dhcp_agent(host), context=AGENT_CONTEXT)

    def members_changed(self, group_ids: Iterable[SecurityGroupId]) -> None:
        """Note that ports have joined or left groups, or changed their addresses, and have agents hear of it."""
        for group_id in group_ids if self.config.enable_security_group else ():
            if self.store.rules_by_remote.get(group_id):
                self.store.member_versions[group_id] += 1
                self.changed_groups.queue(group_id)
