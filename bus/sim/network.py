"""The network of a simulation: carries messages with latency, in order, through faults."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from typing import Any

from bus.cell import Cell
from bus.envelope import Envelope
from bus.message import Delivery
from bus.sim.clock import SimClock
from bus.sim.faults import Action, Faults, Packet
from bus.sim.handle import Entry, Lane, SimTask
from bus.sim.links import Links
from bus.sim.loop import SimLoop, microseconds
from bus.worker import current_worker

RESEND = 1.0
"""Seconds after which a message that must be delivered at least once is sent again, if it was lost."""


class SimNetwork:
    """Lies between the actors of a `bus.sim.World`.

    Each pair has a lane, which keeps its messages in order, and a second one for the answers that come back. A task outside
    of actors counts as a sender of its own.

    Args:
        loop: the world's.
        links: its latencies.
        faults: its rules.
        epoch: seconds since 1970 when it begins.
    """

    def __init__(self, loop: SimLoop, links: Links, faults: Faults, epoch: float) -> None:
        self.note: Callable[[str, str, str], None] = _ignore
        """Called with what a fault did, to whom, and why."""
        self._loop = loop
        self._links = links
        self._faults = faults
        self._epoch = epoch
        self._clocks: dict[str, SimClock] = {}
        self._lanes: dict[Cell, dict[Any, Lane]] = {}
        self._picks: dict[str, int] = {}
        self._context: Context = copy_context()
        # While all messages take the same time they keep their order by themselves, and nobody need look after it:
        self._even = False
        self._nominal = 0
        self._even_from = 0  # when all that was sent otherwise has arrived
        self._even_until = 0  # when all that was sent so has arrived
        self._backlogs = 0
        loop.owner_of = _owner_of
        links.on_change = faults.on_change = self._look_again
        self._look_again()

    def _look_again(self) -> None:
        """See whether all messages take the same time and meet no fault, as they mostly do in the calm run."""
        only = self._links.only
        self._even = only is not None and self._loop.scheduler.calm and not self._faults.live and not self._backlogs
        self._nominal = 0 if only is None else only.nominal

    @property
    def is_instant(self) -> bool:
        """Whether what is carried now takes no time and cannot be lost."""
        return self._even and not self._nominal and self._loop.now >= self._even_from

    def clock(self, name: str) -> SimClock:
        """The clock of the actor called *name*."""
        found = self._clocks.get(name)
        if found is None:
            found = self._clocks[name] = SimClock(self._loop, self._epoch)
        return found

    def choose(self, name: str, count: int) -> int:
        """Ask the scheduler which member takes the next message."""
        scheduler = self._loop.scheduler
        if scheduler.calm:
            return 0
        asked = self._picks[name] = self._picks.get(name, 0) + 1
        return scheduler.pick(name, asked, count)

    def route(self, envelope: Envelope, destination: Cell) -> Lane:
        """Put *envelope* on the lane from its sender, who is the one that runs now, to *destination*."""
        lanes = self._lanes_of(envelope.sender)
        lane = lanes.get(destination)
        if lane is None:
            lane = lanes[destination] = self._new_lane(envelope.sender, destination)
        envelope.lane = lane
        return lane

    def carry(self, envelope: Envelope, destination: Cell) -> None:
        """Send *envelope* on its lane."""
        lane = envelope.lane
        if lane is None or lane.owner is not destination:
            lane = self.route(envelope, destination)
        loop = self._loop
        if self._even and loop.now >= self._even_from:
            self._even_until = when = loop.now + self._nominal
            loop.post(when, lane, destination.deliver, (envelope,), self._context)
        else:
            self._send_with_care(lane, envelope, destination, destination.deliver, (envelope,))

    def carry_all(self, envelope: Envelope, destinations: Sequence[Cell]) -> None:
        """Send a copy to each destination. Where all take the same time, they arrive in one step."""
        loop = self._loop
        if self._even and loop.now >= self._even_from:
            self._even_until = when = loop.now + self._nominal
            loop.post(when, PUBLISH, self._arrive_all, (destinations, envelope), self._context)
        else:
            for cell in destinations:
                self.carry(envelope, cell)

    def carry_back(self, envelope: Envelope, source: Cell, arrive: Callable[..., None], *args: Any) -> None:
        """Send an answer or a heartbeat to where *envelope* came from. What takes no time is there at once."""
        loop = self._loop
        if not self._even or loop.now < self._even_from:
            self._send_with_care(envelope.lane.back, envelope, source, arrive, (envelope, *args))
        elif self._nominal == 0:
            arrive(envelope, *args)
        else:
            self._even_until = when = loop.now + self._nominal
            loop.post(when, envelope.lane.back, arrive, (envelope, *args), self._context)

    def _send_with_care(
        self, lane: Lane, envelope: Envelope, cell: Cell, arrive: Callable[..., None], args: tuple[Any, ...]
    ) -> None:
        """Send on *lane*, to or from *cell*, what arrives with ``arrive(*args)``, asking links, chance and faults."""
        loop = self._loop
        answer = lane.back is None
        sender = "" if envelope.sender is None else envelope.sender.name
        ends = (cell.name, sender) if answer else (sender, cell.name)
        if lane.backlog:
            lane.backlog.append((envelope, cell, arrive, args))
            return
        extra = self._fate(lane, envelope, cell, ends, arrive, args, answer=answer) if self._faults.live else 0
        if extra is None:
            return
        latency = self._links.latency(*ends, envelope.message.__class__)
        when = loop.now + latency.nominal + extra
        if not loop.scheduler.calm:
            lane.sent += 1
            draw = latency.draw or _exactly(latency.nominal)
            when += loop.scheduler.late(lane.label, lane.sent, latency.nominal, draw, loop.aims())
        when = lane.last = max(when, lane.last, self._even_until, loop.now)
        self._even_from = max(self._even_from, when - self._nominal)
        if when == loop.now and answer:
            arrive(*args)
        else:
            loop.post(when, lane, arrive, args, self._context)

    def _fate(
        self, lane: Lane, envelope: Envelope, cell: Cell, ends: tuple[str, str], arrive: Callable[..., None],
        args: tuple[Any, ...], *, answer: bool,
    ) -> int | None:  # fmt: skip
        """Ask the fault rules. Microseconds to add; None if the message was lost or waits to be sent again."""
        struck = self._faults.verdict(Packet(*ends, envelope.message, answer))
        if struck is None:
            return 0
        name, verdict = struck
        again = not answer and envelope.message.delivery is Delivery.AT_LEAST_ONCE
        if verdict.action is Action.DUPLICATE and (not again or envelope.redelivered):
            return 0  # twice is not more often, and what comes at most once never comes twice
        self.note(
            verdict.action.value, ends[1], f"{name}: {type(envelope.message).__name__} from {ends[0] or 'outside'}"
        )
        match verdict.action:
            case Action.DELAY:
                return microseconds(verdict.seconds)
            case Action.DUPLICATE:
                cell.mailbox.used += 1
                twin = envelope.copy(redelivered=True)
                self._loop.call_later(RESEND, self._send_with_care, lane, twin, cell, arrive, (twin,))
                return 0
            case Action.DROP:
                if again:
                    lane.backlog = deque([(envelope, cell, arrive, args)])
                    self._backlogs += 1
                    self._look_again()
                    self._loop.call_later(RESEND, self._resend, lane)
                elif not answer:
                    cell.lose()
                return None

    def _resend(self, lane: Lane) -> None:
        """Send what could not get through, in order, as far as it now gets."""
        waiting, lane.backlog = lane.backlog, None
        while waiting:
            self._send_with_care(lane, *waiting.popleft())
        self._backlogs -= 1
        self._look_again()

    def _arrive_all(self, cells: Sequence[Cell], envelope: Envelope) -> None:
        paused = self._loop.pauses
        for cell in cells:
            if paused and cell in paused:
                self._loop.post(self._loop.now, Lane("publish", cell), cell.deliver, (envelope,), self._context)
            else:
                cell.deliver(envelope)

    def forget(self, cell: Cell) -> None:
        """Drop the lanes of an actor that has ended."""
        self._lanes.pop(cell, None)
        for lanes in self._lanes.values():
            lanes.pop(cell, None)

    def _lanes_of(self, sender: Cell | None) -> dict[Any, Lane]:
        if sender is not None:
            found = self._lanes.get(sender)
            if found is None:
                found = self._lanes[sender] = {}
            return found
        task = asyncio.current_task(self._loop)
        return task.lanes if type(task) is SimTask else self._lanes.setdefault(OUTSIDE, {})

    def _new_lane(self, sender: Cell | None, receiver: Cell) -> Lane:
        task = asyncio.current_task(self._loop)
        name = sender.name if sender is not None else task.label if isinstance(task, SimTask) else "outside"
        lane = Lane(self._loop.label(f"{name}~{receiver.name}"), receiver)
        lane.back = Lane(self._loop.label(f"{receiver.name}~{name}~answer"), sender)
        return lane


OUTSIDE: Any = object()
PUBLISH = Lane("publish")


def _owner_of(handle: Entry) -> object:
    lane = handle[3]
    if isinstance(lane, Lane):
        return lane.owner
    worker = handle[2].get(current_worker)
    return None if worker is None else worker.cell


def _exactly(nominal: int) -> Callable[[Any], int]:
    return lambda _: nominal


def _ignore(*_: str) -> None:
    pass
