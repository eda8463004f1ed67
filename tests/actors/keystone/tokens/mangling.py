"""Ways to spoil a text or bytes that were good, each a function of a `Random`, which decides everything."""

import base64
import string
from collections.abc import Callable, Sequence
from random import Random
from urllib.parse import quote

ODD_BYTES = [
    b"\x00",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\xff" * 8,
    b"\x30\x80",
    b"\x91" * 40,
    b"\xdd\xff\xff\xff\xff",
    b"[" * 999,
]
ODD_TEXTS = [
    "=",
    "====",
    "%3D",
    "!!!!",
    " ",
    "\n",
    "\0",
    ".",
    "..",
    "-",
    "+",
    "/",
    "é",
    "\uff21",
    "\ud800",
    "\U0001f511",
    "MII",
]
ALPHABET = string.ascii_letters + string.digits + "-_"
HUGE = 20_000


def a_slice(random: Random, size: int) -> slice:
    start = random.randrange(size + 1)
    return slice(start, min(size, start + random.choice((1, 1, 2, 4, 8, 16, 64))))


def flip(random: Random, data: bytes) -> bytes:
    if not data:
        return data
    spoilt = bytearray(data)
    spoilt[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(spoilt)


def cut(random: Random, whole: Sequence) -> Sequence:
    return whole[: random.randrange(len(whole) + 1)]


def drop(random: Random, whole: Sequence) -> Sequence:
    part = a_slice(random, len(whole))
    return whole[: part.start] + whole[part.stop :]


def double(random: Random, whole: Sequence) -> Sequence:
    part = a_slice(random, len(whole))
    return whole[: part.stop] + whole[part] * random.choice((1, 1, 3, 50)) + whole[part.stop :]


def blow_up(random: Random, whole: Sequence) -> Sequence:
    return whole + whole[a_slice(random, len(whole))] * (HUGE // 64)


def insert(odd: Sequence) -> Callable:
    def spoil(random: Random, whole: Sequence) -> Sequence:
        at = random.randrange(len(whole) + 1)
        return whole[:at] + random.choice(odd) + whole[at + random.randrange(2) :]

    return spoil


def another_character(random: Random, text: str) -> str:
    at = random.randrange(len(text) + 1)
    return text[:at] + random.choice(ALPHABET) + text[at + 1 :]


RECODINGS = [
    str.swapcase,
    str.lower,
    lambda text: quote(text, errors="replace"),
    lambda text: text.translate(str.maketrans("-_", "+/")),
    lambda text: text + "=" * (-len(text) % 4),
    lambda text: base64.urlsafe_b64encode(text.encode(errors="replace")).decode(),
    lambda text: text.encode(errors="replace").hex(),
    lambda text: text[::-1],
]
OF_BYTES = [flip, flip, cut, drop, double, insert(ODD_BYTES)]
OF_TEXTS = [cut, drop, double, insert(ODD_TEXTS), another_character, another_character]


def mangle_bytes(random: Random, data: bytes) -> bytes:
    """Spoil bytes once or a few times."""
    for _ in range(random.choice((1, 1, 2, 4))):
        data = random.choice(OF_BYTES)(random, data)
    return blow_up(random, data) if random.randrange(200) == 0 else data


def mangle_text(random: Random, text: str) -> str:
    """Spoil a text once or a few times, or write it otherwise."""
    if random.randrange(8) == 0:
        return random.choice(RECODINGS)(text)
    for _ in range(random.choice((1, 1, 2, 4))):
        text = random.choice(OF_TEXTS)(random, text)
    return blow_up(random, text) if random.randrange(200) == 0 else text


def mangle_base64(random: Random, text: str, *, prefix: str = "", altchars: bytes = b"-_") -> str:
    """Spoil what a text of base64 holds, and write it again."""
    body = text[len(prefix) :]
    data = base64.b64decode(body + "=" * (-len(body) % 4), altchars)
    return prefix + base64.b64encode(mangle_bytes(random, data), altchars).decode()


def nonsense(random: Random) -> str:
    """A text of any characters."""
    alphabet = random.choice((ALPHABET, ALPHABET + ".=", ALPHABET + "".join(ODD_TEXTS)))
    return "".join(random.choice(alphabet) for _ in range(random.randrange(60)))


def odd_value(random: Random, depth: int = 0) -> object:
    """A value that JSON and msgpack know, of any kind."""
    kind = random.randrange(9 if depth < 3 else 6)
    match kind:
        case 0:
            return random.choice((None, True, False))
        case 1:
            return random.choice((0, 1, -1, 127, 128, 2**31, 2**63 - 1, -(2**63), 253_402_300_800))
        case 2:
            return random.choice((0.0, -1.5, 1e300, float("nan"), float("inf"), -float("inf")))
        case 3 | 4:
            return random.choice(
                ("", "all", "default", "a" * 32, "password", "é", "2023-11-14T23:13:20Z", "9999-99-99")
            )
        case 5:
            return [] if random.randrange(2) else {}
        case 6 | 7:
            return [odd_value(random, depth + 1) for _ in range(random.randrange(4))]
        case _:
            return {random.choice(("id", "token", "user", "x")): odd_value(random, depth + 1)}


def mangle_value(random: Random, value: object) -> object:
    """Put something else in one place of a value of dicts and lists, or leave the place out."""
    if isinstance(value, dict) and value and random.randrange(8):
        key = random.choice(list(value))
        rest = {name: kept for name, kept in value.items() if name != key}
        return rest if random.randrange(6) == 0 else value | {key: mangle_value(random, value[key])}
    if isinstance(value, list) and value and random.randrange(4):
        at = random.randrange(len(value))
        return [*value[:at], mangle_value(random, value[at]), *value[at + 1 :]]
    return odd_value(random)
