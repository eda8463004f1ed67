"""Code around sending, delivery and handling: for authentication, measuring, refusing.

A middleware overrides the hooks it wants; only those are called, and a bus without middleware pays nothing. Hooks see a
`Passage`, which is also what `bus.current()` gives to a handler.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from bus.envelope import Envelope


@attrs.frozen
class Passage:
    """A message on its way, with what travels along.

    Attributes:
        message: the request or event.
        id: counts the messages of one bus from 1.
        correlation: id of the message that started the conversation.
        causation: id of the message whose handling sent this one; 0 if it came from outside.
        sender: address of the sender; empty outside of actors.
        receiver: the target or subject it was sent to.
        context: what the sender passed as ``context=``.
        redelivered: it was delivered before, to an actor that crashed while handling it.
        monitored: the asker waits for heartbeats.
    """

    message: Any
    id: int
    correlation: int
    causation: int
    sender: str
    receiver: str
    context: object
    redelivered: bool
    monitored: bool

    @classmethod
    def of(cls, envelope: Envelope) -> "Passage":
        """The public view of an envelope."""
        return cls(
            message=envelope.message,
            id=envelope.id,
            correlation=envelope.correlation,
            causation=envelope.causation,
            sender="" if envelope.sender is None else envelope.sender.name,
            receiver=envelope.address,
            context=envelope.context,
            redelivered=envelope.redelivered,
            monitored=envelope.beat is not None,
        )


class Middleware:
    """Base of all middleware: override any of the three hooks."""

    def send(self, passage: Passage) -> None:
        """Called before a message is sent; what it raises reaches the sender, and nothing is sent."""

    def deliver(self, passage: Passage) -> None:
        """Called when a message arrives; what it raises refuses the message: its asker gets the error."""

    async def handle(self, passage: Passage, proceed: Callable[[], Awaitable[Any]]) -> Any:
        """Called around the handler: `await proceed()` runs it and gives its answer."""
        del passage
        return await proceed()


def overriding(middleware: tuple[Middleware, ...], hook: str) -> tuple[Any, ...]:
    """The bound *hook* of each middleware that overrides it."""
    return tuple(getattr(one, hook) for one in middleware if getattr(type(one), hook) is not getattr(Middleware, hook))
