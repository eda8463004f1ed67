"""A lost update: found by `hunt`, made small by `shrink`, told as a story, and run again from its line.

A bank takes two deposits at once, and awaits something between reading its balance and writing it. The second deposit
comes when the first is done, or so every ordinary test believes.

    python examples/lost_update.py
"""

from functools import partial
from typing import ClassVar

import anyio

from bus import Actor, Record, Request, message
from bus.sim import World, hunt, replay, shrink


@message
class Deposit(Request[int]):
    """Pay in, and be told the new balance."""

    topic: ClassVar = "bank"
    amount: int


class Bank(Actor):
    """Has two clerks and one account."""

    concurrency = 2
    balance = 0

    @Deposit.handler
    async def deposit(self, msg: Deposit) -> int:
        balance = self.balance
        await anyio.sleep(0.010)
        self.balance = balance + msg.amount
        return self.balance


async def two_deposits(world: World) -> None:
    await world.bus.start(Bank)
    await world.bus.tell(Deposit(amount=10))
    await anyio.sleep(0.012)
    balance = await world.bus.ask(Deposit(amount=10))
    assert balance == 20, f"two deposits of 10 make {balance}"


def tell(step: Record) -> None:
    if step.kind in {"deliver", "done"}:
        print(f"  {1000 * step.time:6.3f} ms  deposit {step.id} {'begins' if step.kind == 'deliver' else 'is done'}")


if __name__ == "__main__":
    if (found := hunt(two_deposits)) is not None:
        small = shrink(found)
        print(f"Run {found.runs} fails. All goes as usual, except:", *small.schedule.deviations)
        try:
            replay(two_deposits, str(small.schedule), make=partial(World, trace=tell))
        except AssertionError as error:
            print(error, *error.__notes__, sep="\n")
