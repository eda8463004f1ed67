"""A DHCP agent: serves the networks that it was given, as neutron's DHCP agent with dnsmasq.

As in `actors.neutron.l2_agent`, what happens marks ports, and rounds of work look at all that was marked.
"""

from typing import ClassVar

import anyio
import attrs

from actors.errors import CloudError
from actors.ids import PortId
from actors.neutron.config import NeutronConfig
from actors.neutron.reports import report
from actors.neutron.rpc import (
    AGENT_CONTEXT,
    DHCP_AGENT_TOPIC,
    DHCP_AGENT_TYPE,
    DhcpHost,
    DhcpReadyOnPorts,
    GetDhcpHosts,
    GetServedPorts,
    RefreshDhcp,
)
from bus.actor import Actor
from bus.errors import BusError
from bus.mailbox import Overflow


@attrs.define
class HostsFile:
    """Whom the DHCP server gives which addresses. It outlives the agent."""

    hosts: dict[PortId, DhcpHost] = attrs.field(factory=dict[PortId, DhcpHost])


class DhcpAgent(Actor):
    """Keeps the hosts file in step with the ports of its networks.

    What it has marked is memory; after a crash it looks at all that it serves.

    Args:
        host: where it runs. Its address is `actors.neutron.rpc.dhcp_agent` of it.
        file: its hosts file.
        config: the options.
    """

    topic: ClassVar[str] = DHCP_AGENT_TOPIC
    overflow: ClassVar[Overflow] = Overflow.DROP_OLDEST
    """What an agent that is down misses, it looks at when it is back."""

    def __init__(self, *, host: str, file: HostsFile, config: NeutronConfig) -> None:
        self.host = host
        self.file = file
        self.config = config
        self._ports: dict[PortId, None] = {}
        self._all = False
        self._working = False

    async def started(self) -> None:
        self.start_soon(report, self, DHCP_AGENT_TYPE, self.host, self.config, self._look_at_all)
        self._look_at_all()

    @RefreshDhcp.handler
    async def refresh_dhcp(self, msg: RefreshDhcp) -> None:
        self._ports.update(dict.fromkeys(msg.port_ids))
        self._work_soon()

    def _look_at_all(self) -> None:
        self._all = True
        self._work_soon()

    def _work_soon(self) -> None:
        if not self._working:
            self._working = True
            self.start_soon(self._work)

    async def _work(self) -> None:
        while self._ports or self._all:
            await anyio.sleep(self.config.dhcp_reload_time)
            ports, everything = self._ports, self._all
            self._ports, self._all = {}, False
            try:
                await self._round(ports, everything=everything)
            except (BusError, CloudError):
                self._ports, self._all = ports | self._ports, everything or self._all
                await anyio.sleep(self.config.polling_interval)
        self._working = False

    async def _round(self, ports: dict[PortId, None], *, everything: bool) -> None:
        if everything:
            served = await self.bus.ask(GetServedPorts(host=self.host), context=AGENT_CONTEXT)
            ports = dict.fromkeys(served) | dict.fromkeys(self.file.hosts) | ports
        if not ports:
            return
        hosts = await self.bus.ask(GetDhcpHosts(port_ids=tuple(ports)), context=AGENT_CONTEXT)
        for port_id, host in zip(ports, hosts, strict=True):
            if host is None:
                self.file.hosts.pop(port_id, None)
            else:
                self.file.hosts[port_id] = host
        ready = tuple(host.port_id for host in hosts if host is not None)
        if ready:
            await self.bus.ask(DhcpReadyOnPorts(port_ids=ready), context=AGENT_CONTEXT)
