"""`allow-expired-without-keys`: the window for expired tokens is longer than their keys are kept.

An operator follows the formula of Keystone's FAQ, which asks for life / interval + 2 keys: right for as long as tokens live. Then service tokens
come, beside which an expired token counts for two more days. Long work that was begun in time calls the next service with the user's
expired token and a good service token, and is refused: no Keystone has the key of the user's token any more.

The release note of `allow_expired` warns of it, and the FAQ has a note since: with service tokens the life is that of a token plus
`allow_expired_window`. With Keystone's defaults (one hour, 48 hours, three keys) keys may be rotated every 49 hours, and not every day.
"""

import anyio

from actors.client.held_token import HeldToken
from actors.keystone.config import KeystoneConfig
from actors.races.base import Race, Stage
from actors.races.keys import Keys
from actors.races.town import Town, Work

HOUR = 3600
CONFIG = KeystoneConfig(expiration=24 * HOUR, allow_expired_window=48 * HOUR, max_active_keys=6)


class RotatedForLifeAlone(Keys):
    """Keeps keys for as long as tokens live."""

    def interval(self) -> float:
        """Seconds between two rotations, by the FAQ's formula."""
        return self._config.expiration / (self._config.max_active_keys - 2)


async def scenario(stage: Stage) -> None:
    """Work that takes up to a day, begun with tokens of any age, while keys are rotated."""
    town = await stage.open(Town, keystone=CONFIG)

    async def work(name: str) -> None:
        user = HeldToken(town.bus, (await town.session().token()).id)
        await anyio.sleep(HOUR * stage.seconds(f"{name}/hours-of-age", 23))
        await user.ask(Work(seconds=HOUR * stage.seconds(f"{name}/hours-of-work", 24)))

    async with anyio.create_task_group() as group:
        group.start_soon(town.kind(Keys)(town).from_now_on)
        await stage.together(*stage.some("work", 3, work))
        group.cancel_scope.cancel()


RACE = Race(
    name="allow-expired-without-keys",
    invariants=("S3", "S7"),
    min_operations=1,
    variant={Keys: RotatedForLifeAlone},
    scenario=scenario,
)
program, counterpart = RACE.programs()
