"""Rounds: every case once, then every case again, and the medians of what they measured."""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from statistics import median
from time import perf_counter
from typing import Self

import attrs

Key = tuple[str, str]
"""Row and column of a table."""


@attrs.frozen
class Case:
    """Something that is measured.

    Attributes:
        row: who does it.
        text: what exactly it does.
        run: does it once. Returns figures by column; the cases of one row have different columns.
        peer: the module of another project that it needs; empty for none. What it raises then only leaves a gap.
        once: it is slow, so that the first round must do.
    """

    row: str
    text: str
    run: Callable[[], Mapping[str, float]]
    peer: str = ""
    once: bool = False

    @property
    def installed(self) -> bool:
        """Whether it can be run at all."""
        return not self.peer or find_spec(self.peer) is not None


@attrs.frozen
class Figures:
    """What was measured.

    Attributes:
        rounds: figures by round, for each row and column.
        gaps: why a row has none.
    """

    rounds: Mapping[Key, Mapping[int, float]]
    gaps: Mapping[str, str]

    def median(self, row: str, column: str) -> float | None:
        """The median over all rounds; None if it was not measured."""
        values = self.rounds.get((row, column))
        return median(values.values()) if values else None

    def ratio(self, row: str, column: str, than: str) -> float | None:
        """How many times the figure of another row it is: the median of the ratios within each round."""
        ours, theirs = self.rounds.get((row, column), {}), self.rounds.get((than, column), {})
        ratios = [ours[turn] / theirs[turn] for turn in ours if turn in theirs]
        return median(ratios) if ratios else None


class Watch:
    """Seconds that a ``with`` block took."""

    seconds = 0.0

    def __enter__(self) -> Self:
        self._began = perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = perf_counter() - self._began


def measure(cases: Sequence[Case], rounds: int, note: Callable[[str], None]) -> Figures:
    """Run every case in turns.

    Args:
        cases: in the order of a round.
        rounds: how many.
        note: told what is being measured.
    """
    figures: dict[Key, dict[int, float]] = {}
    gaps = {case.row: "not installed" for case in cases if not case.installed}
    for turn in range(rounds):
        for case in cases:
            if case.row in gaps or (case.once and turn):
                continue
            note(f"round {turn + 1} of {rounds}: {case.row}")
            try:
                with _no_garbage_collection():
                    found = case.run()
            except Exception as error:
                if not case.peer:
                    raise
                gaps[case.row] = f"failed: {error!r}"
                continue
            for column, value in found.items():
                figures.setdefault((case.row, column), {})[turn] = value
    return Figures(figures, gaps)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
