"""Request and reply: an `ask` ends with an answer, with the error that the other raised, or at its deadline.

Time is simulated, so the evening is over at once, and always the same.

    python examples/request_reply.py
"""

from typing import ClassVar

import anyio

from bus import Actor, Request, message
from bus.sim import World

MINUTES = {"soup": 4, "pizza": 12, "lasagne": 45}


@message
class Order(Request[str]):
    """A guest orders a dish, and is told how it comes."""

    topic: ClassVar = "kitchen"
    timeout: ClassVar = 1800.0  # seconds that a guest waits
    dish: str


class Kitchen(Actor):
    """Two cooks."""

    concurrency = 2

    @Order.handler
    async def cook(self, msg: Order) -> str:
        if msg.dish not in MINUTES:
            raise LookupError(f"we have no {msg.dish}")
        await anyio.sleep(60 * MINUTES[msg.dish])
        return f"a hot {msg.dish}"


async def dine(world: World, name: str, dish: str) -> None:
    print(f"19:{world.now / 60:02.0f}  {name} orders {dish}")
    try:
        end = "is served " + await world.bus.ask(Order(dish=dish))
    except (LookupError, TimeoutError) as error:
        end = f"leaves: {type(error).__name__}: {error}"
    print(f"19:{world.now / 60:02.0f}  {name} {end}")


async def evening(world: World) -> None:
    await world.bus.start(Kitchen)
    async with anyio.create_task_group() as guests:
        for table, dish in enumerate(["pizza", "soup", "lasagne", "sushi", "soup"], start=1):
            guests.start_soon(dine, world, f"table {table}", dish)
            await anyio.sleep(60)


if __name__ == "__main__":
    World().run(evening)
