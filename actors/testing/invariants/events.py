"""S23: who waits for what happens elsewhere hears of it."""

import math
from typing import ClassVar

import attrs

from actors.hypervisor.messages import SpawnGuest
from actors.ids import PortId, ServerId
from actors.neutron.messages import TOPIC as NEUTRON
from actors.neutron.models import Port
from actors.neutron.states import PortStatus
from actors.nova.external_events import CreateExternalEvents
from actors.nova.models import Fault
from actors.nova.rpc import BuildAndRunInstance, ExternalInstanceEvent
from actors.testing.invariants.base import Invariant
from actors.testing.invariants.hearing import Answer
from actors.testing.restraint import LONGEST

PLUGGED = "network-vif-plugged"
IN_VAIN = "Failed to allocate the network(s), not rescheduling."
"""What Nova says of a server whose network was not plugged in time, among others."""
UNDER_WAY = LONGEST / 1e6 + 1
"""Seconds that news may be under way from nova-api to the host."""


@attrs.define
class Wiring:
    """A port of a server that is being built, on its host.

    Attributes:
        since: when Neutron first called it ACTIVE.
        told: when the host first heard of that.
    """

    since: float = math.inf
    told: float = math.inf


class Events(Invariant):
    """S23.

    A boot that has waited in vain deletes its ports before it says so: what became of them while it waited is kept here.
    """

    name: ClassVar[str] = "S23"
    title: ClassVar[str] = "events are not lost"
    statement: ClassVar[str] = (
        "No server fails for want of its network though its host was told in time that all its ports are wired, or should have been, "
        "as Neutron had long known it, and had told Nova all that it had to tell."
    )
    matters: ClassVar[str] = "A boot waits five minutes for what has happened already, and then fails."

    def observe(self) -> None:
        self._ports: dict[str, dict[PortId, Wiring]] = {}  # by server
        self._ends: dict[ServerId, float] = {}  # until when a server waits at least
        self._heard = -math.inf  # when nova-api has last heard of events
        self.watch.hear_answers(self._began, BuildAndRunInstance)
        self.watch.hear_answers(self._spawned, SpawnGuest)
        self.watch.hear_answers(self._nova_told, CreateExternalEvents)
        self.watch.hear_answers(self._told, ExternalInstanceEvent)
        self.watch.hear_table(self.stores.neutron, "ports", self._port_changed)
        self.watch.hear_table(self.stores.nova, "faults", self._failed)

    def _began(self, answer: Answer) -> None:
        self._ports.pop(answer.message.server, None)
        self._ends.pop(answer.message.server, None)

    def _port_changed(self, key: PortId, old: Port | None, new: Port | None) -> None:
        if new is None or not new.device_id:
            return
        ports = self._ports.setdefault(new.device_id, {})
        if key not in ports or old is None or old.binding.host != new.binding.host:
            ports[key] = Wiring()
        if new.status is PortStatus.ACTIVE:
            ports[key].since = min(ports[key].since, self.watch.now)

    def _spawned(self, answer: Answer) -> None:
        if answer.error is None:
            self.exercised = True
            self._ends[answer.message.definition.server] = self.watch.now + self.cloud.config.nova.vif_plugging_timeout

    def _nova_told(self, answer: Answer) -> None:
        self._heard = self.watch.now

    def _told(self, answer: Answer) -> None:
        for event in answer.message.events:
            wiring = self._ports.get(event.server_uuid, {}).get(event.tag)
            if wiring is not None and event.name == PLUGGED and event.status == "completed":
                wiring.told = min(wiring.told, self.watch.now)

    def _failed(self, uuid: ServerId, _: Fault | None, fault: Fault | None) -> None:
        end, ports = self._ends.get(uuid), self._ports.get(uuid, {}).values()
        if fault is None or IN_VAIN not in fault.message or end is None or self.watch.excused:
            return
        telling = any(neutron.nova.is_telling for neutron in self.watch.actors(NEUTRON).values())
        known = -math.inf if self.watch.delayed or telling else end - UNDER_WAY
        wired = bool(ports) and all(one.told <= end or max(one.since, self._heard) <= known for one in ports)
        self.demand(not wired, f"server {uuid} failed with {fault.message!r}, and its ports were ACTIVE in time")


EVENTS = (Events,)
