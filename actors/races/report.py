"""Whether every race is found, how soon, how small it gets, and whether the correct code withstands ten times as much."""

from collections.abc import Callable, Iterable, Iterator
from statistics import median
from typing import Final

import attrs

from actors.races import races
from actors.races.base import Race
from actors.testing.invariants import InvariantBroken
from bus.sim import Failure, Schedule, hunt, shrink
from bus.sim.world import Program

RUNS: Final = 1000
"""Runs within which a race must be found."""
SEEDS: Final = 20
"""Hunts, of which one may fail to find it."""
TIMES: Final = 10
"""As many times more runs must the correct code withstand."""
APART: Final = 10_000_000
"""How far apart hunts begin, so that no two of them try the same schedule."""

Portfolio = Callable[[int], Schedule]


@attrs.frozen(kw_only=True)
class Finding:
    """What became of one race.

    Attributes:
        race: its name.
        invariants: names of those that it breaks.
        found: the run in which each hunt found it; None for a hunt that did not.
        schedule: the schedule of the first failure, made small; None if there was none.
        text: what it broke.
        operations: how many operations are together in it.
        min_operations: how many the race needs.
        withstood: runs that the correct code withstood.
        broken: the schedule with which the correct code broke an invariant, if one did.
    """

    race: str
    invariants: tuple[str, ...]
    found: tuple[int | None, ...]
    schedule: Schedule | None
    text: str
    operations: int
    min_operations: int
    withstood: int
    broken: Schedule | None

    @property
    def median(self) -> float | None:
        """The run in which the median hunt found it; None if that did not."""
        ends = sorted(self.found, key=lambda run: RUNS * TIMES if run is None else run)
        middle = [ends[(len(ends) - 1) // 2], ends[len(ends) // 2]]
        return None if None in middle else median(run for run in middle if run is not None)

    @property
    def good(self) -> bool:
        """Whether all but one hunt in twenty found it, it is small, and the correct code has withstood."""
        missed = sum(run is None for run in self.found)
        return missed <= len(self.found) // SEEDS and self.operations <= self.min_operations + 1 and self.broken is None


def examine(
    race: Race,
    *,
    runs: int = RUNS,
    seeds: int = SEEDS,
    withstand: int | None = None,
    portfolio: Portfolio = Schedule.of,
) -> Finding:
    """Hunt for a race.

    Args:
        race: the race.
        runs: schedules that each hunt tries at most.
        seeds: how many hunts.
        withstand: runs that the correct code must withstand; None for ten times *runs*.
        portfolio: the schedule that a seed stands for.

    Raises:
        Exception: whatever a run raises but `InvariantBroken`: then the scenario is wrong.
    """
    program, counterpart = race.programs()
    failures = [_hunt(program, runs, seed * APART, portfolio) for seed in range(seeds)]
    first = next((failure for failure in failures if failure is not None), None)
    small = None if first is None else shrink(first)
    survival = TIMES * runs if withstand is None else withstand
    broken = _hunt(counterpart, survival, 0, portfolio)
    return Finding(
        race=race.name,
        invariants=(*race.invariants, *(kind.name for kind in race.own)),
        found=tuple(None if failure is None else failure.runs for failure in failures),
        schedule=None if small is None else small.schedule,
        text="" if small is None else str(small.error),
        operations=0 if small is None else race.operations(small.schedule),
        min_operations=race.min_operations,
        withstood=survival if broken is None else broken.runs - 1,
        broken=None if broken is None else broken.schedule,
    )


def _hunt(program: Program[None], runs: int, seed: int, portfolio: Portfolio) -> Failure | None:
    failure = hunt(program, runs=runs, seed=seed, portfolio=portfolio)
    if failure is not None and not isinstance(failure.error, InvariantBroken):
        raise failure.error
    return failure


def report(
    names: Iterable[str] = (), *, runs: int = RUNS, seeds: int = SEEDS, withstand: int | None = None
) -> Iterator[Finding]:
    """Hunt for some races, or all of them, and tell of each as soon as it is done; the arguments are those of `examine`."""
    known = races()
    for name in names or known:
        yield examine(known[name], runs=runs, seeds=seeds, withstand=withstand)


def table(findings: Iterable[Finding]) -> str:
    """Findings as a table, a line each, and below it how to see each of them again."""
    rows = list(findings)
    heads = ("race", "breaks", "found", "median run", "operations", "correct code")
    cells = [heads, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    recipes = [f"{row.race}: {recipe(row.race, row.schedule)}" for row in rows if row.schedule is not None]
    return "\n".join([*lines, "", *recipes])


def _cells(row: Finding) -> tuple[str, ...]:
    found = sum(run is not None for run in row.found)
    return (
        row.race,
        " or ".join(row.invariants),
        f"{found} of {len(row.found)}",
        "never" if row.median is None else f"{row.median:g}",
        f"{row.operations} of {row.min_operations}",
        f"held in {row.withstood} runs" if row.broken is None else f"BROKE in run {row.withstood + 1}: {row.broken}",
    )


def recipe(name: str, schedule: Schedule) -> str:
    """The command that replays a race."""
    return f"python -m bus.sim replay {races()[name].scenario.__module__}:program {schedule}"
