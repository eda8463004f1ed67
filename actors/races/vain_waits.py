"""S23 of a boot: whether it waited in vain for what had happened, also when nothing of it is left by the time its user is told."""

from typing import ClassVar, Final

from actors.ids import PortId, ServerId
from actors.neutron.models import Port
from actors.neutron.states import PortStatus
from actors.nova.models import Fault
from actors.testing.invariants import Invariant

WAITED: Final = "Failed to allocate the network(s), not rescheduling."
"""What Nova says of a server whose network was not plugged in time, among others."""
UNDER_WAY: Final = 40.0
"""Seconds that the news of a wired port may be under way, or a timer late."""


class VainWaits(Invariant):
    """Nova deletes the ports of a boot that fails before it says that it has failed: so what they were is kept here."""

    name: ClassVar[str] = "S23"
    title: ClassVar[str] = "events are not lost"
    statement: ClassVar[str] = "No server fails for want of its network long after its ports were wired on its host."
    matters: ClassVar[str] = "A boot waits five minutes for what has happened already, and then fails."

    def observe(self) -> None:
        """Hear of ports, and of servers that fail."""
        self._wired: dict[str, dict[PortId, float | None]] = {}  # by server: since when each port is ACTIVE on its host
        self.watch.hear_table(self.stores.neutron, "ports", self._port_changed)
        self.watch.hear_table(self.stores.nova, "faults", self._failed)

    def _port_changed(self, id: PortId, old: Port | None, new: Port | None) -> None:
        if new is None or not new.device_id:
            return
        ports = self._wired.setdefault(new.device_id, {})
        if old is None or old.binding.host != new.binding.host:
            ports[id] = None
        if new.status is PortStatus.ACTIVE and ports.get(id) is None:
            self.exercised = True
            ports[id] = self.watch.now

    def _failed(self, uuid: ServerId, _: Fault | None, fault: Fault | None) -> None:
        if fault is None or WAITED not in fault.message or self.watch.excused:
            return
        ports = self._wired.get(uuid, {}).values()
        wired = bool(ports) and all(since is not None and self.watch.now - since > UNDER_WAY for since in ports)
        self.demand(not wired, f"server {uuid} failed with {fault.message!r}, long after its ports were ACTIVE")
