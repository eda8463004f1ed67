"""A schedule: every choice of a run, as a value and as one line of text.

A run is a function of the program, its configuration and its schedule. A schedule is a seed, the algorithm that
turns it into choices, and deviations from the calm run: first in, first out, nominal latencies, no accident. The choices
of any run can be written as deviations from the calm one, which is how a failure becomes short: "all as usual, but this
message took 61 minutes".

Each deviation answers one question, named by whom it is about and how often it had been asked about them (so that one
deviation does not shift the meaning of the others):

=======  ======================================================  ======================================================
kind     the *n*-th time that ...                                *value*
=======  ======================================================  ======================================================
hold     *lane* (a task, or a pair of actors) was ready to go    ... that many steps of others went first
late     *lane* sent a message or set a timer                    ... it took so many microseconds more than nominal
pick     *lane* (a topic or group) had to choose a member        ... it took the one so many places after the next
fault    *lane* (a fault rule with a probability) was asked      ... it struck, if 1
=======  ======================================================  ======================================================

The line: ``sr1,ALGORITHM,SEED,kind:lane@n=value,...,CHECK`` where `sr1` is the version, lanes are percent-encoded,
and CHECK is the CRC-32 of all before it in hexadecimal.
"""

import re
import zlib
from typing import Self
from urllib.parse import quote, unquote

import attrs

from bus.sim.errors import InvalidSchedule

VERSION = "sr1"
KINDS = ("hold", "late", "pick", "fault")
CALM = "calm"
ALGORITHMS = (CALM, "random", "pct")
_DEVIATION = re.compile(r"(?P<kind>[a-z]+):(?P<lane>[^@=:,]*)@(?P<n>[0-9]+)=(?P<value>-?[0-9]+)")


@attrs.frozen
class Deviation:
    """One answer that is not the calm one; see the table above."""

    kind: str
    lane: str
    n: int
    value: int

    def __str__(self) -> str:
        return f"{self.kind}:{quote(self.lane, safe='/.*')}@{self.n}={self.value}"


@attrs.frozen
class Schedule:
    """Every choice of a run.

    Attributes:
        algorithm: what answers the questions that no deviation answers: ``calm``, ``random`` or ``pct``.
        seed: of that algorithm, and of every random stream that the program draws from.
        deviations: answers that differ from the calm ones. With an algorithm other than ``calm`` there are none.
    """

    algorithm: str = CALM
    seed: int = 0
    deviations: tuple[Deviation, ...] = ()

    def __attrs_post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS:
            msg = f"no algorithm is called {self.algorithm!r}; there are {', '.join(ALGORITHMS)}"
            raise InvalidSchedule(msg)
        if self.deviations and self.algorithm != CALM:
            msg = f"deviations are from the calm run, so the algorithm must be {CALM!r}, not {self.algorithm!r}"
            raise InvalidSchedule(msg)

    @classmethod
    def of(cls, seed: int) -> Self:
        """The schedule that *seed* stands for in the default portfolio, which takes turns between the algorithms."""
        return cls("pct" if seed % 3 == 2 else "random", seed)

    def __str__(self) -> str:
        body = ",".join([VERSION, self.algorithm, str(self.seed), *map(str, self.deviations)])
        return f"{body},{zlib.crc32(body.encode()):08x}"

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read a line back.

        Raises:
            InvalidSchedule: if it is from another version, was cut short or altered, or never was a schedule.
        """
        body, _, check = line.strip().rpartition(",")
        version = body.partition(",")[0]
        if version != VERSION:
            msg = f"not a schedule of version {VERSION}: {line[:40]!r}. A line can only be replayed by the version that printed it."
            raise InvalidSchedule(msg)
        if check != f"{zlib.crc32(body.encode('ascii', 'replace')):08x}":
            msg = f"the schedule was cut short or altered (its check {check[:8]!r} does not fit): copy the whole line"
            raise InvalidSchedule(msg)
        fields = body.split(",")
        try:
            _, algorithm, seed, *deviations = fields
            return cls(algorithm, int(seed), tuple(_deviation(text) for text in deviations))
        except ValueError as error:
            msg = f"not a schedule: {error}"
            raise InvalidSchedule(msg) from error


def _deviation(text: str) -> Deviation:
    found = _DEVIATION.fullmatch(text)
    if found is None or found["kind"] not in KINDS:
        msg = f"{text!r} is no deviation, which reads kind:lane@n=value with a kind of {', '.join(KINDS)}"
        raise InvalidSchedule(msg)
    return Deviation(found["kind"], unquote(found["lane"]), int(found["n"]), int(found["value"]))
