"""The L2 agent of a host: wires the ports that are plugged there, as neutron's openvswitch agent.

How it works: whatever happens, such as a plugged interface, a changed port or a changed security group, only marks what must
be looked at. Rounds of work, one after the other, ask the server about all that was marked, wire it, and report. What is
marked while a round is under way is looked at in the next one, so that no change falls between asking and wiring. A round
that fails is repeated.

It stands for the host's integration bridge too: interfaces are plugged and unplugged by asking it.
"""

from typing import ClassVar, TypeVar

import anyio
import attrs

from actors.calls import Rpc
from actors.errors import CloudError
from actors.ids import PortId, SecurityGroupId
from actors.neutron.config import NeutronConfig
from actors.neutron.reports import report
from actors.neutron.rpc import (
    AGENT_CONTEXT,
    L2_AGENT_TOPIC,
    L2_AGENT_TYPE,
    DeviceDetails,
    GetDevicesDetails,
    GetFilters,
    PlugInterface,
    RefreshPort,
    RefreshSecurityGroups,
    UnplugInterface,
    UpdateDeviceList,
)
from bus.actor import Actor
from bus.errors import BusError
from bus.mailbox import Overflow

R = TypeVar("R")


@attrs.define
class Bridge:
    """A host's integration bridge: what is plugged, and how it is wired. It outlives the agent.

    Attributes:
        plugged: ports whose interfaces are there.
        wired: those that work, and as what they were wired.
    """

    plugged: dict[PortId, None] = attrs.field(factory=dict[PortId, None])
    wired: dict[PortId, DeviceDetails] = attrs.field(factory=dict[PortId, DeviceDetails])


class L2Agent(Actor):
    """Wires ports.

    What it has marked is memory; after a crash it looks at all that is plugged.

    Args:
        host: where it runs. Its address is `actors.neutron.rpc.l2_agent` of it.
        bridge: the host's.
        config: the options.
    """

    topic: ClassVar[str] = L2_AGENT_TOPIC
    overflow: ClassVar[Overflow] = Overflow.DROP_OLDEST
    """What an agent that is down misses, it looks at when it is back."""

    def __init__(self, *, host: str, bridge: Bridge, config: NeutronConfig) -> None:
        self.host = host
        self.bridge = bridge
        self.config = config
        self._ports: dict[PortId, None] = {}
        self._gone: dict[PortId, None] = {}
        self._groups: dict[SecurityGroupId, None] = {}
        self._working = False

    async def started(self) -> None:
        self.start_soon(report, self, L2_AGENT_TYPE, self.host, self.config, self._look_at_all)
        self._look_at_all()

    # -- what happens --------------------------------------------------------------------------------------------------

    @PlugInterface.handler
    async def plug_interface(self, msg: PlugInterface) -> None:
        if msg.port_id not in self.bridge.plugged:
            self.bridge.plugged[msg.port_id] = None
            self._gone.pop(msg.port_id, None)
            self._mark(msg.port_id)

    @UnplugInterface.handler
    async def unplug_interface(self, msg: UnplugInterface) -> None:
        if msg.port_id in self.bridge.plugged:
            del self.bridge.plugged[msg.port_id]
            self.bridge.wired.pop(msg.port_id, None)
            self._gone[msg.port_id] = None
            self._work_soon()

    @RefreshPort.handler
    async def refresh_port(self, msg: RefreshPort) -> None:
        if msg.port_id in self.bridge.plugged:
            self._mark(msg.port_id)

    @RefreshSecurityGroups.handler
    async def refresh_security_groups(self, msg: RefreshSecurityGroups) -> None:
        self._groups.update(dict.fromkeys(msg.security_group_ids))
        self._work_soon()

    def _look_at_all(self) -> None:
        self._mark(*self.bridge.plugged)

    def _mark(self, *port_ids: PortId) -> None:
        if port_ids:
            self._ports.update(dict.fromkeys(port_ids))
            self._work_soon()

    # -- what is done about it -----------------------------------------------------------------------------------------

    def _work_soon(self) -> None:
        if not self._working:
            self._working = True
            self.start_soon(self._work)

    async def _work(self) -> None:
        while self._ports or self._gone or self._groups:
            await anyio.sleep(self.config.wiring_time)
            ports, gone, groups = self._ports, self._gone, self._groups
            self._ports, self._gone, self._groups = {}, {}, {}
            try:
                await self._round(ports, gone, groups)
            except (BusError, CloudError):
                self._ports = ports | self._ports
                self._gone = {port_id: None for port_id in gone | self._gone if port_id not in self.bridge.plugged}
                self._groups = groups | self._groups
                await anyio.sleep(self.config.polling_interval)
        self._working = False

    async def _round(
        self, ports: dict[PortId, None], gone: dict[PortId, None], groups: dict[SecurityGroupId, None]
    ) -> None:  # fmt: skip
        up: list[PortId] = []
        down = list(gone)
        if ports:
            request = GetDevicesDetails(host=self.host, port_ids=tuple(ports))
            found = await self._ask(request)
            for port_id, details in zip(ports, found, strict=True):
                if port_id not in self.bridge.plugged:
                    continue
                self.bridge.wired.pop(port_id, None)
                if details is not None and details.admin_state_up:
                    self.bridge.wired[port_id] = details
                    up.append(port_id)
                elif details is not None:
                    down.append(port_id)
        await self._filter_anew(groups, except_for=ports)
        if up or down:
            await self._ask(UpdateDeviceList(host=self.host, devices_up=tuple(up), devices_down=tuple(down)))

    async def _filter_anew(self, groups: dict[SecurityGroupId, None], except_for: dict[PortId, None]) -> None:
        stale = [
            port_id
            for port_id, details in self.bridge.wired.items()
            if port_id not in except_for and any(one.security_group_id in groups for one in details.filters)
        ]
        if stale:
            request = GetFilters(host=self.host, port_ids=tuple(stale))
            found = await self._ask(request)
            for port_id, filters in zip(stale, found, strict=True):
                if (details := self.bridge.wired.get(port_id)) is not None:
                    self.bridge.wired[port_id] = attrs.evolve(details, filters=filters)

    async def _ask(self, request: Rpc[R]) -> R:
        return await self.bus.ask(request, context=AGENT_CONTEXT)
