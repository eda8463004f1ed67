"""`fernet-over-rotation`: keys are thrown away while tokens still need them.

A deployment tool rotates keys from cron on each of its three controllers in turn, and makes the interval the life of a token divided
by the number of controllers: eight hours for a life of 24. Four keys are kept. So a key is gone sixteen hours after the last token was made
with it, and whoever uses a token of that age is not recognised. Users sign in again; Nova, which has only what it was given, cannot.

Reported as LP 1809469; mended in kolla-ansible (6c1442c38): the interval follows from how long a token may count, including the window for
service tokens, and from the number of keys: (expiration + allow_expired_window) / (max_active_keys - 2).
"""

import anyio

from actors.client.held_token import HeldToken
from actors.keystone.config import KeystoneConfig
from actors.races.base import Race, Stage
from actors.races.keys import Keys
from actors.races.town import Look, Town

HOUR = 3600
CONTROLLERS = 3
DAY = KeystoneConfig(expiration=24 * HOUR, allow_expired_window=48 * HOUR, max_active_keys=4)


class RotatedByEachController(Keys):
    """Rotates as often as controllers divide the life of a token."""

    def interval(self) -> float:
        """Seconds between two rotations, whichever controller's turn it is."""
        return self._config.expiration / CONTROLLERS


async def scenario(stage: Stage) -> None:
    """Users who use a token for as long as it lives, while keys are rotated."""
    town = await stage.open(Town, keystone=DAY)

    async def use(name: str) -> None:
        await anyio.sleep(HOUR * stage.seconds(f"{name}/hours-until-sign-in", 24))
        user = HeldToken(town.bus, (await town.session().token()).id)
        await anyio.sleep(HOUR * stage.seconds(f"{name}/hours-until-use", 23))
        await user.ask(Look())

    async with anyio.create_task_group() as group:
        group.start_soon(town.kind(Keys)(town).from_now_on)
        await stage.together(*stage.some("user", 3, use))
        group.cancel_scope.cancel()


RACE = Race(
    name="fernet-over-rotation",
    invariants=("S3", "S7"),
    min_operations=1,
    variant={Keys: RotatedByEachController},
    scenario=scenario,
)
program, counterpart = RACE.programs()
