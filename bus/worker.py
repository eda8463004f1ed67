"""The tasks of an actor, and which of them runs now. Private to the bus."""

import asyncio
from contextvars import ContextVar
from typing import TYPE_CHECKING

from bus.envelope import Envelope

if TYPE_CHECKING:
    from bus.cell import Cell


class Worker:
    """One task of an actor: who it works for, and on what.

    Attributes:
        cell: the actor.
        envelope: the message in hand, or, for a background task, the one in whose handling it was started.
        asking: the ask it waits for.
        ended: this life is over: it may send nothing any more.
        task: the task itself.
    """

    __slots__ = ("asking", "cell", "ended", "envelope", "task")

    def __init__(self, cell: "Cell", envelope: Envelope | None) -> None:
        self.cell = cell
        self.envelope = envelope
        self.asking: Envelope | None = None
        self.ended = False
        self.task: asyncio.Task[None] | None = None


current_worker: ContextVar[Worker | None] = ContextVar("current_worker", default=None)
