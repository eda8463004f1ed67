"""Tables, on a terminal or in a file."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDTH: Final = 120
"""Characters, where no terminal says its own."""


def show(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; what looks like rich's markup or a terminal's commands is shown as it is."""
    table = Table(*columns, box=box.SIMPLE)
    for row in rows:
        table.add_row(*(Text(_printable(str(cell))) for cell in row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    console.print(table)


def _printable(text: str) -> str:
    return text if text.isprintable() and text == text.strip() else ascii(text)
