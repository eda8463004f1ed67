"""`late-401-discards-new-token`: the last to hear that a token is over throws the new one away.

Some tasks of a service have calls under way when their token is revoked, or its key is gone. Each gets a 401. The first one throws the
token away, signs in, and calls again. The second 401 comes a moment later, and is about the old token; but what is thrown away is whatever the session
holds by then, which is the new one. So the service signs in once for each call that was under way, and calls that carry a token of the
middle are none the worse. The lock around fetching does not help. A 401 that comes while a task signs in finds nothing to throw away: that
call is not sent again, and fails.

That is how keystoneauth is today (`identity/base.py: invalidate`, `session.py`), found by reading it. The counterpart throws away what was refused.
"""

import anyio

from actors.auth_token import AuthTokenConfig
from actors.client.session import Session
from actors.keystone.messages import RevokeUserTokens
from actors.races.base import Race, Stage
from actors.races.town import NOVA, Look, Town
from bus.sim import Latency

NETWORK = Latency.uniform(0.0, 2.0)
LONGEST = 20
"""Seconds within which tasks call, and the token is revoked."""


class Discarding(Session):
    """Throws away whatever it holds when a call is refused."""

    def invalidate(self, refused: str | None) -> bool:
        """Throw the token away. False if another task has, and has not got a new one yet."""
        held, self._issued = self._issued, None
        return held is not None


async def scenario(stage: Stage) -> None:
    """Tasks of Nova that share a session, and an administrator who makes its token void."""
    town = await stage.open(Town, auth_token=AuthTokenConfig(token_cache_time=-1))
    stage.world.links.set(NETWORK, message=Look)
    admin, shared = town.session("admin"), town.session(NOVA)
    user = (await shared.token()).token.user.id

    async def revoke(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/at", LONGEST))
        await admin.ask(RevokeUserTokens(user_id=user))

    async def task(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/at", LONGEST, 0.1))
        await shared.ask(Look())

    await stage.together(*stage.some("administrator", 1, revoke), *stage.some("task", 4, task))


RACE = Race(
    name="late-401-discards-new-token",
    invariants=("L4",),
    min_operations=3,
    variant={Session: Discarding},
    scenario=scenario,
    today=True,
)
program, counterpart = RACE.programs()
