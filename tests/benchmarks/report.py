"""The report: a table for people, JSON for machines."""

import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
from rich.console import Console
from rich.table import Table

from tests.benchmarks.floors import Verdict, shown
from tests.benchmarks.group import Group
from tests.benchmarks.rounds import Figures

WORDS = {True: "[green]holds[/]", False: "[bold red]MISSED[/]", None: "[yellow]not measured[/]"}


@attrs.frozen
class Result:
    """A group that was measured."""

    group: Group
    figures: Figures
    verdicts: tuple[Verdict, ...]


def judge(group: Group, figures: Figures) -> Result:
    """Compare what was measured with what is promised."""
    return Result(group, figures, tuple(floor.judge(figures) for floor in group.floors))


def show(result: Result, console: Console) -> None:
    """Print one group, and under it its floors."""
    group, figures = result.group, result.figures
    columns = list(dict.fromkeys(column for _, column in figures.rounds))
    console.print(group.title, style="bold", highlight=False)
    table = Table("who", "what it does")
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for row, text in {case.row: case.text for case in group.cases}.items():
        gap = figures.gaps.get(row)
        table.add_row(row, text, *([gap] if gap else [_cell(result, row, column) for column in columns]))
    console.print(table)
    for verdict in result.verdicts:
        console.print(
            f"  {WORDS[verdict.passed]}  {verdict.floor} (measured: {verdict.measured})",
            highlight=False,
            soft_wrap=True,
        )
    console.print()


def _cell(result: Result, row: str, column: str) -> str:
    value = result.figures.median(row, column)
    if value is None:
        return "-"
    if result.group.most is not None and value > result.group.most:
        return f">{shown(result.group.most)}"
    text = shown(value)
    ratio = None if result.group.than is None else result.figures.ratio(row, column, result.group.than)
    return text if ratio is None else f"{text} ({ratio:.2g}x)" if ratio < 10 else f"{text} ({ratio:.0f}x)"


def write(results: Sequence[Result], rounds: int, path: Path) -> None:
    """Write everything that was measured, round by round."""
    text = json.dumps(
        {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "rounds": rounds,
            "groups": {result.group.name: _as_data(result) for result in results},
        },
        indent=2,
    )
    path.write_text(text + "\n", encoding="utf-8")


def _as_data(result: Result) -> dict[str, Any]:
    group, figures = result.group, result.figures
    return {
        "title": group.title,
        "rows": {case.row: case.text for case in group.cases},
        "than": group.than,
        "most": group.most,
        "figures": [
            {
                "row": row,
                "column": column,
                "median": figures.median(row, column),
                "ratio": None if group.than is None else figures.ratio(row, column, group.than),
                "rounds": list(values.values()),
            }
            for (row, column), values in figures.rounds.items()
        ],
        "gaps": dict(figures.gaps),
        "floors": [attrs.asdict(verdict) for verdict in result.verdicts],
    }
