"""What the loop runs: handles, the lanes they belong to, and tasks with an order of their own."""

import asyncio
from collections import deque
from collections.abc import Coroutine, Sequence
from contextvars import Context
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from bus.sim.loop import SimLoop


class Lane:
    """A queue of steps that keep their order: one task's steps, or the messages between one pair of actors.

    Attributes:
        label: its name in schedules, the same in every run.
        owner: the actor whose pause holds it up; None for one that cannot be paused.
        count: how often it was ready, as counted by whoever records or replays.
        last: microseconds of simulated time before which its next message may not arrive.
        sent: messages so far.
        backlog: messages of which the first could not get through yet.
        timers: timers set in its name so far.
        rank: its place among the priorities, the lowest going first; None if it has none yet.
        back: the lane of the answers; None for a lane of answers.
    """

    __slots__ = ("back", "backlog", "count", "label", "last", "owner", "rank", "sent", "timers")

    def __init__(self, label: str, owner: object = None) -> None:
        self.label = label
        self.owner = owner
        self.count = 0
        self.last = 0
        self.sent = 0
        self.timers = 0
        self.rank: float | None = None
        self.backlog: deque[Any] | None = None
        self.back: Lane | None = None


ANYIO = anyio.__file__.removesuffix("__init__.py")
"""Where anyio's own functions come from."""
Entry = Sequence[Any]
"""``(callback, args, context, lane)``: what the loop runs; a `Handle`, or a tuple where nobody may cancel it."""


class Handle(list[Any]):
    """``[callback, args, context, lane]``: a callback that is to run. A list, because C makes and unpacks it fastest."""

    __slots__ = ()

    def cancel(self) -> None:
        """Do not run it."""
        self[0] = None
        self[1] = ()

    def cancelled(self) -> bool:
        """Whether it will not run."""
        return self[0] is None


class TimerHandle(Handle):
    """``[callback, args, context, lane, when, loop]``: a callback that is to run at *when* microseconds.

    Its loop is taken from it when its time has come.
    """

    __slots__ = ()

    def cancel(self) -> None:
        """Do not run it."""
        if self[0] is not None:
            super().cancel()
            if self[5] is not None:
                self[5].timer_cancelled()

    def when(self) -> float:
        """Seconds of the loop's clock at which it is to run."""
        return float(self[4] / 1_000_000)


class SimTask(asyncio.Task[Any]):
    """A task that hashes by its number: sets of tasks then have the same order in every run.

    (asyncio and anyio keep tasks in sets, and cancel siblings in the order of the set; the default hash is the address.)
    """

    __slots__ = ("count", "label", "lanes", "number", "rank", "timers")

    def __init__(
        self, coro: Coroutine[Any, Any, Any], *, loop: "SimLoop", name: str | None, context: Context | None, number: int
    ) -> None:
        self.number = number
        self.count = 0
        self.timers = 0
        self.rank: float | None = None
        self.lanes: dict[Any, Lane] = {}
        self.label = loop.label(_name(coro, name))
        super().__init__(coro, loop=loop, name=name or self.label, context=context)

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return self is other


def _name(coro: Coroutine[Any, Any, Any], name: str | None) -> str:
    """What to call a task: an actor's tasks by the actor, all others by their function.

    Other names do not count: before Python 3.13 asyncio gives them later. anyio wraps the function, and its names begin with the
    module, which is called otherwise when the program is imported from a file to be run again.
    """
    function = str(getattr(coro, "__qualname__", "task"))
    if name is not None and function.startswith("Cell."):
        return name
    code = getattr(coro, "cr_code", None)
    if name is not None and code is not None and code.co_filename.startswith(ANYIO):
        return name.rpartition(".")[2]
    return function.rpartition("<locals>.")[2]
