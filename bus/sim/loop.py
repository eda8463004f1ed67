"""The event loop that owns simulated time and order.

It is asyncio's loop without a selector: nothing from outside can happen, so when no step is ready, time jumps to the next
timer. Time is whole microseconds from 0. Three kinds of thing run:

- *steps*: a task goes on, or a message arrives. Each belongs to a lane, and the scheduler says which lane goes next.
- *callbacks*: everything else that asyncio and anyio schedule (a future's callbacks, a scope that delivers its
  cancellation). They are no choice of anybody's and run first in, first out; but only those that are there already run before
  the next step, because a scope that waits for a task schedules itself again and again until that task had its step.
- *timers*, which become one or the other when their time comes.

It runs under ``anyio.run(main, backend_options={"loop_factory": ...})`` and wherever else a loop factory goes.
"""

import asyncio
import heapq
import sys
from asyncio import events
from bisect import insort
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from functools import partial
from math import inf
from threading import get_ident
from typing import Any, NoReturn, TypeVar, TypeVarTuple, cast

from bus.sim.errors import Escaped, OutOfBudget, Stalled
from bus.sim.guards import Threads
from bus.sim.handle import Entry, Handle, Lane, SimTask, TimerHandle
from bus.sim.scheduler import Scheduler
from bus.sim.schedulers.fifo import Fifo

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MICROSECONDS = 1_000_000
SHOWN = 20
"""Steps shown when a run is out of budget, and tasks when it has stalled."""
SWEEP = 100
"""Cancelled timers are swept when there are more than this, and more than half of all are cancelled."""
NEVER = sys.maxsize
"""Microseconds after infinitely many seconds."""
NO_HANDLE = cast("asyncio.Handle", Handle((None, (), None, None)))
"""What one gets for a task's step, which nobody ever cancels."""


def microseconds(seconds: float) -> int:
    """The first whole microsecond at or after *seconds*; `NEVER` if they are infinite."""
    if seconds == inf:
        return NEVER
    whole = int(seconds * MICROSECONDS)
    return whole if whole / MICROSECONDS >= seconds else whole + 1


class SimLoop(asyncio.BaseEventLoop):
    """An event loop in simulated time.

    Args:
        scheduler: says who goes next and how late timers are; None for the calm one.
        threads: what becomes of work for a thread.
        max_steps: steps after which the run ends with `OutOfBudget`; None for no limit.
        max_time: seconds of simulated time after which it does; None for no limit.
    """

    _stopping: bool  # asyncio's

    def __init__(
        self, scheduler: Scheduler | None = None, *, threads: Threads = Threads.REFUSE, max_steps: int | None = None,
        max_time: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.scheduler: Scheduler = Fifo() if scheduler is None else scheduler
        self._push = self.scheduler.push
        self.now = 0
        """Microseconds of simulated time."""
        self.steps = 0
        """Steps taken, with each jump in time counted as one."""
        self.on_stall: Callable[[], list[str]] = list
        """More lines for the report of a run that has stalled."""
        self.on_step: Callable[[Entry], None] | None = None
        """Called with each step before it is taken."""
        self.unraised: list[BaseException] = []
        """Errors that nobody raised, in callbacks and in tasks that nobody awaited."""
        self.owner_of: Callable[[Entry], object] = _nobody
        """The actor that a step belongs to."""
        self._threads = threads
        self._max_steps = NEVER if max_steps is None else max_steps
        self._max_time = NEVER if max_time is None else microseconds(max_time)
        self._last: deque[str] = deque(maxlen=SHOWN)
        self._callbacks: deque[Handle] = deque()
        self._due: dict[int, list[Entry]] = {}
        self._instants_due: list[int] = []  # a heap of the keys of _due
        self._timers = 0
        self._cancelled_timers = 0
        self._tasks_made = 0
        self._labels: dict[str, int] = {}
        self._nobody = Lane(self.label("loop"))  # sets the timers that no task sets
        self._instants: list[int] = []
        self.pauses: dict[object, list[Entry]] = {}
        """Who is paused, with the steps that wait for the end of it."""
        # asyncio asks these of its loop for each future; as attributes in C they cost a quarter.
        self.get_debug = bool  # type: ignore[method-assign]
        self.create_future = partial(asyncio.Future, loop=self)  # type: ignore[method-assign]

    # -- what asyncio asks of a loop -----------------------------------------------------------------------------------

    def time(self) -> float:
        """Seconds of simulated time since the run began."""
        return self.now / MICROSECONDS

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Run *callback* soon: as its task's next step, if it is one, else as a callback."""
        context = copy_context() if context is None else context
        task = getattr(callback, "__self__", None)
        if type(task) is SimTask:
            self._push((callback, args, context, task))
            return NO_HANDLE
        handle = Handle((callback, args, context, None))
        self._callbacks.append(handle)
        return cast("asyncio.Handle", handle)

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """The same: there are no other threads."""
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run *callback* after *delay* seconds."""
        handle: asyncio.TimerHandle = self._set_timer(self.now + microseconds(delay), callback, args, context)
        return handle

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run *callback* when the loop's clock shows *when* seconds."""
        handle: asyncio.TimerHandle = self._set_timer(microseconds(when), callback, args, context)
        return handle

    def _set_timer(
        self, when: int, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None
    ) -> Any:
        when = max(when, self.now)
        if not self.scheduler.calm and when < NEVER:
            when += self._late(when - self.now)
        handle = TimerHandle((callback, args, copy_context() if context is None else context, None, when, self))
        self._timers += 1
        bucket = self._due.get(when)  # as `_wait` does, for speed
        if bucket is None:
            self._due[when] = [handle]
            heapq.heappush(self._instants_due, when)
        else:
            bucket.append(handle)
        return handle

    def _wait(self, when: int, handle: Entry) -> None:
        bucket = self._due.get(when)
        if bucket is None:
            self._due[when] = [handle]
            heapq.heappush(self._instants_due, when)
        else:
            bucket.append(handle)

    def _late(self, nominal: int) -> int:
        task = asyncio.current_task(self)
        setter = task if isinstance(task, SimTask) else self._nobody
        setter.timers += 1
        return self.scheduler.late(setter.label, setter.timers, nominal, None, self.aims())

    def timer_cancelled(self) -> None:
        """Count a timer that was cancelled, and sweep when there are many."""
        self._cancelled_timers += 1
        if self._cancelled_timers > SWEEP and self._cancelled_timers * 2 > self._timers:
            swept = ((when, [entry for entry in bucket if entry[0] is not None]) for when, bucket in self._due.items())
            self._due = {when: bucket for when, bucket in swept if bucket}
            self._instants_due = sorted(self._due)
            self._timers -= self._cancelled_timers
            self._cancelled_timers = 0

    def create_task(
        self, coro: Generator[Any, None, T] | Coroutine[Any, Any, T], *, name: object = None,
        context: Context | None = None, **_: Any,
    ) -> asyncio.Task[T]:  # fmt: skip
        """Make a task with a number and a label of its own."""
        self._tasks_made += 1
        named = None if name is None else str(name)
        return SimTask(
            cast("Coroutine[Any, Any, T]", coro), loop=self, name=named, context=context, number=self._tasks_made
        )

    def label(self, name: str) -> str:
        """A name that no other task or lane of this run has: *name*, and from the second one on a number."""
        count = self._labels[name] = self._labels.get(name, 0) + 1
        return name if count == 1 else f"{name}/{count}"

    def run_in_executor(self, executor: Any, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Run *func* at once, if threads may be run inline."""
        if self._threads is Threads.REFUSE:
            msg = f"a thread for {func!r} inside a simulation: allow it with threads=Threads.INLINE"
            raise Escaped(msg)
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 (it belongs to whoever awaits the future)
            future.set_exception(error)
        return future

    def run_forever(self) -> None:
        """Take steps until somebody stops the loop."""
        base: Any = self  # for what asyncio does not declare
        base._check_closed()
        base._check_running()
        hooks = sys.get_asyncgen_hooks()
        base._thread_id = get_ident()
        sys.set_asyncgen_hooks(firstiter=base._asyncgen_firstiter_hook, finalizer=base._asyncgen_finalizer_hook)
        events._set_running_loop(self)
        try:
            self._run()
        finally:
            base._stopping = False
            base._thread_id = None
            events._set_running_loop(None)
            sys.set_asyncgen_hooks(*hooks)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Raise what asyncio would only log: in a simulation nothing is overlooked."""
        error = context.get("exception")
        if self.get_exception_handler() is not None:
            super().call_exception_handler(context)
        elif isinstance(error, BaseException):
            self.unraised.append(error)

    # -- steps and time ------------------------------------------------------------------------------------------------

    def post(
        self, when: int, lane: Lane, callback: Callable[..., object], args: tuple[Any, ...], context: Context
    ) -> None:
        """Run *callback* as a step of *lane* at *when* microseconds: a message arrives."""
        if when <= self.now:
            self._push((callback, args, context, lane))
        else:
            bucket = self._due.get(when)
            if bucket is None:
                self._due[when] = [(callback, args, context, lane)]
                heapq.heappush(self._instants_due, when)
            else:
                bucket.append((callback, args, context, lane))

    def _run(self) -> None:
        callbacks, scheduler, paused, on_step = self._callbacks, self.scheduler, self.pauses, self.on_step
        pop, steps = scheduler.pop, self.steps
        limit = self._max_steps - SHOWN if self._max_time == NEVER else 0  # from then on steps are noted
        try:
            while not self._stopping:
                if callbacks:
                    for _ in range(len(callbacks)):
                        callback, args, context, *_rest = callbacks.popleft()
                        if callback is not None:
                            context.run(callback, *args)
                if scheduler:
                    entry = pop()
                    if paused and self._hold_if_paused(entry):
                        continue
                    steps += 1
                    if steps > limit:
                        self._note(steps, entry)
                    if on_step is not None:
                        on_step(entry)
                    callback, args, context, _lane = entry
                    context.run(callback, *args)
                else:  # counted as well, or a timer that sets itself again and again would go on for ever
                    steps += 1
                    if steps > limit:
                        self._note(steps, None)
                    self._jump()
        finally:
            self.steps = steps

    def _jump(self) -> None:
        """Let time pass until the next timer, and make all that are due ready; unless there is something to do now."""
        if self._callbacks or self._stopping:
            return
        bucket: list[Entry] = []
        when = self.now
        while not bucket:
            if not self._instants_due or self._instants_due[0] >= NEVER:
                self._stalled()
            when = heapq.heappop(self._instants_due)
            bucket = self._due.pop(when)
            if self._cancelled_timers:
                bucket = [entry for entry in bucket if entry[0] is not None or self._forget_cancelled()]
        if when > self._max_time:
            for entry in bucket:
                self._wait(when, entry)
            budget = (
                f"{self._max_time / MICROSECONDS} simulated seconds (the next thing happens at {when / MICROSECONDS} s)"
            )
            self._out_of_budget(budget)
        self.now = when
        for entry in bucket:
            if type(entry) is TimerHandle:
                self._timers -= 1
                entry[5] = None
                self._callbacks.append(entry)
            else:
                self._push(entry)

    def _forget_cancelled(self) -> bool:
        self._timers -= 1
        self._cancelled_timers -= 1
        return False

    def _stalled(self) -> NoReturn:
        waiting = [*self.on_stall(), *self._where_tasks_wait()]
        more = [f"and {len(waiting) - SHOWN} more"] if len(waiting) > SHOWN else []
        lines = "\n  ".join(["nothing can happen any more; these wait:", *waiting[:SHOWN], *more])
        raise Stalled(lines)

    def _where_tasks_wait(self) -> list[str]:
        lines: list[str] = []
        tasks = [task for task in asyncio.all_tasks(self) if isinstance(task, SimTask)]
        for task in sorted(tasks, key=lambda task: task.number):
            coro: Any = task.get_coro()
            place = "?"
            while coro is not None and getattr(coro, "cr_frame", None) is not None:
                place = f"{coro.cr_frame.f_code.co_filename}:{coro.cr_frame.f_lineno} in {coro.__qualname__}"
                coro = coro.cr_await
            lines.append(f"task {task.label} waits at {place}")
        return lines

    def _note(self, step: int, entry: Entry | None) -> None:
        """Note a step that may be one of the last."""
        if step > self._max_steps:
            if entry is not None:
                self._push(entry)  # or its task could not even end
            self._out_of_budget(f"{self._max_steps} steps")
        what = entry[3].label if entry is not None else "callbacks" if self._callbacks else "time goes on"
        self._last.append(f"{self.time():.6f} s  {what}")

    def _out_of_budget(self, budget: str) -> NoReturn:
        self._max_steps = self._max_time = NEVER  # what is left may end in its own time
        text = "\n  ".join([f"the run took more than its budget of {budget}; the last steps were:", *self._last])
        raise OutOfBudget(text)

    # -- instants that matter ------------------------------------------------------------------------------------------

    def critical(self, when: int) -> None:
        """Note an instant at which something changes, in microseconds, for schedulers that aim."""
        if when > self.now and not self.scheduler.calm:
            insort(self._instants, when)

    def aims(self) -> list[int]:
        """Microseconds from now to the next instants that matter."""
        instants = self._instants
        while instants and instants[0] <= self.now:
            del instants[0]
        return [when - self.now for when in instants[:8]]

    # -- pauses --------------------------------------------------------------------------------------------------------

    def pause(self, owner: object) -> None:
        """Take no more steps of *owner*."""
        self.pauses.setdefault(owner, [])

    def resume(self, owner: object) -> None:
        """Take the steps of *owner* again, those first that were held."""
        for handle in self.pauses.pop(owner, ()):
            self.scheduler.push(handle)

    def _hold_if_paused(self, handle: Entry) -> bool:
        held = self.pauses.get(self.owner_of(handle))
        if held is None:
            return False
        held.append(handle)
        return True


def _nobody(_: Entry) -> object:
    return None


def _refusal(name: str, instead: str) -> Callable[..., Any]:
    def refuse(self: SimLoop, *_: Any, **__: Any) -> NoReturn:  # noqa: ARG001 (a method)
        msg = f"{name}() inside a simulation: {instead}"
        raise Escaped(msg)

    return refuse


_REFUSED = {
    "give the peer an actor and `ask` it": (
        "create_connection", "create_unix_connection", "create_datagram_endpoint", "getaddrinfo", "getnameinfo", "start_tls",
        "sendfile", "sock_recv", "sock_recv_into", "sock_recvfrom", "sock_recvfrom_into", "sock_sendall", "sock_sendto",
        "sock_connect", "sock_sendfile", "add_reader", "remove_reader", "add_writer", "remove_writer",
    ),
    "give the server an actor with a topic": ("create_server", "create_unix_server", "sock_accept", "connect_accepted_socket"),
    "give the other process an actor": ("subprocess_exec", "subprocess_shell", "connect_read_pipe", "connect_write_pipe"),
    "let a task or a fault rule do what the signal would": ("add_signal_handler", "remove_signal_handler"),
}  # fmt: skip
for _instead, _names in _REFUSED.items():
    for _name in _names:
        setattr(SimLoop, _name, _refusal(_name, _instead))
