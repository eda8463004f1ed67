"""What a token says by its own word: nothing here is verified, so nothing here may decide anything.

For people who look into a token. A Fernet token is not among them: who has no key of it sees its time of issue alone,
and who has one verifies it by opening it.
"""

import json
from enum import StrEnum
from typing import Any

from actors.keystone.tokens import base64url
from actors.keystone.tokens.cms import unverified_content
from actors.keystone.tokens.errors import TokenNotFound
from actors.keystone.tokens.pki import PKI_PREFIX, PKIZ_PREFIX, read_message


class Format(StrEnum):
    """A format, as its looks tell."""

    FERNET = "Fernet"
    JWS = "JWS"
    UUID = "UUID"
    PKI = "PKI"
    PKIZ = "PKIZ"


def recognize(token: str) -> Format:
    """Tell a token's format by its looks.

    Raises:
        TokenNotFound: It looks like none.
    """
    if token.startswith(PKIZ_PREFIX):
        return Format.PKIZ
    if token.startswith(PKI_PREFIX):
        return Format.PKI
    if token.startswith("gAAAA"):  # the version, and the zeros before any time that a calendar has
        return Format.FERNET
    if token.count(".") == 2:
        return Format.JWS
    if len(token) == 32 and set(token) <= set("0123456789abcdef"):
        return Format.UUID
    raise TokenNotFound(f"{len(token)} characters that look like no token of Keystone's")


def read_jws(token: str) -> tuple[Any, Any]:
    """Return the header and the payload of a JWS token, as JSON values.

    Raises:
        TokenNotFound: It is not of that form.
    """
    header, payload = token.split(".")[:2] if token.count(".") == 2 else ("", "")
    return _read_json(header), _read_json(payload)


def read_signed_body(token: str) -> Any:
    """Return the body of a PKI or PKIZ token, as a JSON value.

    Raises:
        TokenNotFound: It is not of that form.
    """
    return _parse(unverified_content(read_message(token)))


def _read_json(part: str) -> Any:
    try:
        data = base64url.decode(part)
    except ValueError:
        data = b""
    return _parse(data)


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise TokenNotFound(f"{len(data)} bytes of the token are not JSON") from None
