"""Backpressure: a mailbox holds so many messages, and a rule says what becomes of one more.

Pages come ten times as fast as they are printed: their sender waits, or is refused, or the oldest page is thrown out.

    python examples/backpressure.py
"""

from typing import ClassVar

import anyio

from bus import Actor, DeadLetter, Overflow, Request, message
from bus.errors import MailboxFull
from bus.sim import World


@message
class Print(Request[None]):
    """Print a page."""

    topic: ClassVar = "printer"
    page: int


class Printer(Actor):
    """Has room for two pages, beside the one that it prints."""

    capacity = 2

    @Print.handler
    async def print(self, msg: Print) -> None:
        await anyio.sleep(1)
        print(f"  {self.clock.monotonic():.1f} s  page {msg.page} is printed")


class Bin(Actor):
    """Shows what is thrown out."""

    @DeadLetter.handler
    def show(self, msg: DeadLetter) -> None:
        print(f"  {self.clock.monotonic():.1f} s  page {msg.message.page} is thrown out")


async def five_pages(world: World) -> None:
    await world.bus.start(Bin)
    printer = await world.bus.start(Printer)
    for page in range(1, 6):
        await anyio.sleep(0.1)
        try:
            await world.bus.tell(Print(page=page))
            print(f"  {world.now:.1f} s  page {page} is sent")
        except MailboxFull as error:
            print(f"  {world.now:.1f} s  page {page} is refused: {error}")
    await world.bus.stop(printer)  # once it has handled what it took


if __name__ == "__main__":
    for Printer.overflow in Overflow:  # an attribute of the class, as capacity is
        print(Printer.overflow.value)
        World().run(five_pages)
