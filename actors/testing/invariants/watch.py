"""Watching a cloud: every invariant at once, from before it starts to when it is at rest."""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from actors.calls import ApiRequest
from actors.cloud import Cloud
from actors.context import Credentials
from actors.errors import Unauthorized
from actors.hypervisor.store import HostStore
from actors.keystone.messages import TOPIC as KEYSTONE
from actors.keystone.messages import ChangePassword
from actors.testing.invariants.base import Invariant, InvariantBroken, Verdict, Violation
from actors.testing.invariants.hearing import (
    Answer,
    Change,
    Decision,
    HearingGate,
    listen_to_method,
    listen_to_table,
)
from actors.testing.invariants.truth import Truth
from bus.sim import World
from bus.topic import Target

Ear = Callable[[Answer], None]


class Watch:
    """The invariants of one run.

    Make it before `Cloud.start`::

        cloud = Cloud()
        watch = Watch(cloud, world)
        await cloud.start(world.bus, world.random)
        ...
        await rest(cloud, world)
        watch.check()

    It adds no message and no step: a schedule means the same with it and without.

    Args:
        cloud: which has not started.
        world: whose bus it will be on.
        invariants: which ones; None for all.
        resolution: seconds to which Keystone's times are cut: within so much a revocation may void newer tokens, or be late.
        strict: whether what accidents leave behind is held against the cloud, too; see `accidents`.
    """

    def __init__(
        self, cloud: Cloud, world: World, invariants: Iterable[type[Invariant]] | None = None, *, resolution: float = 1.0,
        strict: bool = False,
    ) -> None:  # fmt: skip
        from actors.testing.invariants import ALL  # noqa: PLC0415 (they are made of what is here)

        self.cloud = cloud
        self.world = world
        self.resolution = resolution
        self.strict = strict
        self.violations: list[Violation] = []
        """What broke, in the order in which it was seen; of each invariant the first few."""
        self._errors: list[Exception] = []
        self._ears: dict[type, list[Ear]] = {}
        self._found: dict[type, tuple[Ear, ...]] = {}
        self._decision_ears: list[Callable[[Decision], None]] = []
        self._note_ears: list[Callable[[str, str, str], None]] = []
        self.accidents: list[str] = []
        """What OpenStack does not always recover from by design, so that things may be stuck or left over: crashes, lost messages, and
        users whose authority was taken away in the middle of what a service did on their behalf (whose clean-up then fails, too)."""
        self.delayed = False
        """Whether a fault has made a message late, so that whoever asked may have given up."""
        self._bus = world.bus
        self._hear()
        self.invariants = [kind(self) for kind in (ALL if invariants is None else invariants)]
        for invariant in self.invariants:
            invariant.observe()

    @cached_property
    def truth(self) -> Truth:
        """Who may do what, whatever Keystone and its caches think."""
        return Truth(self)

    # -- what came of it -------------------------------------------------------------------------------------------------

    def report(self, invariant: Invariant, text: str) -> None:
        """Note that an invariant broke."""
        if sum(one.invariant == invariant.name for one in self.violations) < MOST:
            self.violations.append(Violation(invariant.name, self.world.now, text))

    @property
    def exercised(self) -> tuple[str, ...]:
        """Names of the invariants that were put to the test."""
        return tuple(one.name for one in self.invariants if one.exercised)

    def verdicts(self) -> dict[str, Verdict]:
        """What the run showed of each invariant, by name."""
        broken = {one.invariant for one in self.violations}
        return {
            one.name: Verdict.BROKEN
            if one.name in broken
            else Verdict.HELD
            if one.exercised
            else Verdict.NEVER_EXERCISED
            for one in self.invariants
        }

    @property
    def excused(self) -> bool:
        """Whether something may be stuck or left over because of an accident."""
        return bool(self.accidents) and not self.strict

    def at_rest(self) -> None:
        """Look at a cloud in which nothing is in transit: see `actors.testing.rest`."""
        for invariant in self.invariants:
            self._safely(invariant.at_rest)

    def check(self) -> None:
        """Raise if an invariant broke.

        Raises:
            InvariantBroken: with all that broke.
        """
        if self._errors:
            raise self._errors[0]
        if self.violations:
            known = {one.name: one for one in self.invariants}
            lines = [f"{one}\n    {known[one.invariant].statement}" for one in self.violations]
            raise InvariantBroken("\n".join(lines))

    # -- for invariants: being told --------------------------------------------------------------------------------------

    def hear_answers(self, ear: Ear, *kinds: type) -> None:
        """Have *ear* told whenever a handler of one of *kinds* of message, or of a child of it, has ended."""
        for kind in kinds:
            self._ears.setdefault(kind, []).append(ear)
        self._found.clear()

    def hear_decisions(self, ear: Callable[[Decision], None]) -> None:
        """Have *ear* told whenever a service has let a call in, or refused it with 401."""
        self._decision_ears.append(ear)

    def hear_notes(self, ear: Callable[[str, str, str], None]) -> None:
        """Have *ear* told of what happens to actors, and of what faults do: the kinds of a `bus.trace.Record`, to whom, and why."""
        self._note_ears.append(self._guarded(ear))

    def hear_table(self, owner: Any, name: str, change: Change) -> None:
        """Have *change* told of each change of a table; see `hearing.listen_to_table`."""
        listen_to_table(owner, name, self._guarded(change))

    def hear_method(self, owner: Any, name: str, told: Callable[..., None]) -> None:
        """Have *told* told of each call of a method; see `hearing.listen_to_method`."""
        listen_to_method(owner, name, self._guarded(told))

    def hear_guests(self, change: Callable[[str, Any, Any, Any], None]) -> None:
        """Have *change* told of a host, and of each change of the definitions of its guests."""

        def new_host(host: str, _: HostStore | None, store: HostStore) -> None:
            self.hear_table(store, "guests", lambda key, old, new: change(host, key, old, new))

        self.hear_table(self.cloud.stores, "hosts", new_host)

    # -- for invariants: looking -----------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """The true time, seconds since 1970."""
        return self._bus.clock.time()

    @property
    def skew(self) -> float:
        """Seconds by which the most wrong clock of the world is wrong."""
        clocks = self.world._network._clocks.values()  # pyright: ignore[reportPrivateUsage]
        return max((abs(one.skew) + abs(one.drift) * self.world.now for one in clocks), default=0.0)

    def actor(self, topic: str, server: str) -> Any:
        """The actor at an address, as it is in memory; None if it is down."""
        return self._bus.cell(Target(topic, server)).actor

    def actors(self, topic: str) -> dict[str, Any]:
        """All members of a topic that are up, by address."""
        found = {str(target): self._bus.cell(target).actor for target in self._bus.targets(topic)}
        return {name: actor for name, actor in found.items() if actor is not None}

    # -- how it hears ----------------------------------------------------------------------------------------------------

    def _hear(self) -> None:
        """Put its ears where they hear the cloud's guards, and the end of every handler on the bus."""
        make_gate = self.cloud._gate  # pyright: ignore[reportPrivateUsage]
        tell = self._guarded(self._decided)

        def hearing_gate(service: str) -> HearingGate:
            return HearingGate(make_gate(service), lambda: self.now, tell)

        setattr(self.cloud, "_gate", hearing_gate)  # noqa: B010 (the seam that `Cloud` has)
        handled = self._bus.handled

        def hearing(envelope: Any, by: Any, result: Any = None, error: Exception | None = None) -> None:
            kind = envelope.message.__class__
            ears = self._found.get(kind)
            if ears is None:
                ears = self._ears_for(kind)
            if ears:
                sender = envelope.sender
                answer = Answer(
                    envelope.message, envelope.context, by.name, "" if sender is None else sender.name, result, error,
                    envelope.id, envelope.correlation,
                )  # fmt: skip
                for ear in ears:
                    ear(answer)
            handled(envelope, by, result, error)

        setattr(self._bus, "handled", hearing)  # noqa: B010
        note = self._bus.note

        def noting(kind: str, name: str, detail: str = "") -> None:
            for ear in self._note_ears:
                ear(kind, name, detail)
            note(kind, name, detail)

        setattr(self._bus, "note", noting)  # noqa: B010
        self.world._network.note = noting  # pyright: ignore[reportPrivateUsage]
        self.hear_answers(self._heard_keystone, ApiRequest)
        self.hear_notes(self._heard_note)

    def _ears_for(self, kind: type) -> tuple[Ear, ...]:
        ears = [ear for base in kind.__mro__ for ear in self._ears.get(base, ())]
        if getattr(kind, "topic", "") != KEYSTONE:
            ears = [ear for ear in ears if ear != self._heard_keystone]
        self._found[kind] = found = tuple(self._guarded(ear) for ear in dict.fromkeys(ears))
        return found

    def _heard_note(self, kind: str, name: str, detail: str) -> None:
        if kind in ACCIDENTS:
            self.accidents.append(f"{kind} {name}: {detail}")
        self.delayed = self.delayed or kind == "delay"

    def _heard_keystone(self, answer: Answer) -> None:
        """Keystone is its own guard, and decides at once; what else it refuses may be for another reason."""
        if answer.message.needs_token and isinstance(answer.context, Credentials):
            refused = isinstance(answer.error, Unauthorized) and not isinstance(answer.message, ChangePassword)
            if refused or answer.error is None:
                self._decided(Decision(answer.by, answer.context, not refused, None, self.now, self.now))

    def _decided(self, decision: Decision) -> None:
        if not decision.accepted and decision.credentials.service_token is not None:
            one = self.truth.judge(decision.credentials).user
            if one is not None and self.truth.ended(one):
                self.accidents.append(
                    f"{decision.service} refused {one.name}, with which a service asked on its user's behalf"
                )
        for ear in self._decision_ears:
            ear(decision)

    def _guarded(self, function: Callable[..., None]) -> Callable[..., None]:
        """*function*, whose mistakes do not become the cloud's."""

        def guarded(*args: Any, **kwargs: Any) -> None:
            try:
                function(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 (it is raised by `check`)
                self._errors.append(error)

        return guarded

    def _safely(self, look: Callable[[], None]) -> None:
        self._guarded(look)()


ACCIDENTS = ("crashed", "drop")
"""Notes of what OpenStack's RPC, which is at most once, does not always recover from."""
MOST = 3
"""Violations of one invariant that are kept."""
