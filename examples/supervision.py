"""Supervision: a supervisor restarts an actor that crashes, until it crashes too often.

What `__init__` makes is memory, and gone after a crash; what it is handed (this dict stands for a database) stays.

    python examples/supervision.py
"""

from typing import ClassVar

import anyio

from bus import Actor, Request, Supervisor, message
from bus.errors import GaveUp
from bus.sim import World


@message
class Knock(Request[None]):
    """Somebody is at the door."""

    topic: ClassVar = "porter"
    guest: str


class Porter(Actor):
    """Lets guests in, and runs from ghosts: nobody asked, so there is nobody who could be told the error."""

    def __init__(self, book: dict[str, int]) -> None:
        self.guests = 0
        self.book = book

    async def started(self) -> None:
        self.say("a new porter")

    @Knock.handler
    async def open(self, msg: Knock) -> None:
        if msg.guest == "a ghost":
            raise RuntimeError(msg.guest)
        self.guests += 1
        self.book[msg.guest] = self.book.get(msg.guest, 0) + 1
        self.say(f"welcome, {msg.guest}")

    def say(self, text: str) -> None:
        print(f"{self.clock.monotonic():2.0f} s  {text} (I remember {self.guests}, the book says {len(self.book)})")


async def night(world: World) -> None:
    supervisor = Supervisor(world.bus, "the landlord", intensity=2, period=10)  # restarts in so many seconds
    await supervisor.start(Porter, dict[str, int]())
    for guest in ("a knight", "a monk", "a ghost", "a queen", "a ghost", "a ghost", "a ghost"):
        await anyio.sleep(4)
        await world.bus.tell(Knock(guest=guest))
    await anyio.sleep(4)


if __name__ == "__main__":
    try:
        World().run(night)
    except GaveUp as error:
        print(f"{type(error).__name__}: {error}")
