"""Messages: frozen values that actors exchange.

A request is an imperative and names the type of its answer; an event is a past participle and is published to whoever
listens. Both are declared with `message` and handled by methods that their own `handler` marks::

    @message
    class Add(Request[int]):
        topic: ClassVar = "adder"
        left: int
        right: int


    class Adder(Actor):
        @Add.handler
        async def add(self, msg: Add) -> int:
            return msg.left + msg.right

Messages are immutable, so that two actors can never change one under each other's hands: payloads inside them should be
frozen too. A handler may also be a plain `def` if it only computes: it is then run at the very moment of delivery, which
is several times cheaper, and it cannot send anything.
"""

from collections.abc import Callable, Coroutine
from enum import Enum
from typing import Any, ClassVar, Generic, Self, TypeVar, dataclass_transform

import attrs

C = TypeVar("C")
A = TypeVar("A")
R_co = TypeVar("R_co", covariant=True)

HANDLES = "__handles__"
"""The attribute of a method that holds the message classes it handles, as a tuple."""


def _mark(method: object, handled: type) -> None:
    setattr(method, HANDLES, (*getattr(method, HANDLES, ()), handled))


class Delivery(Enum):
    """What is promised about a message when its receiver crashes. Order between one pair of actors is kept by both."""

    AT_MOST_ONCE = "at most once"
    """Acknowledged before it is handled: a crash in the middle loses it, and an asker learns by its deadline."""
    AT_LEAST_ONCE = "at least once"
    """Acknowledged after it was handled: a crash in the middle delivers it again, marked as redelivered."""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(attrs.field, attrs.Factory))
def message(cls: type[C]) -> type[C]:
    """Make *cls* a message: a frozen, keyword-only attrs class with slots.

    Args:
        cls: a subclass of `Request` or `Event` with annotated fields. Class variables (`topic`, `subject`, `timeout`,
            `delivery`) must be annotated as `ClassVar`.

    Returns:
        The attrs class to use in place of *cls*.
    """
    return attrs.frozen(kw_only=True, slots=True)(cls)


class Request(Generic[R_co]):
    """Base of messages that are answered with a value of type `R_co`."""

    __slots__ = ()

    topic: ClassVar[str] = ""
    """Where the request goes when the sender names no address: the topic of the service that answers it."""
    timeout: ClassVar[float] = 60.0
    """Seconds of the bus's clock that an asker waits if it does not say otherwise (oslo.messaging's default)."""
    delivery: ClassVar[Delivery] = Delivery.AT_MOST_ONCE

    @classmethod
    def handler(
        cls, method: Callable[[A, Self], Coroutine[Any, Any, R_co] | R_co]
    ) -> Callable[[A, Self], Coroutine[Any, Any, R_co] | R_co]:
        """Mark *method* of an actor as the one that answers this request."""
        _mark(method, cls)
        return method


class Event:
    """Base of messages that are published, and get no answer."""

    __slots__ = ()

    subject: ClassVar[str] = ""
    """Dotted subject under which it is published, and to which an actor with a handler for it subscribes. A handler's
    subscription may use `*` (one word) and `>` (all the rest); a subject published to may not."""
    delivery: ClassVar[Delivery] = Delivery.AT_LEAST_ONCE

    @classmethod
    def handler(
        cls, method: Callable[[A, Self], Coroutine[Any, Any, None] | None]
    ) -> Callable[[A, Self], Coroutine[Any, Any, None] | None]:
        """Mark *method* of an actor as the one that takes this event."""
        _mark(method, cls)
        return method
