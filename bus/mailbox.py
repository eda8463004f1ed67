"""The bounded queue in front of an actor, and what happens when it is full.

The queue belongs to the bus, as a queue belongs to an AMQP broker: a message takes its place in it when it is sent, not when
it arrives, so that messages on their way count too, and whoever sends to a full one learns so at once. Three rules:

- ``WAIT``: the sender waits for room, first come, first served. This is backpressure.
- ``REJECT``: the sender gets `bus.errors.MailboxFull`.
- ``DROP_OLDEST``: the oldest waiting message becomes a dead letter, and the new one gets its place.
"""

from collections import deque
from enum import Enum

import attrs

from bus.envelope import Envelope


class Overflow(Enum):
    """What happens to a message that is sent to a full mailbox."""

    WAIT = "wait"
    REJECT = "reject"
    DROP_OLDEST = "drop oldest"


@attrs.frozen
class MailboxStatistics:
    """How full a mailbox is.

    Attributes:
        capacity: messages it can hold.
        queued: messages that wait in it.
        on_the_way: messages that were sent and have not arrived.
        waiting: messages whose senders wait for room.
        rejected: messages refused since the start because it was full.
        dropped: messages thrown out since the start to make room.
    """

    capacity: int
    queued: int
    on_the_way: int
    waiting: int
    rejected: int
    dropped: int


class Mailbox:
    """A bounded queue of envelopes. Its deques are made when they are first needed: most actors are idle."""

    __slots__ = ("capacity", "dropped", "overflow", "queue", "rejected", "used", "waiting")

    def __init__(self, capacity: int, overflow: Overflow) -> None:
        self.capacity = capacity
        self.overflow = overflow
        self.used = 0  # places taken: queued and on the way
        self.queue: deque[Envelope] | None = None
        self.waiting: deque[Envelope] | None = None
        self.rejected = 0
        self.dropped = 0

    def put(self, envelope: Envelope) -> Envelope | None:
        """Queue an envelope that has arrived.

        Returns:
            The envelope that had to go for it, if the rule is to drop the oldest and there was no room.
        """
        if self.queue is None:
            self.queue = deque()
        self.queue.append(envelope)
        if self.used > self.capacity:
            self.used -= 1
            self.dropped += 1
            return self.queue.popleft()
        return None

    def put_back(self, envelopes: list[Envelope]) -> None:
        """Queue envelopes again, in their order, in front of all others. They need not fit."""
        if envelopes:
            self.queue = self.queue or deque()
            self.queue.extendleft(reversed(envelopes))
            self.used += len(envelopes)

    def park(self, envelope: Envelope) -> None:
        """Keep an envelope whose sender waits for room."""
        if self.waiting is None:
            self.waiting = deque()
        self.waiting.append(envelope)

    def free(self) -> Envelope | None:
        """Give one place back.

        Returns:
            The envelope that has waited longest for a place and now has it, and must be sent; None if nobody waits,
            or if more was put back than fits.
        """
        while self.waiting and self.used <= self.capacity:
            envelope = self.waiting.popleft()
            given_up = envelope.reply if envelope.accepted is None else envelope.accepted
            if given_up is None or not given_up.done():
                return envelope
        self.used -= 1
        return None

    def clear(self) -> list[Envelope]:
        """Take out everything that is queued or waits for room, in order."""
        left = [*(self.queue or ()), *(self.waiting or ())]
        self.used -= len(self.queue or ())
        self.queue = self.waiting = None
        return left

    def statistics(self) -> MailboxStatistics:
        """How full it is now."""
        queued = len(self.queue or ())
        return MailboxStatistics(
            capacity=self.capacity,
            queued=queued,
            on_the_way=self.used - queued,
            waiting=len(self.waiting or ()),
            rejected=self.rejected,
            dropped=self.dropped,
        )
