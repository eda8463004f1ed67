"""A world: one run of a program in simulated time, with its bus, its network, its clocks and its faults.

    async def program(world: World) -> None:
        await world.bus.start(Adder)
        assert await world.bus.ask(Add(left=1, right=2)) == 3

    World(seed=7).run(program)

The seed decides every order, every delay and every fault. A run that fails says how to run it again.
"""

import shlex
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import anyio

from bus.broker import Bus
from bus.cell import State
from bus.errors import ActorKilled, UsageError
from bus.middleware import Middleware
from bus.sim.clock import SimClock
from bus.sim.faults import Faults
from bus.sim.guards import Threads, guarded
from bus.sim.links import Latency, Links
from bus.sim.loop import SimLoop
from bus.sim.network import SimNetwork
from bus.sim.schedule import Schedule
from bus.sim.scheduler import Scheduler
from bus.sim.schedulers import scheduler_of
from bus.topic import Target
from bus.trace import Sink

T = TypeVar("T")

EPOCH = 1_767_225_600.0
"""2026-01-01 00:00 UTC, when a world begins unless it is told otherwise."""
MAX_STEPS = 10_000_000
LATENCY = Latency.within(0.001)

Program = Callable[["World"], Awaitable[T]]


class World:
    """Everything that one run in simulated time consists of.

    Args:
        seed: stands for a schedule of the default portfolio (see `Schedule.of`); None for the calm run.
        schedule: a schedule instead of a seed.
        latency: of every link that `links` is not told about.
        epoch: seconds since 1970 that a correct wall clock shows at the start.
        trace: where a `bus.trace.Record` of each step of each message goes.
        middleware: hooks of the bus.
        threads: what becomes of work for a thread.
        max_steps: steps after which the run fails; None for no limit.
        max_time: seconds of simulated time after which it fails; None for no limit.
    """

    def __init__(
        self, seed: int | None = None, *, schedule: Schedule | None = None, latency: Latency = LATENCY, epoch: float = EPOCH,
        trace: Sink | None = None, middleware: Sequence[Middleware] = (), threads: Threads = Threads.REFUSE,
        max_steps: int | None = MAX_STEPS, max_time: float | None = None,
    ) -> None:  # fmt: skip
        if seed is not None and schedule is not None:
            msg = f"seed={seed} stands for a schedule: give it, or schedule=, not both"
            raise UsageError(msg)
        self.schedule = schedule or (Schedule() if seed is None else Schedule.of(seed))
        self.scheduler: Scheduler = scheduler_of(self.schedule)
        self.links = Links(latency)
        self.faults = Faults(self._strikes)
        self._epoch = epoch
        self._trace = trace
        self._middleware = middleware
        self._limits: dict[str, Any] = {"threads": threads, "max_steps": max_steps, "max_time": max_time}
        self._threads = threads
        self._streams: dict[str, Random] = {}
        self._has_run = False
        self.on_step: Callable[[Any], None] | None = None
        """Called with each step of the loop before it is taken."""

    bus: Bus
    """Open while the program runs."""
    loop: SimLoop
    """The event loop of the run."""

    def run(self, program: Program[T]) -> T:
        """Run *program* to its end.

        Args:
            program: an async function that takes this world.

        Returns:
            What it returned.

        Raises:
            Exception: what it raised, with a note that says how to run it again.
            Stalled: if nothing can happen any more before it has ended.
            OutOfBudget: if it takes more steps or simulated time than allowed.
        """
        if self._has_run:
            msg = "a world runs once: make another one with the same seed"
            raise UsageError(msg)
        self._has_run = True
        self.loop = SimLoop(self.scheduler, **self._limits)
        self.loop.on_step = self.on_step
        self._network = SimNetwork(self.loop, self.links, self.faults, self._epoch)
        try:
            with guarded(self._threads):
                result = anyio.run(self._main, program, backend_options={"loop_factory": lambda: self.loop})
                if self.loop.unraised:
                    raise self.loop.unraised[0]
        except Exception as error:
            error.add_note(recipe(program, self.schedule))
            raise
        return result

    async def _main(self, program: Program[T]) -> T:
        async with Bus(trace=self._trace, middleware=self._middleware, network=self._network) as self.bus:
            self._network.note = self.bus.note
            self.loop.on_stall = lambda: list(self.bus.waits())
            try:
                return await program(self)
            finally:
                for owner in list(self.loop.pauses):  # a paused actor could not even end
                    self.loop.resume(owner)

    def _strikes(self, rule: str, n: int, probability: float) -> bool:
        return self.scheduler.fault(rule, n, probability)  # whichever scheduler it has by then: a search may wrap it

    # -- chance and time -----------------------------------------------------------------------------------------------

    def random(self, name: str) -> Random:
        """The stream of random numbers called *name*: a function of the seed and the name."""
        found = self._streams.get(name)
        if found is None:
            found = self._streams[name] = Random(f"{name}/{self.schedule.seed}")
        return found

    @property
    def now(self) -> float:
        """Seconds of simulated time since the start."""
        return self.loop.time()

    def clock(self, target: Target) -> SimClock:
        """The clock of the actor at *target*: set its `skew` (seconds) and `drift` (share) to make it wrong."""
        return self._network.clock(str(target))

    # -- what happens to actors ----------------------------------------------------------------------------------------

    def crash(self, target: Target, reason: str = "a fault") -> None:
        """Crash an actor: its tasks end, its memory is gone. A supervisor may restart it; nobody hears from it meanwhile.

        The end of its process is also the end of its pause.
        """
        self.loop.resume(self.bus.cell(target))
        self.bus.crash(target, ActorKilled(f"{target} was crashed by {reason}"))

    async def restart(self, target: Target) -> None:
        """Begin a new life of an actor that is down."""
        await self.bus.restart(target)

    async def reboot(self, target: Target, seconds: float) -> None:
        """Crash an actor, and begin its new life *seconds* later, unless somebody did so before."""
        self.crash(target)
        await anyio.sleep(seconds)
        if self.bus.state(target) == State.DOWN.value:
            await self.restart(target)

    def pause(self, target: Target) -> None:
        """Let an actor take no step, as if its process was stopped. Messages for it wait, its timers ring later."""
        self.loop.pause(self.bus.cell(target))
        self.bus.note("paused", str(target))

    def resume(self, target: Target) -> None:
        """Let a paused actor go on."""
        self.loop.resume(self.bus.cell(target))
        self.bus.note("resumed", str(target))


def recipe(program: Callable[..., Any], schedule: Schedule) -> str:
    """How to run *program* with *schedule* again: one call, and one shell command if the program has an address."""
    name = getattr(program, "__qualname__", repr(program))
    lines = [f"run it again:  replay({name}, {str(schedule)!r})"]
    if (address := address_of(program)) is not None:
        lines.append(f"or in a shell: python -m bus.sim replay {shlex.quote(address)} {shlex.quote(str(schedule))}")
    return "\n".join(lines)


def address_of(program: Callable[..., Any]) -> str | None:
    """``module:function``, or ``file.py:function`` for the main program; None for what cannot be imported."""
    name = getattr(program, "__qualname__", "<")
    module = getattr(program, "__module__", None)
    if "<" in name or module is None:
        return None
    if module != "__main__":
        return f"{module}:{name}"
    file = getattr(sys.modules["__main__"], "__file__", None)
    if file is None:
        return None
    path = Path(file)
    return f"{path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}:{name}"
