"""A crowd of tasks that all do the same, and the seconds until the last of them is done."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.benchmarks.rounds import Watch


async def crowd(size: int, member: Callable[[int], Awaitable[object]]) -> float:
    """Run *member*, which is told its number, *size* times at once, each in a task of its own."""

    async def run(number: int) -> None:
        await member(number)

    with Watch() as watch:
        async with asyncio.TaskGroup() as tasks:
            for number in range(size):
                tasks.create_task(run(number))
    return watch.seconds
