"""Idle actors: how long they take to start, how much memory they hold, and whether they still answer.

Each measurement has a process of its own, so that the memory is theirs alone.
"""

import gc
import multiprocessing
import resource
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from random import Random

import anyio

from bus import Actor, Bus, Request, Target, message
from bus.sim import World
from tests.benchmarks.crowd import crowd
from tests.benchmarks.floors import Bound, Floor
from tests.benchmarks.group import Group
from tests.benchmarks.rounds import Case, Watch
from tests.benchmarks.scale import Scale

START, BYTES, FLOW, ANSWERED = "seconds to start", "bytes each", "asks/s among them", "share answered"
CALLERS = 100
HOPS = 10
"""Actors that a chain of asks goes through."""


@message
class Pass(Request[int]):
    """Pass it on along the way; the answer counts the actors that it reached."""

    way: tuple[Target, ...]


class Idler(Actor):
    """Waits for something to pass on."""

    @Pass.handler
    async def pass_on(self, msg: Pass) -> int:
        return 1 + (await self.bus.ask(Pass(way=msg.way[1:]), to=msg.way[0]) if msg.way else 0)


def group(scale: Scale) -> Group:
    """The table of idle actors."""
    cases = (
        Case("bus, simulated time", "one World in a fresh process", partial(_alone, scale.idle, simulated=True)),
        Case("bus, real time", "one Bus in a fresh process", partial(_alone, scale.idle, simulated=False)),
    )
    bounds = ((START, Bound(10, most=True)), (BYTES, Bound(4096, most=True)), (ANSWERED, Bound(1)))
    floors = tuple(Floor(case.row, column, (bound,)) for case in cases for column, bound in bounds)
    return Group("idle", f"{scale.idle:,} idle actors", cases, None, floors)


def _alone(count: int, *, simulated: bool) -> Mapping[str, float]:
    """A case's `run`."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_populate, count, simulated=simulated).result()


def _populate(count: int, *, simulated: bool) -> Mapping[str, float]:
    """Start actors and have some of them ask each other."""
    if simulated:
        return World(max_steps=None).run(lambda world: _live(world.bus, count))

    async def main() -> Mapping[str, float]:
        async with Bus() as bus:
            return await _live(bus, count)

    gc.disable()  # as a world does
    return anyio.run(main)


async def _live(bus: Bus, count: int) -> Mapping[str, float]:
    before = _resident()
    with Watch() as start:
        targets = [await bus.start(Idler) for _ in range(count)]
    held = _resident() - before
    asks = min(count, 10_000)
    chains = max(1, asks // HOPS // CALLERS)
    chance = Random(count)
    answered = 0

    async def caller(_: int) -> None:
        nonlocal answered
        for _chain in range(chains):
            # Ever onwards, so that no circle of actors waits for each other.
            first, *way = (targets[place] for place in sorted(chance.sample(range(count), HOPS)))
            reached = await bus.ask(Pass(way=tuple(way)), to=first)
            answered += reached  # in a line of its own: read after the await, not before

    seconds = await crowd(CALLERS, caller)
    sent = CALLERS * chains * HOPS
    return {START: start.seconds, BYTES: held / count, FLOW: sent / seconds, ANSWERED: answered / sent}


def _resident() -> int:
    """Bytes of memory this process holds (or, where the system does not tell, the most it ever held)."""
    gc.collect()
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
