"""A program for hunts: the seed of its world stands for the case, too.

``python -m bus.sim hunt actors.testing.hunted:play --runs 1000``
"""

from actors.testing.cases import random_case
from actors.testing.machine import fuzz
from bus.sim import World


async def play(world: World) -> None:
    """Run the case that the seed stands for."""
    await fuzz(random_case(world.random("case")), world)
