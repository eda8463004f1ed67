"""A group: one table of the report."""

import attrs

from tests.benchmarks.floors import Floor
from tests.benchmarks.rounds import Case


@attrs.frozen
class Group:
    """Cases that are measured in turns and shown together.

    Attributes:
        name: for ``--only``.
        title: what is measured, and in which unit.
        cases: in the order of a round.
        than: the row whose figures are 1; None if rows are not compared.
        floors: what is promised.
        most: what is above it was not counted any further; None if everything was.
    """

    name: str
    title: str
    cases: tuple[Case, ...]
    than: str | None = None
    floors: tuple[Floor, ...] = ()
    most: float | None = None
