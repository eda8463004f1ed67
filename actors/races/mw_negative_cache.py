"""`mw-negative-cache`: who looks too late spoils it for a service that may still call.

A container platform's storage plugin asks Nova to attach a volume, and polls Cinder until it is attached. The attachment takes
longer than the token lives. That is no harm, for Nova calls Cinder with a service token beside it. But the plugin's own poll, without
one, comes to Cinder after the token's expiry and before Nova does: `auth_token` refuses it, as it should, and *remembers* that this token is
invalid. Nova's call then is refused from the cache, service token or not, and the volume stays half attached.

Reported as LP 1987355; mended in keystonemiddleware 10.2.0 (e05466c): what is invalid is not remembered any more.
"""

from typing import Any

import anyio

from actors.auth_token import AuthToken
from actors.auth_token.cache import Remembered
from actors.client.held_token import HeldToken
from actors.errors import Unauthorized
from actors.keystone.config import KeystoneConfig
from actors.races.base import Race, Stage
from actors.races.town import Look, Town, Work

EXPIRATION = 600
LONGEST = 900
"""Seconds that the attachment takes at most."""


class NegativeCache(AuthToken):
    """`auth_token` before 10.2.0: a token that was found bad is remembered as such."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._bad: dict[str, float] = {}

    async def _check(self, token: str, *, allow_expired: bool) -> Remembered:
        now = self._clock.time()
        if self._bad.get(token, 0) > now:
            raise Unauthorized("The request you have made requires authentication.")
        try:
            return await super()._check(token, allow_expired=allow_expired)
        except Unauthorized:
            self._bad[token] = now + self._config.token_cache_time
            self._clock.critical(self._bad[token], "negative cache end")
            raise


async def scenario(stage: Stage) -> None:
    """An attachment, and whoever polls meanwhile, all with one token."""
    town = await stage.open(Town, keystone=KeystoneConfig(expiration=EXPIRATION))
    token = (await town.session().token()).id
    plugin = HeldToken(town.bus, token)
    await anyio.sleep(stage.seconds("age", EXPIRATION))

    async def attach(name: str) -> None:
        await plugin.ask(Work(seconds=stage.seconds(f"{name}/takes", LONGEST)))

    async def poll(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/at", LONGEST))
        await plugin.ask(Look())

    await stage.together(*stage.some("attachment", 1, attach), *stage.some("poll", 3, poll))


RACE = Race(
    name="mw-negative-cache",
    invariants=("S3",),
    min_operations=2,
    variant={AuthToken: NegativeCache},
    scenario=scenario,
)
program, counterpart = RACE.programs()
