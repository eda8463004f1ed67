"""Checks bodies against tables, and says what is wrong with them in nova's words (nova's `api/validation/validators.py`)."""

import base64
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, cast
from uuid import UUID

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema import ValidationError as Violation
from jsonschema.validators import extend  # pyright: ignore[reportUnknownVariableType]  # in its stubs

from actors.nova.errors import ValidationError

Json = Mapping[str, Any]

SECRETS: Final = frozenset({"adminPass", "user_data"})
"""Fields whose values no error shows. (Nova's do.)"""
BAD_NAME: Final = (
    "An invalid 'name' value was provided. The name must be: "
    "printable characters. Can not start or end with whitespace."
)

_FORMATS: Final = FormatChecker()


def _format(name: str) -> Callable[[Callable[[str], bool]], Callable[[str], bool]]:
    """Mark a function as the check of the format *name*, which is asked of texts alone."""

    def register(check: Callable[[str], bool]) -> Callable[[str], bool]:
        def fits(value: object) -> bool:
            return not isinstance(value, str) or check(value)

        _FORMATS.checks(name)(fits)
        return check

    return register


@_format("description")
def _is_printable(text: str) -> bool:
    """Whether *text* has no control characters, no separators but spaces, and only characters that nova's patterns know."""
    return all(ord(char) < 0xFFFF and not re.match("C|Z[lp]", unicodedata.category(char)) for char in text)


@_format("name")
def _is_name(text: str) -> bool:
    return _is_printable(text) and text == text.strip()


@_format("uuid")
def _is_uuid(text: str) -> bool:
    """Whether it is a UUID in any of the ways to write one (oslo's `uuidutils.is_uuid_like`)."""
    plain = re.sub("urn:|uuid:|-", "", text).strip("{}").lower()
    try:
        return UUID(plain).hex == plain
    except ValueError:
        return False


@_format("base64")
def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text)
    except ValueError:
        return False
    return True


def _number(value: object) -> object:
    """The number that a text spells, as nova allows; *value* itself if it is no text, or spells none."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(value) if isinstance(value, str) else value
    return value


def _spelt(keyword: str) -> Any:
    """The check of *keyword*, which is made for numbers, for texts that spell one too."""

    def check(validator: Any, limit: float, value: object, schema: Json) -> Iterator[Violation]:
        yield from Draft202012Validator.VALIDATORS[keyword](validator, limit, _number(value), schema)

    return check


_SPELT = {keyword: _spelt(keyword) for keyword in ("minimum", "maximum")}
_Validator = cast("Any", extend)(Draft202012Validator, _SPELT)


class Body:
    """What the bodies of one kind of request look like.

    Args:
        schema: a JSON schema. Of several things that are wrong the one is reported that comes first in it.
    """

    def __init__(self, schema: Json) -> None:
        self._validator = _Validator(schema, format_checker=_FORMATS)

    def check(self, body: object) -> dict[str, Any]:
        """The body, if it is as it should be.

        Raises:
            ValidationError: with the first thing that is wrong with it.
        """
        violation = next(self._validator.iter_errors(body), None)
        if violation is not None:
            raise ValidationError(
                _text(violation), field=".".join(map(str, (*violation.absolute_path, *_missed(violation))))
            )
        return cast("dict[str, Any]", body)


def _text(violation: Any) -> str:
    if violation.validator == "format" and violation.validator_value == "name":
        return BAD_NAME
    value, shown = violation.instance, _shown(violation.instance)
    field = violation.path[-1] if violation.path else ""
    if field in SECRETS:
        shown = "***"
    message = violation.message.replace(repr(value), repr(shown)) if shown != value else violation.message
    return f"Invalid input for field/attribute {field}. Value: {shown}. {message}" if violation.path else message


def _shown(value: Any) -> Any:
    """*value* without its secrets."""
    if isinstance(value, dict):
        fields = cast("Json", value).items()
        return {name: "***" if name in SECRETS else _shown(part) for name, part in fields}
    return [_shown(part) for part in cast("Iterable[Any]", value)] if isinstance(value, list) else value


def _missed(violation: Any) -> list[str]:
    """The field that is missing, or superfluous, in the thing that the violation is about."""
    names: list[str] = []
    if violation.validator == "required":
        names = [name for name in violation.validator_value if name not in violation.instance]
    elif violation.validator == "additionalProperties":
        known = re.compile("|".join(violation.schema.get("patternProperties", {"(?!)": None})))
        fields = violation.schema.get("properties", ())
        names = [name for name in violation.instance if name not in fields and not known.search(name)]
    return names[:1]
