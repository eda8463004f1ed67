"""One message on its way. Private to the bus: handlers see the message, sinks see a `bus.trace.Record`."""

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bus.cell import Cell


class Envelope:
    """A message with what the bus needs to deliver, answer and explain it.

    Mutable and with slots because one is made for each message (a frozen attrs class costs three times as much).

    Attributes:
        id: counts the messages of one bus from 1.
        message: the request or event.
        sender: the actor that sent it; None for code outside of all actors.
        receiver: the actor that a request goes to; None for an event, which all its receivers share.
        address: where the sender sent it, as text: a target or a subject.
        reply: resolved with the answer; None for a `tell` or an event.
        accepted: resolved when a full mailbox had room for it at last; None unless the sender waits for that.
        causation: id of the message whose handling sent this one; 0 if it came from outside. (Not that envelope itself: it
            would keep its own cause alive, and that one its cause, back to the beginning.)
        correlation: id of the message that started the whole conversation.
        context: what the sender passed along, such as who asks and with which token. Opaque to the bus.
        redelivered: it was delivered before, to an actor that crashed while handling it.
        cycle: the circle of actors that wait for each other through this message, once it was found.
        lane: the way it took through a simulated network, on which its answer comes back.
        beat: called when the handler shows that it is alive; None if the asker does not monitor it.
    """

    __slots__ = (
        "accepted",
        "address",
        "beat",
        "causation",
        "context",
        "correlation",
        "cycle",
        "id",
        "lane",
        "message",
        "receiver",
        "redelivered",
        "reply",
        "sender",
    )

    def __init__(
        self,
        number: int,
        message: Any,
        sender: "Cell | None",
        receiver: "Cell | None",
        address: str,
        cause: "Envelope | None",
        context: object,
        reply: "asyncio.Future[Any] | None",
    ) -> None:
        self.id = number
        self.message = message
        self.sender = sender
        self.receiver = receiver
        self.address = address
        if cause is None:
            self.causation = 0
            self.correlation = number
        else:
            self.causation = cause.id
            self.correlation = cause.correlation
        self.context = context
        self.reply = reply
        self.accepted: asyncio.Future[None] | None = None
        self.redelivered = False
        self.cycle: str | None = None
        self.lane: Any = None
        self.beat: Any = None

    def copy(self, *, redelivered: bool = False) -> "Envelope":
        """The same message, for another delivery."""
        twin = Envelope(self.id, self.message, self.sender, self.receiver, self.address, None, self.context, self.reply)
        twin.causation, twin.correlation = self.causation, self.correlation
        twin.redelivered = redelivered
        twin.lane = self.lane
        twin.beat = self.beat
        return twin
