"""URL-safe base64 without padding, as tokens and audit ids use it."""

import binascii
from typing import Final

_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")


def encode(data: bytes) -> str:
    """Write *data* without any `=`."""
    return binascii.b2a_base64(data).translate(_TO_URL, b"=\n").decode("ascii")


def decode(text: str) -> bytes:
    """Read *text*, with or without padding, as leniently as Python's base64 is.

    Characters outside both base64 alphabets are passed over, but count when the missing padding is worked out.

    Raises:
        ValueError: Too many or too few characters, or a lone surrogate.
    """
    return binascii.a2b_base64(text.encode().translate(_FROM_URL) + b"=" * (-len(text) % 4))
