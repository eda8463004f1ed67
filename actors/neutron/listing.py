"""Lists: filters, order and pages, as every list of the Networking API has them."""

from collections.abc import Iterable
from typing import Any, TypeVar, cast

import attrs

from actors.neutron.errors import InvalidInput

T = TypeVar("T")

_PAGING = ("sort_key", "sort_dir", "limit", "marker")


_FILTERS: dict[type, tuple[str, ...]] = {}


def _filters(msg: attrs.AttrsInstance) -> tuple[str, ...]:
    kind = type(msg)
    if kind not in _FILTERS:
        _FILTERS[kind] = tuple(field.name for field in attrs.fields(kind) if field.name not in _PAGING)
    return _FILTERS[kind]


def filtered(rows: Iterable[T], msg: Any) -> list[T]:
    """The rows that fit: a list message's fields are named as the rows' are, and hold values of which any will do.

    A row's field that holds several values (its security groups) fits if any of them does.
    """
    wanted = [(name, value) for name in _filters(msg) if (value := getattr(msg, name)) not in (None, ())]
    return [row for row in rows if all(_fits(getattr(row, name), value) for name, value in wanted)]


def _fits(found: Any, wanted: Any) -> bool:
    if not isinstance(wanted, tuple):
        return bool(found == wanted)
    if isinstance(found, tuple):
        return any(one in wanted for one in cast("tuple[object, ...]", found))
    return found in wanted


def page(rows: list[T], msg: Any) -> tuple[T, ...]:
    """Order *rows* and cut a page out of them, as the list message *msg* says.

    Raises:
        InvalidInput: for a sort key, direction, limit or marker that is none.
    """
    if len(msg.sort_key) != len(msg.sort_dir):
        raise InvalidInput(f"{len(msg.sort_key)} sort keys and {len(msg.sort_dir)} sort directions: give one for each")
    for key, direction in reversed(list(zip(msg.sort_key, msg.sort_dir, strict=True))):
        if key not in (*_filters(msg), "created_at", "updated_at") or direction not in {"asc", "desc"}:
            raise InvalidInput(f"cannot sort by {key!r} {direction!r}: give a field and asc or desc")
        rows.sort(key=lambda row: _sortable(getattr(row, key)), reverse=direction == "desc")
    start = 0
    if msg.marker is not None:
        ids: list[Any] = [getattr(row, "id", None) for row in rows]
        if msg.marker not in ids:
            raise InvalidInput(f"marker {msg.marker!r} is none of the entries: give the id of the last one seen")
        start = ids.index(msg.marker) + 1
    if msg.limit is not None and msg.limit < 0:
        raise InvalidInput(f"limit {msg.limit} is negative: leave it out for no limit")
    return tuple(rows[start:] if not msg.limit else rows[start : start + msg.limit])


def _sortable(value: Any) -> tuple[bool, Any]:
    return (value is not None, 0 if value is None else value)
