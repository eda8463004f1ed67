"""What keeps a simulation inside: sets with an order, threads that are none, and an alarm at every way out.

anyio and asyncio keep tasks and cancel scopes in plain sets, whose order follows memory addresses. While a simulation runs,
the modules that do so see a `set` that keeps the order of insertion. Waiting functions that would leave simulated time are
met twice: the loop's own methods refuse, and an audit hook of the interpreter catches what bypasses the loop.
"""

import asyncio.taskgroups
import asyncio.tasks
import gc
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from enum import Enum
from typing import Any

import anyio._backends._asyncio as backend

from bus.sim.errors import Escaped


class Threads(Enum):
    """What becomes of work for a thread (``anyio.to_thread``, ``anyio.open_file``, ``loop.run_in_executor``)."""

    REFUSE = "refuse"
    """It raises `Escaped`."""
    INLINE = "inline"
    """It runs at once, as one step that takes no simulated time. Files may then be used."""


class OrderedSet(dict[Any, None]):
    """A set that keeps the order of insertion, as far as anyio and asyncio use one."""

    def __init__(self, items: Iterable[Any] = ()) -> None:
        super().__init__(dict.fromkeys(items))

    def add(self, item: Any) -> None:
        """Put *item* in."""
        self[item] = None

    def discard(self, item: Any) -> None:
        """Take *item* out, if it is in."""
        self.pop(item, None)

    def remove(self, item: Any) -> None:
        """Take *item* out."""
        del self[item]


def _set_in_order(*items: Any) -> Any:
    """What `asyncio.as_completed` and `asyncio.wait` make of their arguments; what they give back is a plain set."""
    kept: Any = OrderedSet(*items) if items else set[Any]()
    return kept


_any_order = asyncio.all_tasks


def _all_tasks(loop: asyncio.AbstractEventLoop | None = None) -> set[asyncio.Task[Any]]:
    """All tasks, put into the set one by one, by number: the weak set that asyncio keeps them in knows tasks of other runs."""
    return set(sorted(_any_order(loop), key=hash))  # noqa: C414 (the order of insertion is the point)


WAYS_OUT = {
    "socket.connect": "give the peer an actor and `ask` it",
    "socket.bind": "give the server an actor with a topic",
    "socket.sendto": "give the peer an actor and `tell` it",
    "socket.sendmsg": "give the peer an actor and `tell` it",
    "socket.getaddrinfo": "address actors by their targets",
    "socket.gethostbyname": "address actors by their targets",
    "subprocess.Popen": "give the other process an actor",
    "os.fork": "give the other process an actor",
    "os.posix_spawn": "give the other process an actor",
    "os.system": "give the other process an actor",
    "_thread.start_new_thread": "start a task, or allow threads=Threads.INLINE",
    "_thread.start_joinable_thread": "start a task, or allow threads=Threads.INLINE",
    "Thread.start": "start a task, or allow threads=Threads.INLINE",
    "time.sleep": "await anyio.sleep(), which takes simulated time",
}
"""Audit events that leave a simulation, and what to do instead."""
UNHEARD = ((time, "sleep"), (threading.Thread, "start"))
"""Ways out of which old interpreters say nothing: no audit event of `time.sleep` before 3.13, none of threads before 3.12."""

LITTER = 100_000
"""Objects that runs may leave before the next one collects garbage. Each time would make a search sixty times slower."""
_litter = 0
_inside: list[int] = []
"""The threads that run a simulation. Others go about their business."""


def _alarm(event: str, _: Any) -> None:
    if _inside and event in WAYS_OUT and threading.get_ident() in _inside:
        msg = f"{event} inside a simulation: {WAYS_OUT[event]}"
        raise Escaped(msg)


def _install_alarm() -> None:
    # An audit hook can never be taken away again: add it once, with the first simulation.
    global _install_alarm  # noqa: PLW0603 (a once-only switch)
    sys.addaudithook(_alarm)
    _install_alarm = lambda: None  # noqa: E731


def _alarmed(owner: Any, name: str) -> Callable[..., Any]:
    """The function *name* of *owner*, with an alarm of its own."""
    original = owner.__dict__[name]

    def function(*args: Any, **kwargs: Any) -> Any:
        _alarm(f"{owner.__name__}.{name}", None)
        return original(*args, **kwargs)

    return function


async def _refuse_thread(func: Callable[..., Any], *_: Any, **__: Any) -> Any:
    msg = f"a thread for {getattr(func, '__qualname__', func)!r} inside a simulation: allow it with threads=Threads.INLINE"
    raise Escaped(msg)


async def _run_inline(func: Callable[..., Any], args: tuple[Any, ...], **_: Any) -> Any:
    await backend.AsyncIOBackend.checkpoint()
    return func(*args)


@contextmanager
def guarded(threads: Threads) -> Generator[None]:
    """Keep what runs inside this block inside the simulation, and leave everything as it was afterwards.

    Garbage is not collected meanwhile: when a cycle is found depends on what ran before, and finalizers act.
    """
    global _litter  # noqa: PLW0603 (all runs of the process share one heap)
    _install_alarm()
    in_thread = staticmethod(_run_inline if threads is Threads.INLINE else _refuse_thread)
    places: list[tuple[Any, str, Any]] = [
        (backend, "set", OrderedSet),
        (asyncio.taskgroups, "set", OrderedSet),
        (asyncio.tasks, "set", _set_in_order),
        *((owner, "all_tasks", _all_tasks) for owner in (asyncio, asyncio.tasks, backend)),
        (backend.AsyncIOBackend, "run_sync_in_worker_thread", in_thread),
        *((owner, name, _alarmed(owner, name)) for owner, name in UNHEARD),
    ]
    missing: Any = object()
    before: list[tuple[Any, str, Any]] = [(owner, name, owner.__dict__.get(name, missing)) for owner, name, _ in places]
    collecting = gc.isenabled()
    if _litter > LITTER:
        gc.collect()
        _litter = 0
    gc.disable()
    for owner, name, value in places:
        setattr(owner, name, value)
    _inside.append(threading.get_ident())
    try:
        yield
    finally:
        _inside.remove(threading.get_ident())
        for owner, name, value in before:
            if value is missing:
                delattr(owner, name)
            else:
                setattr(owner, name, value)
        _litter += gc.get_count()[0]
        if collecting:
            gc.enable()
