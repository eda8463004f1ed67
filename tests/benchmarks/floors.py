"""Floors: what a figure must not fall short of, and whether it did."""

import attrs

from tests.benchmarks.rounds import Figures


def shown(value: float) -> str:
    """*value* as a reader wants it: three digits, or as many as it has before the point."""
    return f"{value:,.3g}" if value < 100 else f"{value:,.0f}"


@attrs.frozen
class Bound:
    """One way to hold a floor.

    Attributes:
        limit: the figure must be at least that.
        than: count in multiples of this row's figure; None: the figure itself.
        most: it must be at most *limit* instead.
    """

    limit: float
    than: str | None = None
    most: bool = False

    def __str__(self) -> str:
        side = "at most" if self.most else "at least"
        return f"{side} {shown(self.limit)}" + (f" x {self.than}" if self.than else "")

    def measured(self, figures: Figures, row: str, column: str) -> float | None:
        """What *limit* is compared with; None if it is not known."""
        return figures.median(row, column) if self.than is None else figures.ratio(row, column, self.than)

    def held_by(self, value: float) -> bool:
        """Whether *value* is on the right side."""
        return value <= self.limit if self.most else value >= self.limit


@attrs.frozen
class Verdict:
    """How a floor fared.

    Attributes:
        floor: what was demanded.
        measured: what was found, bound by bound.
        passed: None if what it takes to tell was not measured.
    """

    floor: str
    measured: str
    passed: bool | None


@attrs.frozen
class Floor:
    """A promise about one figure. It holds if any of its bounds does."""

    row: str
    column: str
    bounds: tuple[Bound, ...]

    def __str__(self) -> str:
        return f"{self.row}, {self.column}: {' or '.join(map(str, self.bounds))}"

    def judge(self, figures: Figures) -> Verdict:
        """Compare it with what was measured."""
        found = [(bound, bound.measured(figures, self.row, self.column)) for bound in self.bounds]
        known = [(bound, value) for bound, value in found if value is not None]
        passed = any(bound.held_by(value) for bound, value in known)
        text = ", ".join(shown(value) + (" x" if bound.than else "") for bound, value in known)
        return Verdict(str(self), text or "not measured", None if not passed and len(known) < len(found) else passed)
