"""`negative-cache-on-outage`: Keystone stumbles, and good tokens are bad for five minutes.

`auth_token` could not reach Keystone, and remembered that the token was invalid, as it did after whatever went wrong while a token was validated. Keystone was
back after a moment. The service went on refusing, from its cache, those who had happened to call in that moment, and to sign in again did
not help them where the new token met the same fate.

Reported as LP 1172802, 1488267 and 1584289; mended in keystonemiddleware (ee1bb80, 7dcbdf7): only what Keystone says is remembered.
"""

from typing import Any

import anyio

from actors.auth_token import AuthToken, AuthTokenConfig
from actors.auth_token.cache import Remembered
from actors.client.held_token import HeldToken
from actors.errors import Unauthorized, Unavailable
from actors.keystone.messages import ValidateToken
from actors.races.base import Race, Stage
from actors.races.town import Look, Town

CONFIG = AuthTokenConfig(http_request_max_retries=0, token_cache_time=120)
LONGEST = 600
"""Seconds within which Keystone cannot be reached for a while, and users look."""


class RemembersOutages(AuthToken):
    """Remembers whatever did not go well as an invalid token."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._bad: dict[str, float] = {}

    async def _check(self, token: str, *, allow_expired: bool) -> Remembered:
        now = self._clock.time()
        if self._bad.get(token, 0) > now:
            raise Unauthorized("The request you have made requires authentication.")
        try:
            return await super()._check(token, allow_expired=allow_expired)
        except Unavailable:
            self._bad[token] = self._clock.time() + self._config.token_cache_time
            raise


async def scenario(stage: Stage) -> None:
    """Users who look, while for some seconds nothing that is asked about tokens reaches Keystone."""
    town = await stage.open(Town, auth_token=CONFIG)
    user = HeldToken(town.bus, (await town.session().token()).id)

    async def outage(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/at", LONGEST))
        with stage.world.faults.drop("outage", message=ValidateToken):
            await anyio.sleep(stage.seconds(f"{name}/takes", LONGEST))

    async def look(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/at", LONGEST))
        await user.ask(Look())

    await stage.together(*stage.some("outage", 1, outage), *stage.some("look", 4, look))


RACE = Race(
    name="negative-cache-on-outage",
    invariants=("S3", "L4"),
    min_operations=3,
    variant={AuthToken: RemembersOutages},
    scenario=scenario,
)
program, counterpart = RACE.programs()
