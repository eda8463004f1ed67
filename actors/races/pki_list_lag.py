"""`pki-list-lag`: a service that verifies tokens by itself does not fetch the list of revoked ones for hours.

The middleware fetches the list anew when the one that it has is older than some seconds. After a restart it took the time of the file in which it
keeps the list for the time of the last fetch, in local time, and compared that with UTC: on a machine east of Greenwich the list was fetched in the future,
and was new enough for as many hours as the time zone is ahead.

Reported as LP 1204000; mended by comparing times of one kind (15f7035). The interval itself was 1 s, then 300 s, then 10 s, and is what the
invariant allows for.
"""

from typing import Any

import anyio

from actors.auth_token import AuthToken, AuthTokenConfig
from actors.auth_token.offline import OfflineValidation
from actors.client.held_token import HeldToken
from actors.keystone.config import KeystoneConfig
from actors.keystone.messages import RevokeToken
from actors.races.base import Race, Stage
from actors.races.pki_town import PkiTown
from actors.races.town import Look

EAST = 7200
"""Seconds by which the time zone is ahead of UTC."""
LONGEST = 120
"""Seconds within which the token is revoked, and used."""


class LocalTime(OfflineValidation):
    """Takes local time for UTC."""

    async def _fetch_list(self) -> None:
        await super()._fetch_list()
        self._fetched_at += EAST


class EastOfGreenwich(AuthToken):
    """A service that takes local time for UTC."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._offline = LocalTime(self._validator, self._clock, self._config)


async def scenario(stage: Stage) -> None:
    """A user who looks, and then signs out, and somebody else who has found the token."""
    config = KeystoneConfig(provider="pki")
    uncached = AuthTokenConfig(token_cache_time=-1)
    with await stage.open(PkiTown, keystone=config, auth_token=uncached) as town:
        token = (await town.session().token()).id
        user = HeldToken(town.bus, token)

        async def sign_out(name: str) -> None:
            await anyio.sleep(stage.seconds(f"{name}/at", LONGEST))
            await user.ask(RevokeToken(subject=token))

        async def look(name: str) -> None:
            await anyio.sleep(stage.seconds(f"{name}/at", LONGEST))
            await user.ask(Look())

        await stage.together(*stage.some("sign-out", 1, sign_out), *stage.some("look", 3, look))


RACE = Race(
    name="pki-list-lag", invariants=("S2",), min_operations=3, variant={AuthToken: EastOfGreenwich}, scenario=scenario
)
program, counterpart = RACE.programs()
