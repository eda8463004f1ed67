"""`memory-revocation-lost`: Keystone is restarted, and revoked tokens are good again.

Revocations were kept in memcached, or in memory, like everything else that is remembered of tokens. Tokens that say all there is to know by
themselves need nothing to be remembered to be good; only to be bad. With a restart of what remembers, they are good again, until they expire.

Told in OSSN-0034: keep revocations where a restart does not reach them.
"""

import anyio

from actors.auth_token import AuthTokenConfig
from actors.client.held_token import HeldToken
from actors.keystone.messages import TOPIC as KEYSTONE
from actors.keystone.messages import RevokeToken
from actors.keystone.service import KeystoneService
from actors.keystone.tokens.revocation import RevocationList
from actors.races.base import Race, Stage
from actors.races.town import Look, Town
from bus.topic import Target

LONGEST = 60
"""Seconds within which all of it happens."""


class Volatile(KeystoneService):
    """Remembers revocations for as long as it lives."""

    async def started(self) -> None:
        """Begin with an empty list."""
        await super().started()
        self.store.revocations = RevocationList()


async def scenario(stage: Stage) -> None:
    """A token is revoked, and Keystone is restarted, before or after; somebody has found the token."""
    town = await stage.open(Town, auth_token=AuthTokenConfig(token_cache_time=-1))
    token = (await town.session().token()).id
    user = HeldToken(town.bus, token)

    async def sign_out(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/at", LONGEST))
        await user.ask(RevokeToken(subject=token))

    async def restart(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/at", LONGEST))
        stage.world.crash(Target(KEYSTONE, "1"))

    async def steal(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/at", LONGEST))
        await user.ask(Look())

    operations = *stage.some("sign-out", 1, sign_out), *stage.some("restart", 1, restart)
    await stage.together(*operations, *stage.some("theft", 3, steal))


RACE = Race(
    name="memory-revocation-lost",
    invariants=("S2", "S5"),
    min_operations=3,
    variant={KeystoneService: Volatile},
    scenario=scenario,
)
program, counterpart = RACE.programs()
