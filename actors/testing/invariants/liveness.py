"""S22, L1 to L3, L5, L7 and L10: that what begins ends, that nothing is left over, and that who lives is known to live."""

from typing import Any, ClassVar

from actors.calls import ApiRequest
from actors.cinder.messages import DeleteVolume
from actors.glance.models import Image
from actors.glance.states import ImageStatus
from actors.ids import ServerId, VolumeId
from actors.keystone.messages import TOPIC as KEYSTONE
from actors.keystone.messages import FlushTokens, RotateKeys
from actors.neutron.rpc import DHCP_AGENT_TOPIC, DHCP_AGENT_TYPE, L2_AGENT_TOPIC, L2_AGENT_TYPE
from actors.nova.messages.servers import DeleteServer
from actors.nova.models import BlockDevice, Fault
from actors.nova.rpc import BuildInstances
from actors.nova.states import VmState
from actors.testing.invariants.base import Invariant
from actors.testing.invariants.hearing import Answer, Decision
from actors.testing.rest import leaks, transit
from actors.testing.restraint import LONGEST

Disks = tuple[BlockDevice, ...]

REASONS = (
    "are too many",  # a host has no room
    "Anti-affinity server group policy was violated",
    "Exceeded maximum number of retries",  # each with its reason
    "No valid host was found",
    "Quota exceeded",
    "no answer from",  # a message was late
    "no heartbeat from",
    "cannot be reached",  # a service is not there
    "Failed to allocate the network(s), not rescheduling",  # the event of a network was late: see S23
)
"""Parts of what is said of builds that fail though nothing is wrong with the cloud."""
LATENCY = 1.0
"""Seconds that a report may be under way."""


class LivenessAccuracy(Invariant):
    """S22."""

    name: ClassVar[str] = "S22"
    title: ClassVar[str] = "liveness accuracy"
    statement: ClassVar[str] = (
        "The time of a service's last report is the time of a report: it moves on only with one, which a service that lives has sent."
    )
    matters: ClassVar[str] = (
        "Boots are sent to a host that is dead, or what runs there is moved away from a host that is not."
    )

    def observe(self) -> None:
        self.watch.hear_table(self.stores.nova, "services", self._changed)
        self.watch.hear_table(self.stores.cinder, "services", self._changed)

    def _changed(self, key: tuple[str, str], old: Any, new: Any) -> None:
        if new is None:
            return
        seen = "last_seen_up" if hasattr(new, "last_seen_up") else "updated_at"
        time, name = getattr(new, seen), f"{key[0]} on {key[1]}"
        if old is None or getattr(old, seen) == time:
            return
        self.demand(new.report_count == old.report_count + 1, f"{name} is seen at {time:.3f} without a report")
        late = abs(self.watch.now - time) - self.watch.skew
        self.demand(late <= LATENCY, f"{name} is seen {late:.3f} s away from when it reported")


class Termination(Invariant):
    """L1."""

    name: ClassVar[str] = "L1"
    title: ClassVar[str] = "termination"
    statement: ClassVar[str] = (
        "At rest no server, volume, snapshot, image, port or migration is on its way, and no server's image waits for its bytes: what was "
        "accepted has come to a good or a bad end. A build fails only for want of room or of quota, because of the server's group, because "
        "a message is late, or because its user's token has ended. After an accident (see `Watch.accidents`) an operator may have to help."
    )
    matters: ClassVar[str] = (
        "A server is in BUILD, or an image saving, for ever; or a boot fails now and then, and nobody can say why."
    )

    def observe(self) -> None:
        self._accepted = False
        self._ended = False  # whether a token was refused that had ended
        self.watch.hear_answers(self._answered, ApiRequest)
        self.watch.hear_decisions(self._decided)
        self.watch.hear_answers(self._given_up, BuildInstances)
        self.watch.hear_table(self.stores.nova, "faults", self._failed)

    def _answered(self, answer: Answer) -> None:
        self._accepted = self._accepted or answer.error is None

    def _decided(self, decision: Decision) -> None:
        if not decision.accepted and not self._ended:
            one = self.watch.truth.judge(decision.credentials).user
            self._ended = one is not None and (self.watch.now > one.token.expires_at or self.watch.truth.ended(one))

    def _given_up(self, answer: Answer) -> None:
        self._look_at(answer.message.server, answer.message.retry.exc_reason)

    def _failed(self, server: ServerId, _: Fault | None, fault: Fault | None) -> None:
        row = self.stores.nova.instances.get(server)
        if fault is not None and row is not None and row.vm_state in (VmState.BUILDING, VmState.ERROR):
            self._look_at(server, fault.message)

    def _look_at(self, server: ServerId, reason: str) -> None:
        if not self.watch.excused:
            known = any(one in reason for one in REASONS) or (self._ended and "requires authentication" in reason)
            self.demand(known, f"server {server} could not be built: {reason}")

    def at_rest(self) -> None:
        if self._accepted and not self.watch.excused:
            images = self.stores.glance.images.values()
            stuck = [
                *transit(self.cloud),
                *(f"image {one.name or one.id} of a server is queued" for one in images if _is_awaited(one)),
            ]
            self.demand(not stuck, f"stuck: {_first(stuck)}")


class NoLeak(Invariant):
    """L2."""

    name: ClassVar[str] = "L2"
    title: ClassVar[str] = "no leak"
    statement: ClassVar[str] = (
        "At rest nothing refers to a deleted server: no port, attachment, allocation, record, guest or plugged interface; volumes that "
        "go with it are gone unless Cinder refuses; nor is there a disk or a connection of a deleted volume. After a crash or the loss "
        "of a message an operator may have to help."
    )
    matters: ClassVar[str] = (
        "Quota, addresses and room are used up by what nobody has; volumes can never be attached again."
    )

    def observe(self) -> None:
        self._some = False
        self._go_along: dict[VolumeId, ServerId] = {}  # volumes that are to be deleted with a server
        self.watch.hear_answers(self._deleted, DeleteServer)
        self.watch.hear_answers(self._volume_deleted, DeleteVolume)
        self.watch.hear_table(self.stores.nova, "block_devices", self._disks_changed)

    def _disks_changed(self, server: ServerId, old: Disks | None, new: Disks | None) -> None:
        if new is None:
            return  # with the server
        for disk in old or ():
            if disk.volume_id is not None:
                self._go_along.pop(disk.volume_id, None)
        for disk in new:
            if disk.volume_id is not None and disk.delete_on_termination:
                self._go_along[disk.volume_id] = server

    def _volume_deleted(self, answer: Answer) -> None:
        if answer.error is not None:
            self._go_along.pop(answer.message.volume_id, None)

    def _deleted(self, answer: Answer) -> None:
        self._some = self._some or answer.error is None

    def at_rest(self) -> None:
        if not self.watch.excused:
            nova, volumes = self.stores.nova, self.stores.cinder.volumes
            left = [one for one in leaks(self.cloud) if "allocation" not in one]
            left += [
                f"volume {volume}, which was to go with server {server}"
                for volume, server in self._go_along.items()
                if server not in nova.instances
                and server not in nova.build_requests
                and volumes.get(volume) is not None
            ]
            if left or self._some:
                self.demand(not left, f"left over: {_first(left)}")


class LiveConsumers(Invariant):
    """L3."""

    name: ClassVar[str] = "L3"
    title: ClassVar[str] = "live consumers"
    statement: ClassVar[str] = (
        "At rest each allocation belongs to a server that is there, or to a migration that is under way."
    )
    matters: ClassVar[str] = "Hosts seem full that are empty."

    def at_rest(self) -> None:
        if self.watch.excused:
            return
        if self.stores.placement.consumers:
            self.exercised = True
        for leak in leaks(self.cloud):
            if "allocation" in leak:
                self.demand(False, leak)


class KeysConverge(Invariant):
    """L5."""

    name: ClassVar[str] = "L5"
    title: ClassVar[str] = "keys converge"
    statement: ClassVar[str] = "At rest every Keystone has the same keys."
    matters: ClassVar[str] = "Some nodes refuse what others have issued, until the keys are distributed."

    def observe(self) -> None:
        self._rotated = False
        self.watch.hear_answers(self._heard, RotateKeys)

    def _heard(self, answer: Answer) -> None:
        self._rotated = self._rotated or answer.error is None

    def at_rest(self) -> None:
        nodes = self.watch.actors(KEYSTONE)
        if not self._rotated or len(nodes) < 2:
            return
        rings = {name: {key: one.keys.read(key) for key in one.keys.names()} for name, one in nodes.items()}
        first = next(iter(rings))
        for name, ring in rings.items():
            self.demand(
                ring == rings[first],
                f"{name} has the keys {sorted(ring)}, which are not those of {first}: {sorted(rings[first])}",
            )


class Heartbeats(Invariant):
    """L7."""

    name: ClassVar[str] = "L7"
    title: ClassVar[str] = "heartbeats"
    statement: ClassVar[str] = (
        "At rest every service and agent has reported within its interval, and as late as timers and messages may be."
    )
    matters: ClassVar[str] = "A host that is well gets no more work."

    def at_rest(self) -> None:
        config, allowed = self.cloud.config, 2 * LONGEST / 1e6 + self.watch.skew + LATENCY
        nova, neutron = self.stores.nova, self.stores.neutron
        topics = {L2_AGENT_TYPE: L2_AGENT_TOPIC, DHCP_AGENT_TYPE: DHCP_AGENT_TOPIC}
        rows = [
            *((f"nova-compute.{host}", row.last_seen_up, config.nova.report_interval)
              for (binary, host), row in nova.services.items() if binary == "nova-compute"),
            *((f"{topics[kind]}.{host}", agent.heartbeat_timestamp, config.neutron.report_interval)
              for (kind, host), agent in neutron.agents.items()),
        ]  # fmt: skip
        for name, seen, interval in rows:
            late = self.watch.now - seen - interval - allowed
            self.demand(late <= 0, f"{name} reported {late:.3f} s too late")


class Janitors(Invariant):
    """L10."""

    name: ClassVar[str] = "L10"
    title: ClassVar[str] = "progress of janitors"
    statement: ClassVar[str] = "When Keystone has flushed expired tokens, none is left."
    matters: ClassVar[str] = "The table of tokens grows until everything is slow."

    def observe(self) -> None:
        self.watch.hear_answers(self._flushed, FlushTokens)

    def _flushed(self, answer: Answer) -> None:
        keystone = self.watch.actors(KEYSTONE).get(answer.by)
        tokens = None if keystone is None else keystone.tokens
        if answer.error is None and tokens is not None:
            left = len(tokens._select("expires < ?", self.watch.now - self.watch.skew - LATENCY))
            self.demand(left == 0, f"{answer.by} has flushed, and {left} expired tokens are left")


def _is_awaited(image: Image) -> bool:
    return image.status is ImageStatus.QUEUED and image.properties.get("image_type") == "snapshot"


def _first(found: list[str], most: int = 5) -> str:
    more = f", and {len(found) - most} more" if len(found) > most else ""
    return "; ".join(found[:most]) + more


LIVENESS = (
    LivenessAccuracy, Termination, NoLeak, LiveConsumers, KeysConverge, Heartbeats, Janitors,
)  # fmt: skip
