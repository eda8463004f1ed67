"""``races``: is each real bug of the catalogue found, how soon, and does the correct code withstand?"""

import click
from rich.console import Console
from rich.progress import Progress

from actors.races import races
from actors.races.report import RUNS, SEEDS, Finding, cells, recipes, report, table


@click.command("races")
@click.argument("name", nargs=-1)
@click.option("--runs", type=click.IntRange(1), default=RUNS, show_default=True, help="In which a hunt must find it.")
@click.option("--seeds", type=click.IntRange(1), default=SEEDS, show_default=True, help="Hunts for each.")
@click.option("--withstand", type=click.IntRange(1), help="Runs of the correct code.  [default: ten times --runs]")
@click.option("--processes", type=click.IntRange(1), help="Work with so many.  [default: one a processor]")
def races_command(
    *, name: tuple[str, ...], runs: int, seeds: int, withstand: int | None, processes: int | None
) -> None:
    """Hunt for the races called NAME (all of them, if none is named), and print one table of what was found.

    Each line names a bug that OpenStack has had, the invariant that it breaks, and how many runs it took to find it. The status is 1 if
    one is not found, does not become small, or shows in the correct code, too.
    """
    known = races()
    if unknown := [one for one in name if one not in known]:
        raise click.BadParameter(f"{unknown[0]!r} is no race; there are {', '.join(known)}", param_hint="NAME")
    found: list[Finding] = []
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("hunting", total=1)
        for finding in report(
            name, runs=runs, seeds=seeds, withstand=withstand, processes=processes,
            progress=lambda share: bar.advance(task, share),
        ):  # fmt: skip
            found.append(finding)
            lines = [", ".join((*cells(finding), "good" if finding.good else "NOT GOOD")), *recipes(finding)]
            bar.console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
    click.echo(table(found))
    if not all(finding.good for finding in found):
        click.get_current_context().exit(1)
