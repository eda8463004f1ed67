"""Kinds of values that several commands take."""

import re
import sys
from typing import Final

import click

_UNITS: Final = {"d": 86_400, "h": 3600, "m": 60, "s": 1}


def duration(text: str) -> int:
    """Read whole seconds from a text such as `90`, `90s`, `15m`, `48h` or `1d12h`."""
    if re.fullmatch(r"[0-9]{1,12}", text):
        return int(text)
    if re.fullmatch(r"([0-9]{1,9}[dhms])+", text):
        return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"([0-9]+)([dhms])", text))
    raise click.BadParameter(f"{text!r} is no duration; say whole seconds, or such as 15m, 48h, 1d12h")


def interval(text: str) -> int:
    """Read a duration that is not 0."""
    seconds = duration(text)
    if not seconds:
        raise click.BadParameter(f"{text!r} is no interval; it must be a second or more")
    return seconds


def spoken(seconds: int) -> str:
    """Say a duration as `duration` reads it, such as `1d12h`."""
    said = ""
    for unit, size in _UNITS.items():
        count, seconds = divmod(seconds, size)
        said += f"{count}{unit}" if count else ""
    return said or "0s"


def token(text: str) -> str:
    """Take a token as it is, or for `-` the first line of the standard input, which no other user can see."""
    if text == "-":
        text = sys.stdin.readline().rstrip("\r\n")
    if not text:
        raise click.BadParameter("there is no token; give one, or - and the token on the standard input")
    return text
