"""`fernet-distribution`: key files are copied in the wrong order.

A rotation on the first Keystone makes the staged key, file 0, the primary one, file n+1, and stages a new key as file 0. The other
Keystones knew the primary key already, as their file 0. A script copies the files one by one in ascending order: the new file 0 overwrites the
key that seals every token by now, and until file n+1 has arrived, the other Keystones have it under no name. Tokens that the first one makes meanwhile
are refused wherever the others are asked: users are signed in and thrown out at random, for as long as the copying takes.

Reported as LP 1816927; mended by copying the highest number first (keystone 261eeaa19), or the whole folder at once.
"""

from typing import ClassVar

from actors.auth_token import AuthTokenConfig
from actors.cloud import Members
from actors.keystone.tokens.rotation import PushOrder
from actors.races.base import Race, Stage
from actors.races.keys import Keys, rotate_and_use
from actors.races.town import Town
from bus.sim import Latency

COPYING = Latency.uniform(0.0, 4.0)
"""How long the copying of one file takes."""
LONGEST = 60
"""Seconds within which users sign in."""


class AscendingKeys(Keys):
    """Copies files by their names."""

    order: ClassVar[PushOrder] = PushOrder.ASCENDING


async def scenario(stage: Stage) -> None:
    """One rotation, and users who sign in and look."""
    town = await stage.open(Town, members=Members(keystone=2), auth_token=AuthTokenConfig(token_cache_time=-1))
    await rotate_and_use(stage, town, copying=COPYING, rotations=1, seconds=LONGEST)


RACE = Race(
    name="fernet-distribution",
    invariants=("S3", "S7"),
    min_operations=2,
    variant={Keys: AscendingKeys},
    scenario=scenario,
)
program, counterpart = RACE.programs()
