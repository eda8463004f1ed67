"""The bus: who is registered where, and how a message gets there and its answer back.

Works under plain ``anyio.run`` on asyncio; in a simulation `bus.sim.World` opens one with a network in between. Messages
from one sender to one receiver keep their order; nothing is promised across pairs.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import anyio
import attrs

from bus.actor import Actor
from bus.cell import Cell, State
from bus.errors import MailboxFull, NoListener, NotRunning, UsageError
from bus.exchange import Exchange
from bus.listener import Listener
from bus.mailbox import MailboxStatistics, Overflow
from bus.message import Event, Request
from bus.middleware import Middleware, Passage
from bus.network import Network
from bus.supervisor import Restart, Supervisor
from bus.topic import Target
from bus.trace import Sink
from bus.worker import Worker, current_worker

R = TypeVar("R")


@attrs.frozen
class BusStatistics:
    """What a bus has done and holds.

    Attributes:
        actors: registered actors, running or down.
        sent: messages sent since the start.
        dead_letters: messages and late answers that ended as dead letters.
        asking: asks that wait for their answer.
    """

    actors: int
    sent: int
    dead_letters: int
    asking: int


class Bus(Exchange):
    """Runs actors and carries their messages. Use it as ``async with Bus() as bus:``.

    Leaving the block stops every actor, the last one first. If an actor crashes that nobody supervises, the block is
    cancelled and the crash is raised from it.

    Args:
        trace: where a `bus.trace.Record` of each step goes; None for nowhere.
        middleware: hooks around sending, delivery and handling; the first is the outermost.
        network: what lies between the actors; None in real time.
    """

    def __init__(
        self, *, trace: Sink | None = None, middleware: Sequence[Middleware] = (), network: Network | None = None
    ) -> None:
        super().__init__(trace, tuple(middleware), network)
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._leaving: dict[asyncio.Task[None], None] = {}
        self._failure: BaseException | None = None
        self._scope = anyio.CancelScope()
        self.closing = False
        """Its block is being left, and every actor is stopped."""

    async def __aenter__(self) -> Self:
        self.open(asyncio.get_running_loop())
        self._scope.__enter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self.closing = True
        with anyio.CancelScope(shield=True):
            while cells := list(self._registry.cells.values()):  # one that ends may start another
                for cell in reversed(cells):
                    await cell.stop(drain=False)
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, *self._leaving, return_exceptions=True)
        self.close()
        swallowed = self._scope.__exit__(kind, error, trace)
        if self._failure is not None:
            raise self._failure
        return swallowed

    # -- actors --------------------------------------------------------------------------------------------------------

    async def start(
        self, actor: type[Actor], *args: Any, topic: str | None = None, server: str | None = None,
        supervisor: Supervisor | None = None, restart: Restart = Restart.PERMANENT, **kwargs: Any,
    ) -> Target:  # fmt: skip
        """Start an actor and wait until it has started.

        Args:
            actor: its class.
            *args: for its `__init__`, in this life and each later one.
            topic: what it listens on; None for the class's `topic`, or else the class's name in lower case.
            server: its own name within the topic; None for the next free number.
            supervisor: who restarts it; None: nobody, and a crash fails the bus.
            restart: which of its ends the supervisor mends.
            **kwargs: for its `__init__`.

        Returns:
            Its address.

        Raises:
            UsageError: if the address is taken.
        """
        self._check_open()
        if not isinstance(cast("object", actor), type):
            msg = f"start() makes the actor, in each of its lives: give it the class {type(actor).__name__}, and the arguments"
            raise UsageError(msg)
        target = self._registry.address(topic or actor.topic or actor.__name__.lower(), server)
        clock = self.clock if self.network is None else self.network.clock(str(target))
        cell = Cell(self, actor, partial(actor, *args, **kwargs), target, clock, supervisor, restart)
        self._registry.add(cell, actor.group)
        if supervisor is not None:
            supervisor.adopt(cell)
        try:
            await cell.begin()
        except BaseException:
            await cell.stop(drain=False)
            raise
        return target

    async def stop(self, target: Target, *, drain: bool = True) -> None:
        """End the actor at *target* for good.

        Args:
            target: a single actor's address.
            drain: handle what is in its mailbox and in hand first; otherwise answer it with `ActorStopped`.

        Raises:
            NotRunning: if there is no such actor.
        """
        await self.cell(target).stop(drain=drain)

    def crash(self, target: Target, reason: Exception) -> None:
        """End a life of the actor at *target* as if *reason* had been raised in it."""
        self.cell(target).crash(reason)

    async def restart(self, target: Target) -> None:
        """Begin a new life of an actor that is down."""
        cell = self.cell(target)
        if cell.state is not State.DOWN:
            msg = f"{target} is {cell.state.value}: only an actor that is down can be restarted"
            raise UsageError(msg)
        await cell.begin()

    def watch(self, target: Target, watcher: Cell) -> None:
        """Tell *watcher* when the actor at *target* next ends."""
        cell = self._registry.cells.get(str(target))
        if cell is None or cell.state in {State.DOWN, State.ENDED}:
            self.tell_terminated(watcher, target, "unknown" if cell is None else "down")
        else:
            cell.watchers.append(watcher)

    def state(self, target: Target) -> str:
        """Where the actor at *target* is in its life, in a word; ``"ended"`` if there is none."""
        cell = self._registry.cells.get(str(target))
        return State.ENDED.value if cell is None else cell.state.value

    def targets(self, topic: str) -> tuple[Target, ...]:
        """Addresses of the members of *topic*, in the order in which they were started."""
        return tuple(cell.target for cell in self._registry.members(topic))

    def mailbox(self, target: Target) -> MailboxStatistics:
        """How full the mailbox of the actor at *target* is."""
        return self.cell(target).mailbox.statistics()

    def statistics(self) -> BusStatistics:
        """What this bus has done and holds."""
        return BusStatistics(
            actors=len(self._registry.cells),
            sent=self._sent,
            dead_letters=self._dead,
            asking=sum(1 for _ in self._deadlines.open()),
        )

    def waits(self) -> tuple[str, ...]:
        """Who waits for whose answer, a line each."""
        return tuple(
            f"{'outside' if one.sender is None else one.sender.name} waits for {one.address} "
            f"to answer {type(one.message).__name__} (message {one.id})"
            for one in self._deadlines.open()
        )

    # -- the three verbs -----------------------------------------------------------------------------------------------

    async def ask(
        self, request: Request[R], *, to: Target | str | None = None, timeout: float | None = None,
        monitor: float | None = None, context: object = None,
    ) -> R:  # fmt: skip
        """Send *request* and wait for its answer.

        Args:
            request: the message.
            to: a topic, whose next member gets it, or the address of one actor; None for the request's own topic.
            timeout: seconds of the bus's clock until `AskTimeout`; None for the request's own `timeout`.
            monitor: seconds within which a heartbeat must come (see `Actor.heartbeat`); None for no such demand.
            context: handed to the receiver beside the message; see `current`.

        Returns:
            What the handler returned.

        Raises:
            Exception: what the handler raised, with a note that says where.
            AskTimeout: if no answer came in time.
            NoListener: if nobody is registered there.
            Unhandled: if the receiver has no handler for it.
            MailboxFull: if the receiver's mailbox is full and rejects.
            ActorStopped: if the receiver was stopped before it answered.
        """
        worker = current_worker.get()
        try:
            receiver = self._registry.receiver(request, to)
        except NoListener:
            self._check_open()
            raise
        reply: asyncio.Future[R] = self.loop.create_future()
        envelope = self._envelope(request, worker, receiver, receiver.name, context, reply)
        if monitor is not None:
            self._monitor(envelope, reply, monitor)
        try:
            self._send(envelope, receiver)
        except BaseException:
            reply.cancel()  # and with it the wait for heartbeats
            raise
        self._deadlines.add(envelope, reply, request.timeout if timeout is None else timeout)
        if worker is None:
            return await reply
        worker.asking = envelope
        try:
            return await reply
        finally:
            worker.asking = None

    async def tell(
        self, message: Request[Any] | Event, *, to: Target | str | None = None, context: object = None
    ) -> None:
        """Send *message* without waiting for an answer.

        Waits only for room in a full mailbox whose rule is to wait. A message that nobody can take becomes a dead letter.

        Args:
            message: the message. What its handler raises crashes the receiver.
            to: as in `ask`; may also be a fanout target, and then each member gets a copy.
            context: as in `ask`.

        Raises:
            MailboxFull: if the receiver's mailbox is full and rejects.
        """
        worker = current_worker.get()
        if isinstance(to, Target) and to.fanout:
            receivers = self._registry.members(to.topic)
        else:
            try:
                receivers = (self._registry.receiver(message, to),)
            except NoListener as error:
                receivers = ()
                address = str(to or getattr(message, "topic", ""))
                self.undeliverable(self._envelope(message, worker, None, address, context, None), error)
        parked: list[asyncio.Future[None]] = []
        rejected: MailboxFull | None = None
        for receiver in receivers:
            envelope = self._envelope(message, worker, receiver, receiver.name, context, None)
            try:
                if not self._send(envelope, receiver):
                    envelope.accepted = self.loop.create_future()
                    parked.append(envelope.accepted)
            except MailboxFull as error:
                rejected = error
        for accepted in parked:
            await accepted
        if rejected is not None:
            raise rejected

    async def publish(self, event: Event, *, subject: str | None = None, context: object = None) -> None:
        """Send *event* to whoever listens to its subject: to one member of each group, and to all others.

        Waits only for room in full mailboxes whose rule is to wait.

        Args:
            event: the message.
            subject: dotted words without wildcards; None for the event's own subject.
            context: as in `ask`.
        """
        if not isinstance(cast("object", event), Event):
            msg = f"{type(event).__name__} is no event: ask it, or tell it"
            raise UsageError(msg)
        subject = event.subject if subject is None else subject
        envelope = self._envelope(event, current_worker.get(), None, subject, context, None)
        for parked in self._publish(envelope, subject):
            await parked

    @asynccontextmanager
    async def listen(
        self, pattern: str, *, capacity: int = 1000, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AsyncGenerator[Listener]:
        """Listen to events from outside of actors: ``async with bus.listen("orders.>") as events: async for event in events``.

        Args:
            pattern: a subject; may use `*` and `>`.
            capacity: events that may wait to be looked at.
            overflow: what happens to more.
        """
        listener = Listener(self.loop, pattern, capacity, overflow)
        members = self._registry.listen(pattern, listener)
        try:
            yield listener
        finally:
            self._registry.unlisten(members)
            listener.close()

    # -- for cells and supervisors -------------------------------------------------------------------------------------

    def cell(self, target: Target) -> Cell:
        """The cell at *target*.

        Raises:
            NotRunning: if there is none.
        """
        return self._registry.cell(target)

    def create_task(self, work: Coroutine[Any, Any, None], worker: Worker) -> "asyncio.Task[None]":
        """Run *work* as a task of *worker*'s actor, with none of the context of whoever sent the message."""
        context = self._context.copy()
        context.run(current_worker.set, worker)
        return self.loop.create_task(work, name=worker.cell.name, context=context)

    def spawn(self, function: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        """Run a task of the bus itself."""
        task = self.loop.create_task(function(*args), name="bus", context=self._context.copy())
        self._tasks[task] = None
        task.add_done_callback(self._spawned_done)

    def see_off(self, tasks: "list[asyncio.Task[None]]") -> None:
        """Leave the bus's block no earlier than *tasks*, which were cancelled with the life they belong to, have ended."""
        for task in tasks:
            self._leaving[task] = None
            task.add_done_callback(self._leaving.pop)

    def _spawned_done(self, task: "asyncio.Task[None]") -> None:
        del self._tasks[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)

    def fail(self, reason: BaseException) -> None:
        """End the bus's ``async with`` block with *reason*."""
        if self._failure is None:
            self._failure = reason
            self._scope.cancel()

    def unregister(self, cell: Cell) -> None:
        """Route nothing to *cell* any more."""
        if self._registry.remove(cell) and self.network is not None and not self.closing:
            self.network.forget(cell)


def current() -> Passage:
    """The message in hand, for a handler (or a task that one started).

    Raises:
        NotRunning: outside of handlers.
    """
    worker = current_worker.get()
    if worker is None or worker.envelope is None:
        msg = "current() is the message in hand: call it in a handler"
        raise NotRunning(msg)
    return Passage.of(worker.envelope)


def current_context() -> object:
    """What the sender of the message in hand passed as ``context=``: the one part of `current` that is asked for with each call.

    Raises:
        NotRunning: outside of handlers.
    """
    worker = current_worker.get()
    if worker is None or worker.envelope is None:
        msg = "current_context() belongs to the message in hand: call it in a handler"
        raise NotRunning(msg)
    return worker.envelope.context
