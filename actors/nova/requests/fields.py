"""Kinds of fields, as JSON schemas (nova's `api/validation/parameter_types.py`).

Numbers and truth values may come as texts: older clients send them so, and nova takes them.
"""

from typing import Any, Final

Schema = dict[str, Any]

MAX_INT: Final = 0x7FFFFFFF
"""The largest number that nova's database can have."""
TRUE: Final = (True, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes")
FALSE: Final = (False, "False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no")


def text(most: int = 255, least: int = 0, *, null: bool = False, **more: Any) -> Schema:
    """A text of *least* to *most* characters, or perhaps null."""
    return {"type": ["string", "null"] if null else "string", "minLength": least, "maxLength": most, **more}


def number(least: int, most: int = MAX_INT) -> Schema:
    """A whole number from *least* to *most*, or a text that spells one."""
    pattern = "^-?[0-9]+$" if least < 0 else "^[0-9]+$"
    return {"type": ["integer", "string"], "pattern": pattern, "minimum": least, "maximum": most}


def table(fields: Schema, required: tuple[str, ...] = ()) -> Schema:
    """An object with these fields and no others."""
    return {"type": "object", "properties": fields, "required": list(required), "additionalProperties": False}


def pairs(values: Schema) -> Schema:
    """An object with whatever names, such as metadata."""
    return {"type": "object", "patternProperties": {"^[a-zA-Z0-9-_:. ]{1,255}$": values}, "additionalProperties": False}


def array(items: Schema, **more: Any) -> Schema:
    """A list of such things."""
    return {"type": "array", "items": items, **more}


COUNT: Final = {"type": ["integer", "string"], "pattern": "^[0-9]*$", "minimum": 1, "minLength": 1, "maxLength": 255}
BOOLEAN: Final[Schema] = {"type": ["boolean", "string"], "enum": [*TRUE, *FALSE]}
NAME: Final = {"type": "string", "format": "name", "minLength": 1, "maxLength": 255}
DESCRIPTION: Final = text(null=True, format="description")
UUID: Final[Schema] = {"type": "string", "format": "uuid"}
HOST: Final = text(least=1, pattern="^[a-zA-Z0-9-._]*$")
TAG: Final = text(60, 1, pattern="^[^,/]*$")
METADATA: Final = pairs(text())
IP: Final[Schema] = {"type": "string", "oneOf": [{"format": "ipv4"}, {"format": "ipv6"}]}
DEVICE: Final = text(null=True, pattern="(^/dev/x{0,1}[a-z]{0,1}d{0,1})([a-z]+)[0-9]*$")


def is_true(value: object) -> bool:
    """What a `BOOLEAN` says."""
    return value in TRUE
