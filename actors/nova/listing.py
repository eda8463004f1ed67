"""Lists: order, filters and pages, as the lists of the Compute API have them."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from actors.nova.errors import InvalidInput, MarkerNotFound

T = TypeVar("T")


def ordered(rows: Iterable[T], value: Callable[[T], Any], sort_dir: str) -> list[T]:
    """Sort *rows* by a value that may be None; those with equal ones by age.

    Args:
        rows: the oldest first.
        value: of a row.
        sort_dir: ``"asc"`` or ``"desc"``.

    Raises:
        InvalidInput: for another direction.
    """
    if sort_dir not in {"asc", "desc"}:
        raise InvalidInput(f"Invalid input received: sort_dir {sort_dir!r} is neither 'asc' nor 'desc'")
    keyed = [((found is not None, found, age), row) for age, row in enumerate(rows) for found in (value(row),)]
    return [row for _, row in sorted(keyed, key=lambda pair: pair[0], reverse=sort_dir == "desc")]


def page(
    rows: Iterable[T], *, name: Callable[[T], str], marker: str | None, limit: int | None, most: int,
    fits: Callable[[T], bool] = lambda _: True,
) -> tuple[T, ...]:  # fmt: skip
    """Cut a page out of *rows*.

    Args:
        rows: all that whoever asks may see, in order.
        name: what markers call a row.
        marker: the row before the first, which need not fit.
        limit: so many at most; None for *most*.
        most: what one answer holds at most (`max_limit`).
        fits: whether a row is wanted.

    Raises:
        InvalidInput: if *limit* is negative.
        MarkerNotFound: if there is no row of the marker's name.
    """
    if limit is not None and limit < 0:
        raise InvalidInput(f"Invalid input received: limit {limit} must be 0 or more")
    found = list(rows)
    if marker is not None:
        names = [name(row) for row in found]
        if marker not in names:
            raise MarkerNotFound(f"marker [{marker}] not found: give the one of the last entry seen")
        found = found[names.index(marker) + 1 :]
    return tuple(row for row in found if fits(row))[: most if limit is None else min(limit, most)]
