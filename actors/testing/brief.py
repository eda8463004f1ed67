"""Values in few words: without the fields that have their defaults, so that a failing case reads like a story."""

from typing import Any

import attrs


def brief(value: Any) -> str:
    """*value* as it could be written down, leaving out what need not be said."""
    if isinstance(value, tuple):
        items: tuple[Any, ...] = value  # pyright: ignore[reportUnknownVariableType]
        parts = [brief(one) for one in items]
        return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"
    kind: type[Any] = type(value)  # pyright: ignore[reportUnknownVariableType]
    if not attrs.has(kind):
        return repr(value)
    said = [
        f"{one.alias}={brief(getattr(value, one.name))}"
        for one in attrs.fields(kind)
        if one.repr and not _is_default(one, getattr(value, one.name))
    ]
    return f"{kind.__name__}({', '.join(said)})"


def _is_default(field: "attrs.Attribute[Any]", value: Any) -> bool:
    default: Any = field.default
    if hasattr(default, "takes_self"):  # an `attrs.Factory`
        return not default.takes_self and bool(default.factory() == value)
    return bool(default == value)
