"""``python -m tests.benchmarks``: measure, print, write, and fail if a floor is missed."""

import sys
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from tests.benchmarks import ask, boots, fuzz, idle, load, publish, races, steps, timers, tokens
from tests.benchmarks.group import Group
from tests.benchmarks.report import Result, judge, show, write
from tests.benchmarks.rounds import measure
from tests.benchmarks.scale import FULL, QUICK, Scale

GROUPS: dict[str, Callable[[Scale], Group]] = {
    "ask": ask.group,
    "publish": publish.group,
    "timers": timers.group,
    "idle": idle.group,
    "steps": steps.group,
    "tokens": tokens.group,
    "load": load.group,
    "boots": boots.group,
    "fuzz": fuzz.group,
    "races": races.group,
}
LONG = {"races"}
"""Groups that take long, and are only measured if they are named."""
WIDTH = 150
"""Of the report where no terminal says its own."""


@click.command()
@click.option(
    "--only",
    type=click.Choice(list(GROUPS)),
    multiple=True,
    help=f"Measure this group alone. May be repeated.  [default: all but {', '.join(LONG)}]",
)
@click.option("--rounds", type=click.IntRange(1), help="Measure everything so often.  [default: 5; quick: 3]")
@click.option(
    "--json", "path", type=click.Path(dir_okay=False, path_type=Path), default="bench.json", show_default=True
)
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw Keystone's load into this file, and do nothing else.",
)
@click.option("--quick", is_flag=True, help="Do a fraction of the work, for a first look.")
def main(*, only: tuple[str, ...], rounds: int | None, path: Path, picture: Path | None, quick: bool) -> None:
    """Measure the bus beside its peers, tokens beside bare Fernet, boots, what invariants cost, and ways to find races."""
    if picture is not None:
        load.draw(picture)
        return
    console, errors = Console(), Console(stderr=True)
    if not console.is_terminal:
        console = Console(width=WIDTH)
    rounds = rounds or (3 if quick else 5)
    results: list[Result] = []
    for name in only or [name for name in GROUPS if name not in LONG]:
        group = GROUPS[name](QUICK if quick else FULL)
        with errors.status(name) as status:
            results.append(judge(group, measure(group.cases, rounds, status.update)))
        show(results[-1], console)
    write(results, rounds, path)
    missed = [verdict for result in results for verdict in result.verdicts if verdict.passed is False]
    for verdict in missed:
        errors.print(f"missed: {verdict.floor} (measured: {verdict.measured})", highlight=False, soft_wrap=True)
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
