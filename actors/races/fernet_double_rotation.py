"""`fernet-double-rotation`: keys are rotated twice before the first rotation has reached every Keystone.

Each Keystone has the next primary key already, as its staged one, and so it reads what a rotated node makes, even before it hears of
the rotation. But only of one. If keys are rotated once more before the first rotation was copied everywhere (by cron on another controller, by hand,
or because a script was told the same folder by two names), the first node seals with a key that no other ever had.

Told in Keystone's FAQ: never rotate before the copying has ended. The script with two names for one folder was mended in keystone 7fa62c823.
"""

from actors.auth_token import AuthTokenConfig
from actors.cloud import Members
from actors.keystone.config import KeystoneConfig
from actors.races.base import Race, Stage
from actors.races.keys import Keys, rotate_and_use
from actors.races.town import Town
from bus.sim import Latency

COPYING = Latency.uniform(0.0, 10.0)
"""How long the copying of one file takes."""
LONGEST = 30
"""Seconds within which keys are rotated, and users sign in."""


class ImpatientKeys(Keys):
    """Rotates whatever else is going on."""

    async def rotate(self) -> None:
        """Rotate at once."""
        await self.rotate_at_once()


async def scenario(stage: Stage) -> None:
    """Two rotations, and users who sign in and look. Enough keys are kept for many more."""
    town = await stage.open(
        Town,
        members=Members(keystone=2),
        keystone=KeystoneConfig(max_active_keys=8),
        auth_token=AuthTokenConfig(token_cache_time=-1),
    )
    await rotate_and_use(stage, town, copying=COPYING, rotations=2, seconds=LONGEST)


RACE = Race(
    name="fernet-double-rotation",
    invariants=("S3", "S7"),
    min_operations=3,
    variant={Keys: ImpatientKeys},
    scenario=scenario,
)
program, counterpart = RACE.programs()
