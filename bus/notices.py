"""Events that the bus itself publishes."""

from typing import Any, ClassVar

from bus.message import Event, message
from bus.topic import Target


@message
class DeadLetter(Event):
    """A message that nobody handled, or an answer that nobody waited for any more.

    Attributes:
        message: the message; for a late answer, the request it answers.
        address: where it was sent.
        sender: who sent it; empty outside of actors.
        reason: why it ended here.
    """

    subject: ClassVar[str] = "bus.dead-letter"
    message: Any
    address: str
    sender: str
    reason: str


@message
class CyclicWait(Event):
    """Actors wait for each other in a circle, which only a deadline can break.

    Attributes:
        cycle: the actors, each with the request that it waits for.
    """

    subject: ClassVar[str] = "bus.cyclic-wait"
    cycle: str


@message
class Terminated(Event):
    """A watched actor has ended. Sent once for each `Actor.watch`, to the watcher alone.

    Attributes:
        target: the actor that ended.
        reason: what ended it: ``"stopped"``, ``"unknown"`` if there was no such actor, or the error that crashed it.
    """

    target: Target
    reason: str
