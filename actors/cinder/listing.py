"""Lists: filters, order and pages, as every list of the Block Storage API has them."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from actors.cinder.errors import InvalidInput
from actors.errors import NotFound

T = TypeVar("T")


def matches(row: Any, filters: Mapping[str, object]) -> bool:
    """Whether each field that *filters* names (None: any) is equal, or, for pairs such as metadata, has these among its own."""
    return all(wanted is None or _fits(wanted, getattr(row, name)) for name, wanted in filters.items())


def _fits(wanted: Any, found: Any) -> bool:
    return wanted.items() <= found.items() if isinstance(wanted, Mapping) else bool(wanted == found)


def ordered(rows: Iterable[T], sort: str, fields: Iterable[str]) -> list[T]:
    """Sort *rows*.

    Args:
        rows: what to sort.
        sort: ``"key:direction,..."``; a key without a direction goes down, as in cinder.
        fields: keys that there are.

    Raises:
        InvalidInput: if a key or a direction is none.
    """
    result = list(rows)
    for part in reversed(sort.split(",")):
        key, _, direction = part.strip().partition(":")
        if key not in fields or direction not in {"", "asc", "desc"}:
            raise InvalidInput(f"cannot sort by {part!r}: say key:asc or key:desc, with a key of {', '.join(fields)}")
        result.sort(key=lambda row: _sortable(getattr(row, key)), reverse=direction != "asc")
    return result


def _sortable(value: Any) -> tuple[bool, Any]:
    return (value is not None, value if value is not None else 0)


def page(rows: list[T], *, marker: str | None, offset: int, limit: int | None, most: int) -> tuple[T, ...]:
    """Cut a page out of *rows*.

    Args:
        rows: all of them, in order.
        marker: id of the row before the first.
        offset: rows to skip after that.
        limit: rows at most; None for as many as one answer may hold.
        most: rows that one answer may hold.

    Raises:
        InvalidInput: if *limit* or *offset* is negative.
        NotFound: if there is no row with the marker's id.
    """
    if offset < 0 or (limit is not None and limit < 0):
        raise InvalidInput(f"limit={limit} and offset={offset} must be 0 or more")
    start = offset
    if marker is not None:
        places = (place for place, row in enumerate(rows) if getattr(row, "id", None) == marker)
        if (found := next(places, None)) is None:
            raise NotFound(f"marker {marker} is none of the entries: give the id of the last one seen")
        start += found + 1
    return tuple(rows[start : start + min(most, most if limit is None else limit)])
