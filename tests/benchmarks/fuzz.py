"""Fuzz: what it costs to look at every invariant, while servers boot, and while the machine runs what hunts run.

Both rows run under the same schedules, a new one for each run, and count the processor's seconds.
"""

import time
from collections.abc import Mapping
from functools import partial

import anyio

from actors.cloud import Cloud
from actors.races.boots import server
from actors.testing.cases import random_case
from actors.testing.invariants import Watch
from actors.testing.machine import run_case
from actors.testing.rest import rest
from actors.testing.restraint import restrain
from bus.sim import World, hunt
from bus.sim.world import Program
from tests.benchmarks.floors import Bound, Floor
from tests.benchmarks.group import Group
from tests.benchmarks.rounds import Case
from tests.benchmarks.scale import Scale

WITHOUT, WITH = "no invariants", "all invariants"
BOOTS, RUNS = "boots per CPU s", "runs per CPU s"
SERVERS = 6
"""Booted in a run, one a second."""


def group(scale: Scale) -> Group:
    """The table of what is looked at."""
    rows = ((WITHOUT, False, "nothing is looked at"), (WITH, True, "at each event, and at rest"))
    cases = [
        Case(row, text, partial(figure, scale.fuzzed, watched=watched))
        for figure in (_boots, _runs)
        for row, watched, text in rows
    ]
    floors = tuple(Floor(WITH, column, (Bound(0.5, WITHOUT),)) for column in (BOOTS, RUNS))
    return Group(
        "fuzz",
        "fuzz: servers booted, and runs of the machine, under all sorts of schedules",
        tuple(cases),
        WITHOUT,
        floors,
    )


def _per_second(runs: int, program: Program[None]) -> float:
    began = time.process_time()
    failure = hunt(program, runs=runs)
    taken = time.process_time() - began
    if failure is not None:
        raise failure.error
    return runs / taken


def _boots(runs: int, *, watched: bool) -> Mapping[str, float]:
    async def program(world: World) -> None:
        begin, cloud = restrain(world), Cloud()
        watch = Watch(cloud, world) if watched else None
        await cloud.start(world.bus, world.random)
        begin()
        demo = cloud.session("demo")
        for _ in range(SERVERS):
            await demo.ask(server("one"))
            await anyio.sleep(1)
        await rest(cloud, world)
        if watch is not None:
            watch.at_rest()
            watch.check()

    return {BOOTS: SERVERS * _per_second(runs, program)}


def _runs(runs: int, *, watched: bool) -> Mapping[str, float]:
    async def program(world: World) -> None:
        """As `actors.testing.hunted.play`; without invariants the watch has its ears on, and nobody listens."""
        watch = await run_case(random_case(world.random("case")), world, invariants=None if watched else ())
        watch.check()

    return {RUNS: _per_second(runs, program)}
