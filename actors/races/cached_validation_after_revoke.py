"""`cached-validation-after-revoke`: a revoked token goes on working from the middleware's cache, and on, and on.

`auth_token` remembers for `token_cache_time` seconds (300) what Keystone said of a token, and does not hear of revocations meanwhile. That much is
known and documented (OSSN-0056), and the invariant allows for it. What it does not allow for is a cache that forgets nothing: one in the memory of a
process that each use of a token prolongs, for instance, so that a token that is used every few minutes is never asked about again.

Reported as LP 1287301 and 1312858; similar in Ceph's gateway (tracker 21226). The middleware has lost its cache in the process since (f27d7f7); the
lag of `token_cache_time` is there to stay.
"""

import anyio

from actors.auth_token import TokenCache
from actors.auth_token.cache import Remembered
from actors.client.held_token import HeldToken
from actors.keystone.messages import RevokeToken
from actors.races.base import Race, Stage
from actors.races.town import Look, Town

LONGEST = 1200
"""Seconds within which the token is used and revoked."""


class ProlongedByUse(TokenCache):
    """Forgets what nobody asks for."""

    def get(self, name: str) -> Remembered | None:
        """What is remembered under *name*, as if it was found out now."""
        known = super().get(name)
        if known is not None:
            self.put(name, known, SECONDS)
        return known


SECONDS = 300
"""`token_cache_time`, the default."""


async def scenario(stage: Stage) -> None:
    """A program that uses its token every few minutes, whoever revokes it."""
    town = await stage.open(Town)
    token = (await town.session().token()).id
    program = HeldToken(town.bus, token)

    async def sign_out(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/at", LONGEST))
        await program.ask(RevokeToken(subject=token))

    async def poll(name: str) -> None:
        every = stage.choose(f"{name}/every", (600, 400, 250, 100))
        for _ in range(LONGEST // every):
            await program.ask(Look())
            await anyio.sleep(every)

    await stage.together(*stage.some("sign-out", 1, sign_out), *stage.some("poll", 2, poll))


RACE = Race(
    name="cached-validation-after-revoke",
    invariants=("S2", "S5"),
    min_operations=2,
    variant={TokenCache: ProlongedByUse},
    scenario=scenario,
)
program, counterpart = RACE.programs()
