"""The life of one actor on a bus: its tasks, its mailbox, its ends and new beginnings. Private to the bus.

A cell outlives its actor object: a crash throws the object away and keeps the address, the subscriptions and the mailbox.

    STARTING ──► UP ──► STOPPING ──► ENDED
        └────────┴──crash──► DOWN ──► STARTING (restart) or ENDED (given up)

Messages are handled by worker tasks, made when they are first needed and kept: waking one costs a third of making one. A
life that has ended cannot send any more, so that what its `finally` blocks still do on the way out reaches nobody.
"""

import asyncio
from collections.abc import Callable, Coroutine
from enum import Enum
from typing import TYPE_CHECKING, Any

import anyio
import attrs

from bus.actor import Actor, Handler
from bus.envelope import Envelope
from bus.errors import ActorKilled, ActorStopped, NotRunning, Unhandled
from bus.mailbox import Mailbox
from bus.message import Delivery
from bus.supervisor import Restart, Supervisor
from bus.topic import Target
from bus.worker import Worker, current_worker

if TYPE_CHECKING:
    from bus.broker import Bus
    from bus.clock import Clock


FRAMES = 5
"""Frames of a handler's traceback that travel to the asker."""


class State(Enum):
    """Where an actor is in its life."""

    STARTING = "starting"
    UP = "up"
    DOWN = "down"
    STOPPING = "stopping"
    ENDED = "ended"


UP, ENDED = State.UP, State.ENDED  # on the path of each message: an enum's member is slow to look up before Python 3.12


class Cell:
    """One actor on a bus, through all its lives."""

    __slots__ = (
        "actor", "bus", "busy", "clock", "concurrency", "handlers", "idle", "mailbox", "name", "quiet", "recipe", "restart",
        "state", "supervisor", "target", "tasks", "watchers", "workers",
    )  # fmt: skip

    def __init__(
        self, bus: "Bus", kind: type[Actor], recipe: Callable[[], Actor], target: Target, clock: "Clock",
        supervisor: Supervisor | None, restart: Restart,
    ) -> None:  # fmt: skip
        self.bus = bus
        self.recipe = recipe
        self.target = target
        self.name = str(target)
        self.clock = clock
        self.supervisor = supervisor
        self.restart = restart
        self.actor: Actor | None = None
        self.handlers = kind.handlers
        self.concurrency = kind.concurrency
        self.mailbox = Mailbox(kind.capacity, kind.overflow)
        self.state = State.DOWN
        self.busy = 0
        self.workers: list[Worker] = []
        self.idle: list[tuple[Worker, asyncio.Future[Envelope]]] = []
        self.tasks: dict[Worker, None] = {}
        self.watchers: list[Cell] = []
        self.quiet: list[asyncio.Future[None]] | None = None

    @property
    def is_up(self) -> bool:
        """Whether it takes messages now."""
        return self.state is UP

    # -- the message in ------------------------------------------------------------------------------------------------

    def deliver(self, envelope: Envelope) -> None:
        """Take a message that has arrived: handle it now, hand it to a worker, or queue it."""
        if self.state is ENDED:
            self._release_place()
            self.bus.undeliverable(envelope, ActorStopped(f"{self.name} has ended"))
            return
        bus = self.bus
        if bus.watched and not bus.delivered(envelope, self):
            self.lose()
            return
        handler = self.handlers.get(envelope.message.__class__) or self._inherited(envelope)
        if handler is None:
            self.lose()
            bus.undeliverable(envelope, Unhandled(self._no_handler(envelope)))
            return
        if self.busy >= self.concurrency or self.mailbox.queue or self.state is not UP:
            self._queue(envelope)
            return
        if self.mailbox.waiting:
            self._release_place()
        else:
            self.mailbox.used -= 1
        if handler.plain and not bus.around_handle:
            self._handle_plain(envelope, handler)
            return
        self.busy += 1
        if self.idle:
            worker, wake = self.idle.pop()
            worker.envelope = envelope  # in hand from now on, should this life end before the worker's next step
            if not wake.done():  # cancelled, if the loop is being torn down
                wake.set_result(envelope)
        else:
            self._hire(envelope)

    def lose(self) -> None:
        """Give the place back of a message that was lost on the way, or refused."""
        self._release_place()
        if self.quiet is not None:
            self._tell_quiet()

    def _handle_plain(self, envelope: Envelope, handler: Handler) -> None:
        if self.bus.watched:
            self.bus.handling(envelope, self)
        try:
            result = handler.call(self.actor, envelope.message)
        except Exception as error:  # noqa: BLE001 (whatever it raises goes to the asker or the supervisor)
            self._failed(envelope, error, [envelope])
        else:
            if envelope.reply is not None or self.bus.watched:
                self.bus.handled(envelope, self, result)
        if self.quiet is not None:
            self._tell_quiet()

    def _queue(self, envelope: Envelope) -> None:
        if (oldest := self.mailbox.put(envelope)) is not None:
            self.bus.undeliverable(
                oldest, ActorStopped(f"dropped as the oldest message in the full mailbox of {self.name}")
            )
        if envelope.sender is not None and envelope.reply is not None:
            self.bus.look_for_cycle(envelope)

    def _release_place(self) -> None:
        mailbox = self.mailbox
        if mailbox.waiting:
            if (freed := mailbox.free()) is not None:
                self.bus.transmit(freed, self)
                if freed.accepted is not None:
                    freed.accepted.set_result(None)
        else:
            mailbox.used -= 1

    def _hire(self, envelope: Envelope) -> None:
        worker = Worker(self, envelope)
        self.workers.append(worker)
        worker.task = self.bus.create_task(self._work(worker, envelope), worker)

    async def _work(self, worker: Worker, envelope: Envelope) -> None:
        """Handle one message after the other, as one of the actor's workers."""
        bus = self.bus
        while True:
            worker.envelope = envelope
            if bus.watched:
                bus.handling(envelope, self)
            try:
                if bus.around_handle:
                    result = await bus.run_around(envelope, self._call_handler)
                else:
                    handler = self.handlers[envelope.message.__class__]
                    result = handler.call(self.actor, envelope.message)
                    if not handler.plain:
                        result = await result
            except (asyncio.CancelledError, Exception) as error:  # noqa: BLE001 (whatever it is goes to somebody)
                if worker.ended or not self._failed(envelope, error):
                    return
            else:
                if worker.ended:
                    return
                bus.handled(envelope, self, result)
            worker.envelope = None
            envelope = self._take() or await self._rest(worker)

    def _take(self) -> Envelope | None:
        """The next message from the mailbox, if it is this actor's to take."""
        mailbox = self.mailbox
        if not mailbox.queue or self.state is not UP:
            return None
        envelope = mailbox.queue.popleft()
        if mailbox.waiting:
            self._release_place()
        else:
            mailbox.used -= 1
        return envelope

    async def _rest(self, worker: Worker) -> Envelope:
        """Have *worker* be idle until the next message comes."""
        self.busy -= 1
        if self.quiet is not None:
            self._tell_quiet()
        wake: asyncio.Future[Envelope] = self.bus.loop.create_future()
        self.idle.append((worker, wake))
        return await wake

    async def _call_handler(self, envelope: Envelope) -> Any:
        handler = self.handlers[envelope.message.__class__]
        result = handler.call(self.actor, envelope.message)
        return result if handler.plain else await result

    def _inherited(self, envelope: Envelope) -> Handler | None:
        for kind in envelope.message.__class__.__mro__:
            if (handler := self.handlers.get(kind)) is not None:
                self.handlers[envelope.message.__class__] = found = attrs.evolve(handler, inherited=True)
                return found
        return None

    def _no_handler(self, envelope: Envelope) -> str:
        known = ", ".join(kind.__name__ for kind, handler in self.handlers.items() if not handler.inherited) or "none"
        return f"{self.name} has no handler for {type(envelope.message).__name__}; it handles: {known}"

    # -- the ends of a life --------------------------------------------------------------------------------------------

    def _failed(
        self, envelope: Envelope, error: Exception | asyncio.CancelledError, lost: list[Envelope] | None = None
    ) -> bool:
        """A handler raised: its asker gets the error; if nobody asked, the actor crashes. Whether this life goes on."""
        if isinstance(error, asyncio.CancelledError):
            error = ActorKilled(f"a handler of {self.name} cancelled itself")
        if envelope.reply is None:
            self.crash(error, lost)
            return False
        if isinstance(error, StopIteration):  # no future may hold one; a coroutine turns it into this too
            error = RuntimeError(f"the handler raised {error!r}").with_traceback(error.__traceback__)
        error.add_note(f"raised by {self.name} while handling {type(envelope.message).__name__}:{_places(error)}")
        error.__traceback__ = None
        self.bus.handled(envelope, self, error=error)
        return True

    def crash(self, reason: Exception, lost: list[Envelope] | None = None) -> None:
        """End this life at once, and have it mended by the supervisor; without one, the bus fails.

        Args:
            reason: what happened.
            lost: messages in hand that no worker holds.
        """
        if self.state is State.DOWN or self.state is ENDED:
            return
        self.end(reason, lost)
        if self.supervisor is not None:
            if self.bus.closing or not self.supervisor.ended(self, reason):
                self.bury(reason)
        elif isinstance(reason, ActorStopped) and self.bus.closing:
            self.bury(reason)  # it asked one that ended before it, as everybody does now
        elif not isinstance(reason, ActorKilled):
            reason.add_note(f"crashed {self.name}, which nobody supervises")
            self.bus.fail(reason)

    def end(self, reason: BaseException, lost: list[Envelope] | None = None) -> None:
        """End this life at once, without telling the supervisor. The mailbox stays as it is."""
        if self.state is State.DOWN or self.state is ENDED:
            return
        self.state = State.DOWN
        in_hand = [*(lost or ()), *(worker.envelope for worker in self.workers if worker.envelope is not None)]
        self.bus.see_off(self._cancel_tasks())
        self.actor = None
        again = [one.copy(redelivered=True) for one in in_hand if one.message.delivery is Delivery.AT_LEAST_ONCE]
        self.mailbox.put_back(sorted(again, key=lambda one: one.id))
        self.bus.note("crashed", self.name, repr(reason))
        self._tell_watchers(repr(reason))

    def bury(self, reason: BaseException) -> None:
        """Give up on an actor that is down: nobody will restart it, so answer what waits for it."""
        if self.state is ENDED:
            return
        self.state = State.ENDED
        self.bus.unregister(self)
        for envelope in self.mailbox.clear():
            self.bus.undeliverable(envelope, ActorStopped(f"{self.name} crashed and is not restarted: {reason!r}"))

    async def begin(self) -> None:
        """Begin a new life: make the actor, let it start, then handle what has gathered in the mailbox.

        Nothing happens unless it is down: it may have been stopped, or begun by somebody else, in the meantime.
        """
        if self.state is not State.DOWN:
            return
        self.state = State.STARTING
        try:
            self.actor = self.recipe()
        except BaseException:
            self.state = State.DOWN
            raise
        self.actor._cell = self  # pyright: ignore[reportPrivateUsage]  # the one place that ties an actor to its bus
        self.bus.note("started", self.name)
        if type(self.actor).started is not Actor.started:
            await self._run_hook(self.actor.started)
        self.state = State.UP
        while self.busy < self.concurrency and (envelope := self._take()) is not None:
            self.busy += 1
            self._hire(envelope)

    async def _run_hook(self, hook: Callable[[], Coroutine[Any, Any, None]]) -> None:
        worker = Worker(self, None)
        self.tasks[worker] = None
        token = current_worker.set(worker)
        try:
            await hook()
        except Exception as error:
            if not worker.ended:
                self.end(error)
                raise
        finally:
            current_worker.reset(token)
            self.tasks.pop(worker, None)
        if worker.ended:
            msg = f"{self.name} was ended while it ran {hook.__name__}()"
            raise ActorKilled(msg)

    async def stop(self, *, drain: bool) -> None:
        """End this actor for good.

        Args:
            drain: handle what is in the mailbox and in hand first; otherwise answer it with an error.
        """
        if self.state is ENDED:
            return
        self.bus.unregister(self)
        try:
            if drain:
                await self._wait_quiet(queue=self.state is UP)
        finally:  # who is cancelled while it drains ends it without
            await self._finish()

    def stop_soon(self) -> None:
        """End this life once the messages in hand are done; a permanent child is then restarted."""
        if self.state is UP:
            self.state = State.STOPPING
            self.bus.spawn(self._stop_by_itself)

    async def _stop_by_itself(self) -> None:
        await self._wait_quiet(queue=False)
        if self.state is not State.STOPPING:
            return
        if self.supervisor is not None and self.restart is Restart.PERMANENT:
            self.end(ActorStopped(f"{self.name} stopped by itself"))
            if not self.supervisor.ended(self, None):
                self.bury(ActorStopped("stopped by itself"))
            return
        self.bus.unregister(self)
        await self._finish()

    async def _finish(self) -> None:
        if self.state is UP or self.state is State.STOPPING:
            self.state = State.STOPPING
            if self.actor is not None and type(self.actor).stopped is not Actor.stopped:
                try:
                    await self._run_hook(self.actor.stopped)
                except ActorKilled:  # it ends anyway
                    pass
                except Exception as error:  # noqa: BLE001 (it must not keep the others from stopping)
                    self.bus.fail(error)
                except BaseException:  # cancelled: it ends all the same
                    await self._end_for_good()
                    raise
        await self._end_for_good()

    async def _end_for_good(self) -> None:
        if self.state is ENDED:
            return
        in_hand = [worker.envelope for worker in self.workers if worker.envelope is not None]
        tasks = self._cancel_tasks()
        self.state = State.ENDED
        if self.supervisor is not None:
            self.supervisor.release(self)
        for envelope in [*in_hand, *self.mailbox.clear()]:
            self.bus.undeliverable(envelope, ActorStopped(f"{self.name} was stopped"))
        self.bus.note("stopped", self.name)
        self._tell_watchers("stopped")
        with anyio.CancelScope(shield=True):
            await asyncio.gather(*tasks, return_exceptions=True)
        self.actor = None

    async def _wait_quiet(self, *, queue: bool) -> None:
        while self.state in {State.UP, State.STOPPING} and (self.busy or (queue and self.mailbox.used)):
            quiet = self.bus.loop.create_future()
            self.quiet = [*(self.quiet or ()), quiet]
            try:
                await quiet
            finally:
                self.quiet = [other for other in self.quiet if other is not quiet] or None

    def _tell_quiet(self) -> None:
        for quiet in self.quiet or ():
            if not quiet.done():
                quiet.set_result(None)

    def _cancel_tasks(self) -> "list[asyncio.Task[None]]":
        """Cancel every task of this life; from now on they can send nothing."""
        ended: list[asyncio.Task[None]] = []
        this = asyncio.current_task(self.bus.loop)
        for worker in (*self.workers, *self.tasks):
            worker.ended = True
            if worker.task is not None and worker.task is not this:
                worker.task.cancel(f"{self.name} has ended")
                ended.append(worker.task)
        self.workers = []
        self.idle = []
        self.tasks = {}
        self.busy = 0
        self._tell_quiet()
        return ended

    # -- beside the messages -------------------------------------------------------------------------------------------

    def start_soon(self, function: Callable[..., Coroutine[Any, Any, object]], *args: object) -> None:
        """Run a background task that belongs to this life."""
        starter = current_worker.get()
        if starter is not None and starter.cell is self and starter.ended:
            msg = f"this life of {self.name} has ended: it cannot start {getattr(function, '__name__', function)}()"
            raise NotRunning(msg)
        worker = Worker(self, starter.envelope if starter is not None and starter.cell is self else None)
        self.tasks[worker] = None
        worker.task = self.bus.create_task(self._run_beside(worker, function, args), worker)

    async def _run_beside(
        self, worker: Worker, function: Callable[..., Coroutine[Any, Any, object]], args: tuple[object, ...]
    ) -> None:
        try:
            await function(*args)
        except Exception as error:  # noqa: BLE001 (whatever it raises goes to the supervisor)
            if not worker.ended:
                self.crash(error)
        finally:
            self.tasks.pop(worker, None)

    def _tell_watchers(self, reason: str) -> None:
        watchers, self.watchers = self.watchers, []
        for watcher in watchers:
            self.bus.tell_terminated(watcher, self.target, reason)


def _places(error: Exception) -> str:
    """The innermost places of *error*'s traceback, as a note keeps them; without source lines, which cost a file each."""
    places: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno} in {code.co_qualname}")
        trace = trace.tb_next
    return "\n  ".join(["", *places[1:][-FRAMES:]])
