"""``hunt``: search for what timing breaks, on all processors, and say what became of each invariant."""

import logging
from typing import Final

import click
import structlog
from rich.console import Console
from rich.progress import Progress

from actors.cli.tables import show
from actors.testing.hunting import Run, hunt_seeds, shrunk, verdicts
from actors.testing.invariants import ALL, NOT_EXERCISABLE, Verdict

SHRINK: Final = 60
"""Runs that are spent on making a failure small."""


@click.command("hunt")
@click.option("--runs", type=click.IntRange(1), help="So many.  [default: 200, or as many as --seconds allow]")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="Begin no more after so long.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The first one.")
@click.option("--processes", type=click.IntRange(1), help="Work with so many.  [default: one a processor]")
@click.option("--shrink/--no-shrink", "small", default=True, show_default=True, help="Make what is found small.")
def hunt_command(*, runs: int | None, seconds: float | None, seed: int, processes: int | None, small: bool) -> None:
    """Run a cloud under random workloads, configurations, faults and schedules, and look at every invariant.

    Each seed is one run, and always the same one. The status is 1 if an invariant broke.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    wanted = runs or (None if seconds else 200)
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("hunting", total=wanted)
        found = hunt_seeds(
            seed, runs=wanted, seconds=seconds, processes=processes, progress=lambda _: bar.advance(task)
        )
    total = verdicts(found)
    rows = [(kind.name, kind.title, *_verdict(kind.name, total, found, small)) for kind in ALL]
    rows += [(name, "", "cannot be exercised", reason) for name, reason in NOT_EXERCISABLE.items()]
    show(
        (
            "name",
            "invariant",
            f"in {len(found)} runs",
            "run it again: python -m bus.sim replay actors.testing.hunted:play",
        ),
        rows,
    )
    errors = [run for run in found if run.error]
    for run in errors[:3]:
        click.echo(f"seed {run.seed} failed: {run.error}\n  {run.line}", err=True)
    if errors or Verdict.BROKEN in total.values():
        click.get_current_context().exit(1)


def _verdict(name: str, total: dict[str, Verdict], found: list[Run], small: bool) -> tuple[str, str]:  # noqa: FBT001
    verdict = total.get(name, Verdict.NEVER_EXERCISED)
    if verdict is not Verdict.BROKEN:
        return verdict.value, ""
    broken = [run for run in found if any(one.invariant == name for one in run.violations)]
    line = shrunk(broken[0], SHRINK) if small else broken[0].line
    return f"broken in {len(broken)}", line
