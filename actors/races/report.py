"""Whether every race is found, how soon, how small it gets, and whether the correct code withstands ten times as much.

The work is cut into shares that know nothing of each other, and are spread over processes: a hunt each, and some runs of the correct code
each. So the table is the same, however many work on it.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from statistics import median
from typing import Final

import attrs

from actors.races import races
from actors.testing.invariants import InvariantBroken
from actors.testing.workers import workers
from bus.sim import Failure, Schedule, hunt, shrink

RUNS: Final = 1000
"""Runs within which a race must be found."""
SEEDS: Final = 20
"""Hunts, of which one may fail to find it."""
TIMES: Final = 10
"""As many times more runs must the correct code withstand."""
APART: Final = 10_000_000
"""How far apart hunts begin, so that no two of them try the same schedule."""
SHARE: Final = 250
"""Runs of the correct code that a process makes at a time."""


@attrs.frozen
class Ending:
    """How a hunt ended that found something.

    Attributes:
        runs: with which run.
        schedule: of that run.
        error: what it raised, in words.
        broken: whether that was an invariant; otherwise the scenario is wrong.
        operations: how many operations were together in it, if that was asked for.
    """

    runs: int
    schedule: Schedule
    error: str
    broken: bool
    operations: int = 0

    @classmethod
    def of(cls, failure: Failure, operations: int = 0) -> "Ending":
        """The same as a value that can be sent to other processes."""
        error = failure.error
        text = f"{type(error).__name__}: {error}"
        return cls(failure.runs, failure.schedule, text, isinstance(error, InvariantBroken), operations)


@attrs.frozen(kw_only=True)
class Finding:
    """What became of one race.

    Attributes:
        race: its name.
        hunts: how each hunt ended; None for one that found nothing.
        small: the first failure, made small; None if there was none.
        withstood: runs that the correct code withstood.
        mended: how the correct code failed, if it did.
    """

    race: str
    hunts: tuple[Ending | None, ...]
    small: Ending | None
    withstood: int
    mended: Ending | None

    @property
    def found(self) -> tuple[int, ...]:
        """The runs in which hunts found it, ascending."""
        return tuple(sorted(end.runs for end in self.hunts if end is not None and end.broken))

    @property
    def median(self) -> float | None:
        """The run in which the median hunt found it; None if that did not."""
        ends = [*self.found, *[None] * (len(self.hunts) - len(self.found))]
        middle = {ends[(len(ends) - 1) // 2], ends[len(ends) // 2]}
        return None if None in middle else median(run for run in middle if run is not None)

    @property
    def good(self) -> bool:
        """Whether all but one hunt in twenty found it, it is small, and the correct code has withstood."""
        missed = len(self.hunts) - len(self.found)
        small = self.small is not None and self.small.operations <= races()[self.race].min_operations + 1
        return missed <= len(self.hunts) // SEEDS and small and self.mended is None


def report(
    names: Iterable[str] = (), *, runs: int = RUNS, seeds: int = SEEDS, withstand: int | None = None,
    processes: int | None = None, progress: Callable[[float], None] = lambda _: None,
) -> Iterator[Finding]:  # fmt: skip
    """Hunt for some races, or all of them, and tell of each as soon as it and those before it are done.

    Args:
        names: of races; none for all.
        runs: schedules that each hunt tries at most.
        seeds: how many hunts.
        withstand: runs that the correct code must withstand; None for ten times *runs*.
        processes: how many work at once; None for one for each processor.
        progress: told, from another thread, which part of the whole each share was that is done.
    """
    survival = TIMES * runs if withstand is None else withstand
    with workers(processes) as pool:
        pending = {name: _Pending.submit(pool, name, runs, seeds, survival) for name in names or races()}
        shares = [share for one in pending.values() for share in one.shares]
        for share in shares:
            share.add_done_callback(lambda _: progress(1 / len(shares)))
        for name, one in pending.items():
            yield one.finding(name, survival)


@attrs.frozen
class _Pending:
    """The shares of one race."""

    hunts: list[Future[Ending | None]]
    small: Future[Ending | None]
    mended: list[Future[Ending | None]]

    @classmethod
    def submit(cls, pool: ProcessPoolExecutor, race: str, runs: int, seeds: int, survival: int) -> "_Pending":
        return cls(
            [pool.submit(_hunt, race, seed, runs) for seed in range(seeds)],
            pool.submit(_small, race, seeds, runs),
            [pool.submit(_withstand, race, begin, survival) for begin in range(0, survival, SHARE)],
        )

    @property
    def shares(self) -> list[Future[Ending | None]]:
        return [*self.hunts, self.small, *self.mended]

    def finding(self, race: str, survival: int) -> Finding:
        ends = [share.result() for share in self.mended]
        mended = next((end for end in ends if end is not None), None)
        return Finding(
            race=race,
            hunts=tuple(share.result() for share in self.hunts),
            small=self.small.result(),
            withstood=survival if mended is None else mended.runs - 1,
            mended=mended,
        )


def _hunt(race: str, seed: int, runs: int) -> Ending | None:
    """A share: one hunt."""
    failure = hunt(races()[race].programs()[0], runs=runs, seed=seed * APART)
    return None if failure is None else Ending.of(failure)


def _small(race: str, seeds: int, runs: int) -> Ending | None:
    """A share: the failure of the first hunt that finds one, made small."""
    program, _ = races()[race].programs()
    failures = (hunt(program, runs=runs, seed=seed * APART) for seed in range(seeds))
    failure = next((found for found in failures if found is not None), None)
    if failure is None or not isinstance(failure.error, InvariantBroken):
        return None
    small = shrink(failure)
    return Ending.of(small, races()[race].operations(small.schedule))


def _withstand(race: str, begin: int, survival: int) -> Ending | None:
    """A share: some of the runs of the correct code."""
    failure = hunt(races()[race].programs()[1], runs=min(SHARE, survival - begin), seed=begin)
    return None if failure is None else attrs.evolve(Ending.of(failure), runs=begin + failure.runs)


HEADS: Final = ("race", "breaks", "found", "median run", "worst", "operations", "correct code")


def table(findings: Iterable[Finding]) -> str:
    """Findings as a table, a line each, and below it how to see each of them again."""
    rows = list(findings)
    lines = [HEADS, *(cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([*text, "", *(line for row in rows for line in recipes(row))])


def cells(row: Finding) -> tuple[str, ...]:
    """A finding as a line of the table."""
    race, found = races()[row.race], row.found
    missed = len(found) < len(row.hunts)
    return (
        row.race,
        breaks(row.race),
        f"{len(found)} of {len(row.hunts)}",
        "never" if row.median is None else f"{row.median:g}",
        "never" if missed else f"{found[-1]}",
        f"{0 if row.small is None else row.small.operations} of {race.min_operations}",
        f"held in {row.withstood} runs" if row.mended is None else f"BROKE in run {row.withstood + 1}",
    )


def breaks(name: str) -> str:
    """The invariants that a race breaks, one of which is enough."""
    return " or ".join(races()[name].invariants)


def recipes(row: Finding) -> list[str]:
    """How to see again what was found, and what should not have been."""
    wrong = next((end for end in row.hunts if end is not None and not end.broken), None)
    ends = (("program", "", row.small), ("program", " is WRONG", wrong), ("counterpart", " BROKE", row.mended))
    module = races()[row.race].scenario.__module__
    return [
        f"{row.race}{what}: python -m bus.sim replay {module}:{program} {end.schedule}"
        + (f"\n  {end.error}" if what else "")
        for program, what, end in ends
        if end is not None
    ]
