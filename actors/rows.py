"""Rows of databases: frozen values, in whose place changed copies are put."""

from typing import Any, TypeVar

R = TypeVar("R")


def evolved(row: R, **changes: Any) -> R:
    """A copy of *row* with other values: `attrs.evolve`, six times as fast.

    For classes that are made with ``slots=False``. Neither converters nor validators see the values, so these must be what the fields
    are to hold.
    """
    copy = object.__new__(type(row))
    copy.__dict__.update(row.__dict__)
    copy.__dict__.update(changes)
    return copy
