"""Hunting: many seeds, each of which stands for a workload, a cloud, faults and a schedule, spread over all processors.

A hunt is a map over seeds: what `run_seed` does depends on its seed alone, so that processes, or machines, can share the work.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import as_completed
from contextlib import suppress
from itertools import count, islice
from multiprocessing import cpu_count
from time import monotonic  # noqa: TID251 (how long people want to wait is no business of the simulation)
from typing import Final

import attrs

from actors.testing.cases import random_case
from actors.testing.invariants import InvariantBroken, Verdict, Violation, Watch
from actors.testing.machine import run_case
from actors.testing.workers import workers
from bus.sim import World
from bus.sim.schedule import Schedule
from bus.sim.search import Failure, shrink

READABLE: Final = 500
"""Characters of a line that is worth more than a seed."""
BATCH: Final = 4
"""Seeds that a process takes at a time."""


@attrs.frozen
class Run:
    """What one seed showed.

    Attributes:
        seed: which.
        line: its schedule; ``python -m bus.sim replay actors.testing.hunted:play LINE`` runs it again.
        verdicts: of each invariant.
        violations: what broke.
        error: what else went wrong, in words; empty if nothing did.
    """

    seed: int
    line: str
    verdicts: dict[str, Verdict]
    violations: tuple[Violation, ...] = ()
    error: str = ""

    @property
    def shows(self) -> dict[str, str]:
        """What went wrong, by the name of the invariant or of the error."""
        broken = {one.invariant: str(one) for one in reversed(self.violations)}
        return broken | ({self.error.partition(":")[0]: self.error} if self.error else {})


def run_seed(seed: int) -> Run:
    """Run the case that a seed stands for, and look at every invariant."""
    schedule = Schedule.of(seed)

    async def program(world: World) -> Run:
        watch = await _watch(world)
        return Run(seed, str(schedule), watch.verdicts(), tuple(watch.violations))

    try:
        return World(schedule=schedule).run(program)
    except Exception as error:  # noqa: BLE001 (whatever a run raises is what the hunt is after)
        return Run(seed, str(schedule), {}, error=f"{type(error).__name__}: {error}")


def hunt_seeds(
    first: int, *, runs: int | None, seconds: float | None, processes: int | None = None,
    progress: Callable[[Run], None] = lambda _: None,
) -> list[Run]:  # fmt: skip
    """Run seed after seed.

    Args:
        first: the first seed.
        runs: how many; None for as many as there is time for.
        seconds: of real time after which no more are begun; None for no limit.
        processes: how many work at once; None for one for each processor.
        progress: told of each run that is over.

    Returns:
        The runs by seed.
    """
    seeds = iter(count(first) if runs is None else range(first, first + runs))
    end = None if seconds is None else monotonic() + seconds
    found: list[Run] = []
    batches, processes = _batches(seeds), processes or cpu_count() or 1
    with workers(processes) as pool:
        pending = {pool.submit(_run_all, batch) for batch in islice(batches, 2 * processes)}
        while pending:
            done = next(as_completed(pending))
            pending.remove(done)
            for run in done.result():
                found.append(run)
                progress(run)
            if (end is None or monotonic() < end) and (batch := next(batches, None)):
                pending.add(pool.submit(_run_all, batch))
    return sorted(found, key=lambda run: run.seed)


def verdicts(runs: Iterable[Run]) -> dict[str, Verdict]:
    """What a hunt showed of each invariant: the worst of what its runs showed."""
    order = (Verdict.NEVER_EXERCISED, Verdict.HELD, Verdict.BROKEN)
    total: dict[str, Verdict] = {}
    for run in runs:
        for name, verdict in run.verdicts.items():
            total[name] = max(total.get(name, Verdict.NEVER_EXERCISED), verdict, key=order.index)
    return total


def failures(runs: Iterable[Run]) -> dict[str, Run]:
    """The first run that shows it, by what went wrong; see `Run.shows`."""
    first: dict[str, Run] = {}
    for run in runs:
        for name in run.shows:
            first.setdefault(name, run)
    return first


def smallest(found: Mapping[str, Run], limit: int, processes: int | None = None) -> dict[str, str]:
    """The lines of the smallest runs that still show it, by what went wrong.

    Args:
        found: what `failures` found.
        limit: runs that are spent on each.
        processes: as in `hunt_seeds`.
    """
    with workers(processes) as pool:
        return dict(zip(found, pool.map(shrunk, found.values(), found, [limit] * len(found)), strict=True))


def shrunk(run: Run, name: str, limit: int) -> str:
    """The line of the smallest run that still shows it; its own one if *limit* runs leave more than anybody reads."""
    schedule = Schedule.parse(run.line)

    async def program(world: World) -> None:
        watch = await _watch(world)
        if any(one.invariant == name for one in watch.violations):
            raise _ShownError

    try:
        World(schedule=schedule).run(program)
    except Exception as error:  # noqa: BLE001 (see `run_seed`)
        small = str(shrink(Failure(program, schedule, error, 1), limit=limit).schedule)
        return small if len(small) <= READABLE else run.line
    return run.line


class _ShownError(Exception):
    """An invariant broke again, and not some other one: while shrinking, nothing but the type of an error counts."""


async def _watch(world: World) -> Watch:
    """Run the case that the seed of a world stands for, as `actors.testing.hunted.play` does, and tell what broke."""
    watch = await run_case(random_case(world.random("case")), world)
    with suppress(InvariantBroken):
        watch.check()
    return watch


def _batches(seeds: Iterator[int]) -> Iterator[tuple[int, ...]]:
    while batch := tuple(islice(seeds, BATCH)):
        yield batch


def _run_all(seeds: tuple[int, ...]) -> list[Run]:
    return [run_seed(seed) for seed in seeds]
