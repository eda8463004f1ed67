"""How messages travel and answers come back: the part of the bus that is on the path of every message. Private to it."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from functools import partial
from typing import Any

from bus.cell import Cell, State
from bus.clock import Clock, RealClock
from bus.deadlines import Deadlines
from bus.envelope import Envelope
from bus.errors import ActorStopped, AskTimeout, MailboxFull, NotRunning
from bus.mailbox import Overflow
from bus.message import Event
from bus.middleware import Middleware, Passage, overriding
from bus.network import Network
from bus.notices import CyclicWait, DeadLetter, Terminated
from bus.registry import Registry
from bus.topic import Target
from bus.trace import Record, Sink
from bus.waits import cycle_through
from bus.worker import Worker


class Exchange:
    """Carries envelopes between cells.

    Args:
        trace: where a record of each step goes; None for nowhere.
        middleware: hooks around sending, delivery and handling; the first is the outermost.
        network: what lies between the actors; None in real time.
    """

    loop: asyncio.AbstractEventLoop
    """The event loop, once it is open."""
    _context: Context
    _deadlines: Deadlines

    def __init__(self, trace: Sink | None, middleware: tuple[Middleware, ...], network: Network | None) -> None:
        self.clock: Clock = RealClock() if network is None else network.clock("")
        self.network = network
        self._trace = trace
        self._around_send = overriding(middleware, "send")
        self._around_deliver = overriding(middleware, "deliver")
        self.around_handle = overriding(middleware, "handle")
        self.watched = trace is not None or bool(self._around_deliver)
        self._watches_send = trace is not None or bool(self._around_send)
        self._registry = Registry(None if network is None else network.choose)
        self._sent = 0
        self._dead = 0
        self._open = False

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to carry, on *loop*."""
        self.loop = loop
        self._context = copy_context()
        self._deadlines = Deadlines(loop, self._expire)
        self._open = True

    def close(self) -> None:
        """Carry no more."""
        self._open = False
        for envelope in list(self._deadlines.open()):
            self._resolve(envelope, None, ActorStopped(f"the bus was closed before {envelope.address} answered"))
        self._deadlines.close()

    # -- on the way ----------------------------------------------------------------------------------------------------

    def _envelope(
        self, message: Any, worker: Worker | None, receiver: Cell | None, address: str, context: object,
        reply: "asyncio.Future[Any] | None",
    ) -> Envelope:  # fmt: skip
        self._sent += 1
        if worker is None:
            if not self._open:
                self._check_open()
            return Envelope(self._sent, message, None, receiver, address, None, context, reply)
        if worker.ended:
            msg = f"this life of {worker.cell.name} has ended: it cannot send {type(message).__name__}"
            raise NotRunning(msg)
        return Envelope(self._sent, message, worker.cell, receiver, address, worker.envelope, context, reply)

    def _send(self, envelope: Envelope, receiver: Cell) -> bool:
        """Send to one actor. False if the message now waits for room."""
        if self._watches_send:
            self._sending(envelope, receiver.name)
        mailbox = receiver.mailbox
        if mailbox.used >= mailbox.capacity and mailbox.overflow is not Overflow.DROP_OLDEST:
            if mailbox.overflow is Overflow.REJECT:
                mailbox.rejected += 1
                msg = f"the mailbox of {receiver.name} is full with {mailbox.capacity} messages: send later, or more slowly"
                raise MailboxFull(msg)
            self._park(envelope, receiver)
            self.look_for_cycle(envelope)
            return False
        mailbox.used += 1
        self.transmit(envelope, receiver)
        return True

    def _sending(self, envelope: Envelope, receiver: str) -> None:
        for hook in self._around_send:
            hook(Passage.of(envelope))
        if self._trace is not None:
            self._record("send", envelope, receiver)

    def _park(self, envelope: Envelope, receiver: Cell) -> None:
        if self.network is not None:
            self.network.route(envelope, receiver)
        receiver.mailbox.park(envelope)

    def transmit(self, envelope: Envelope, receiver: Cell) -> None:
        """Let a message go that has its place in the receiver's mailbox."""
        if self.network is None:
            self.loop.call_soon(receiver.deliver, envelope, context=self._context)
        else:
            self.network.carry(envelope, receiver)

    def _publish(self, envelope: Envelope, subject: str) -> "list[asyncio.Future[None]]":
        """Send a copy to each receiver; the futures of those that must wait for room."""
        if self._watches_send:
            self._sending(envelope, subject)
        now: list[Cell] = []
        parked: list[asyncio.Future[None]] = []
        for members in self._registry.listeners(subject):
            cells = members.cells
            receiver = cells[0] if len(cells) == 1 else self._registry.choose(members)
            mailbox = receiver.mailbox
            if mailbox.used < mailbox.capacity or mailbox.overflow is Overflow.DROP_OLDEST:
                mailbox.used += 1
                now.append(receiver)
            elif mailbox.overflow is Overflow.REJECT:
                mailbox.rejected += 1
                self.undeliverable(envelope, MailboxFull(f"the mailbox of {receiver.name} is full"))
            else:
                copy = envelope.copy()
                copy.accepted = self.loop.create_future()
                self._park(copy, receiver)
                parked.append(copy.accepted)
        if self.network is not None:
            self.network.carry_all(envelope, now)
        elif now:
            self.loop.call_soon(_deliver_all, now, envelope, context=self._context)
        return parked

    def delivered(self, envelope: Envelope, receiver: Cell) -> bool:
        """Note that a message has arrived. False if a middleware refused it."""
        if self._trace is not None:
            self._record("deliver", envelope, receiver.name, "redelivered" if envelope.redelivered else "")
        try:
            for hook in self._around_deliver:
                hook(Passage.of(envelope))
        except Exception as error:  # noqa: BLE001 (a refusal goes to the asker)
            self.undeliverable(envelope, error)
            return False
        return True

    def handling(self, envelope: Envelope, by: Cell) -> None:
        """Note that a handler begins."""
        if self._trace is not None:
            self._record("handle", envelope, by.name)

    async def run_around(self, envelope: Envelope, innermost: Callable[[Envelope], Coroutine[Any, Any, Any]]) -> Any:
        """Run a handler inside the middleware that wraps handling."""
        proceed = partial(innermost, envelope)
        passage = Passage.of(envelope)
        for hook in reversed(self.around_handle):
            proceed = partial(hook, passage, proceed)
        return await proceed()

    # -- the way back --------------------------------------------------------------------------------------------------

    def handled(self, envelope: Envelope, by: Cell, result: Any = None, error: Exception | None = None) -> None:
        """Send the answer back, if anybody asked."""
        if self._trace is not None:
            self._record("done" if error is None else "failed", envelope, by.name, "" if error is None else repr(error))
        reply = envelope.reply
        if reply is None:
            return
        if self.network is None or self.network.is_instant:
            if error is None and self._trace is None and not reply.done():
                reply.set_result(result)
            else:
                self._resolve(envelope, result, error)
        else:
            self.network.carry_back(envelope, by, self._resolve, result, error)

    def _resolve(self, envelope: Envelope, result: Any, error: Exception | None) -> None:
        reply = envelope.reply
        if reply is None or reply.done():
            self._dead_letter(envelope, "late answer: its asker has given up")
            return
        if self._trace is not None:
            self._record("reply", envelope, "" if envelope.sender is None else envelope.sender.name)
        if error is None:
            reply.set_result(result)
        else:
            reply.set_exception(error)

    def undeliverable(self, envelope: Envelope, error: Exception) -> None:
        """End a message that nobody will handle: its asker gets the error; without one, it is a dead letter."""
        if envelope.accepted is not None and not envelope.accepted.done():
            envelope.accepted.set_result(None)
        if envelope.reply is None:
            self._dead_letter(envelope, str(error))
        elif self.network is None or envelope.receiver is None or envelope.lane is None:  # no lane: it never left
            self._resolve(envelope, None, error)
        else:
            self.network.carry_back(envelope, envelope.receiver, self._resolve, None, error)

    def _dead_letter(self, envelope: Envelope, reason: str) -> None:
        self._dead += 1
        if self._trace is not None:
            self._record("dead", envelope, envelope.address, reason)
        if not isinstance(envelope.message, DeadLetter):
            sender = "" if envelope.sender is None else envelope.sender.name
            self._announce(DeadLetter(message=envelope.message, address=envelope.address, sender=sender, reason=reason))

    def _announce(self, event: Event) -> None:
        """Publish an event of the bus itself, if anybody listens; nobody waits for room."""
        if self._open and self._registry.listeners(event.subject):
            self._sent += 1
            for parked in self._publish(
                Envelope(self._sent, event, None, None, event.subject, None, None, None), event.subject
            ):
                parked.cancel()

    def _expire(self, envelope: Envelope, seconds: float) -> None:
        text = f"no answer from {envelope.address} to {type(envelope.message).__name__} (message {envelope.id}) within {seconds} s"
        if envelope.cycle is not None:
            text += f"; cyclic wait: {envelope.cycle}"
        if envelope.reply is not None:
            envelope.reply.set_exception(AskTimeout(text))

    def look_for_cycle(self, envelope: Envelope) -> None:
        """Report if *envelope*, which found its receiver busy, closes a circle of actors that wait for each other."""
        if envelope.sender is not None and (cycle := cycle_through(envelope)) is not None:
            self.note("cyclic wait", envelope.address, cycle)
            self._announce(CyclicWait(cycle=cycle))

    def heartbeat(self, envelope: Envelope) -> None:
        """Tell the asker of *envelope*, if it monitors, that its handler is alive."""
        if envelope.beat is None or envelope.receiver is None:
            return
        if self.network is None:
            envelope.beat(envelope)
        else:
            self.network.carry_back(envelope, envelope.receiver, envelope.beat)

    def _monitor(self, envelope: Envelope, reply: "asyncio.Future[Any]", seconds: float) -> None:
        def silent() -> None:
            if not reply.done():
                what = f"{type(envelope.message).__name__} (message {envelope.id})"
                reply.set_exception(AskTimeout(f"no heartbeat from {envelope.address} for {what} within {seconds} s"))

        timer = self.loop.call_later(seconds, silent)

        def beat(_: Envelope) -> None:
            nonlocal timer
            timer.cancel()
            if not reply.done():
                timer = self.loop.call_later(seconds, silent)

        envelope.beat = beat
        reply.add_done_callback(lambda _: timer.cancel())

    # -- notes on the way ----------------------------------------------------------------------------------------------

    def tell_terminated(self, watcher: Cell, target: Target, reason: str) -> None:
        """Tell one watcher that an actor has ended."""
        if not self._open or watcher.state is State.ENDED:
            return
        self._sent += 1
        watcher.mailbox.used += 1
        event = Terminated(target=target, reason=reason)
        self.transmit(Envelope(self._sent, event, None, watcher, watcher.name, None, None, None), watcher)

    def note(self, kind: str, name: str, detail: str = "") -> None:
        """Trace a step that belongs to no message."""
        if self._trace is not None:
            self._trace(Record(self.clock.monotonic(), kind, 0, 0, 0, "", name, "", detail))

    def _record(self, kind: str, envelope: Envelope, receiver: str, detail: str = "") -> None:
        sink = self._trace
        if sink is not None:
            sender = "" if envelope.sender is None else envelope.sender.name
            name = type(envelope.message).__name__
            sink(
                Record(
                    self.clock.monotonic(),
                    kind,
                    envelope.id,
                    envelope.correlation,
                    envelope.causation,
                    sender,
                    receiver,
                    name,
                    detail,
                )
            )

    def _check_open(self) -> None:
        if not self._open:
            msg = "the bus is not open: use it inside `async with Bus() as bus:`"
            raise NotRunning(msg)


def _deliver_all(receivers: list[Cell], envelope: Envelope) -> None:
    for receiver in receivers:
        receiver.deliver(envelope)
