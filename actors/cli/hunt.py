"""``hunt``: search for what timing breaks, on all processors: what became of each invariant, and which real bugs are found."""

import logging
from collections import Counter
from collections.abc import Iterable
from shlex import quote
from typing import Final

import click
import structlog
from rich.console import Console
from rich.progress import Progress

from actors.cli.tables import show
from actors.races.report import report, table
from actors.testing.hunting import Run, failures, hunt_seeds, smallest, verdicts
from actors.testing.invariants import ALL, NOT_EXERCISABLE, Verdict

RUNS: Final = 200
"""By default, if no time is given."""
SHRINK: Final = 60
"""Runs that are spent on making a failure small."""
HUNTS: Final = 3
"""For each race."""
WITHSTAND: Final = 150
"""Runs that the correct code must withstand: ten times as many as most races take to be found."""


@click.command("hunt")
@click.option("--runs", type=click.IntRange(1), help=f"So many.  [default: {RUNS}, or as many as --seconds allow]")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="Begin no more after so long.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The first one.")
@click.option("--processes", type=click.IntRange(1), help="Work with so many.  [default: one a processor]")
@click.option("--shrink/--no-shrink", "small", default=True, show_default=True, help="Make what is found small.")
@click.option("--races/--no-races", default=True, show_default=True, help="Hunt for OpenStack's real bugs, too.")
def hunt_command(
    *, runs: int | None, seconds: float | None, seed: int, processes: int | None, small: bool, races: bool
) -> None:
    """Run a cloud under random workloads, configurations, faults and schedules, and look at every invariant.

    Each seed is one run, and always the same one. What fails is remembered by Hypothesis, in the current directory, for pytest to run it
    first: see actors.testing.remembered. Then each real bug of the catalogue is hunted for: `python -m actors races` does more of that.
    The status is 1 if an invariant broke, or a race is not as it should be.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    wanted = runs or (None if seconds else RUNS)
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("hunting", total=wanted)
        found = hunt_seeds(
            seed, runs=wanted, seconds=seconds, processes=processes, progress=lambda _: bar.advance(task)
        )
    _show_invariants(found)
    wrong = failures(found)
    if wrong:
        _show_failures(wrong, smallest(wrong, SHRINK, processes) if small else {})
    good = _show_races(processes) if races else True
    if wrong or not good:
        click.get_current_context().exit(1)


def _show_invariants(found: list[Run]) -> None:
    total = verdicts(found)
    broken = Counter(name for run in found for name in run.shows)
    rows = [(kind.name, kind.title, _verdict(total.get(kind.name), broken[kind.name])) for kind in ALL]
    rows += [(name, reason, "cannot be exercised") for name, reason in NOT_EXERCISABLE.items()]
    show(("name", "invariant", f"in {len(found)} runs"), rows)


def _verdict(verdict: Verdict | None, times: int) -> str:
    return f"broken in {times}" if times else (verdict or Verdict.NEVER_EXERCISED).value


def _show_failures(wrong: dict[str, Run], lines: dict[str, str]) -> None:
    """Say what went wrong, with lines that can be copied as they are, however narrow the terminal."""
    for name, run in wrong.items():
        line = quote(lines.get(name, run.line))
        click.echo(f"{run.shows[name]}\n  run it again: python -m bus.sim replay actors.testing.hunted:play {line}")
    if kept := _remember({run.seed for run in wrong.values()}):
        seeds = ", ".join(map(str, kept))
        click.echo(
            f"Hypothesis remembers seed {seeds}; the test in actors.testing.remembered fails until it is mended."
        )
    click.echo()


def _remember(seeds: Iterable[int]) -> list[int]:
    try:
        from actors.testing.remembered import LARGEST, remember  # noqa: PLC0415 (the extra `testing` may be missing)
    except ImportError:
        return []
    return remember(seed for seed in seeds if seed <= LARGEST)


def _show_races(processes: int | None) -> bool:
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("hunting for races", total=1)
        shares = report(
            seeds=HUNTS, withstand=WITHSTAND, processes=processes, progress=lambda share: bar.advance(task, share)
        )
        found = list(shares)
    click.echo(table(found))
    return all(one.good for one in found)
