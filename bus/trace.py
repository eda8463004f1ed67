"""What happened on a bus, one record a step, and the sinks that keep it.

A sink is any callable that takes a `Record`. Here are three: a list in memory with a digest (`MemorySink`), JSON lines
(`JsonSink`), structlog (`StructlogSink`). Without a sink no record is made.
"""

import hashlib
import json
from collections.abc import Callable
from typing import IO, Any

import attrs


@attrs.frozen
class Record:
    """One step of one message.

    Attributes:
        time: seconds of the bus's monotonic clock.
        kind: ``send``, ``deliver``, ``handle``, ``done``, ``failed``, ``reply``, ``dead``, or a life-cycle or fault word
            (``started``, ``stopped``, ``crashed``, ``drop``, ``delay`` ...).
        id: the message, counted from 1; 0 for steps that belong to none.
        correlation: the message that started the conversation.
        causation: the message whose handling sent this one; 0 if it came from outside.
        sender: address of the sender; empty outside of actors.
        receiver: address of the receiver, or the subject.
        message: name of the message's class.
        detail: whatever else this kind of step has to say.
    """

    time: float
    kind: str
    id: int
    correlation: int
    causation: int
    sender: str
    receiver: str
    message: str
    detail: str = ""

    def json(self) -> str:
        """The record as one line of JSON, always with the same keys in the same order."""
        return json.dumps(attrs.asdict(self), separators=(",", ":"))


Sink = Callable[[Record], None]


class MemorySink:
    """Keeps every record in `records`, in order."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def __call__(self, record: Record) -> None:
        self.records.append(record)

    def digest(self) -> str:
        """SHA-256, in hexadecimal, of all records as JSON lines: equal digests mean equal runs."""
        digest = hashlib.sha256()
        for record in self.records:
            digest.update(record.json().encode() + b"\n")
        return digest.hexdigest()


class JsonSink:
    """Writes each record as a line of JSON to an open text file."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def __call__(self, record: Record) -> None:
        self._file.write(record.json() + "\n")


class StructlogSink:
    """Logs each record at debug level, its kind as the event."""

    def __init__(self, logger: Any = None) -> None:
        if logger is None:
            import structlog  # noqa: PLC0415 (it takes half of the time that importing the bus would take)

            logger = structlog.get_logger("bus")
        self._log = logger

    def __call__(self, record: Record) -> None:
        fields = attrs.asdict(record)
        self._log.debug(fields.pop("kind"), **fields)
