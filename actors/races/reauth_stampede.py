"""`reauth-stampede`: when the token ends, every task of a service signs in.

The tasks of a service share a session, which renews its token two minutes before it expires. Each task looks whether the token is about to expire,
and if so asks Keystone for a new one; while it waits, the next task comes, sees the same, and asks, too. To sign in takes Keystone a
quarter of a second, for passwords are hashed slowly on purpose; with many tasks it takes longer, so that more tasks come meanwhile.

Reported as LP 1493835 (and LP 1255594 for Nova); mended in keystoneauth 1.1.0 (c8d7506): one task fetches, and whoever waited looks again.
"""

import anyio

from actors.client.session import Session
from actors.keystone.config import KeystoneConfig
from actors.keystone.messages import Authenticate
from actors.keystone.models import IssuedToken
from actors.races.base import Race, Stage
from actors.races.town import Errand, Town
from bus.sim import Latency

HASHING = Latency.uniform(0.05, 0.5)
LONGEST = 600
"""Seconds within which tasks have something to do."""


class Unlocked(Session):
    """Fetches a token whenever it needs one."""

    async def token(self) -> IssuedToken:
        """A token that lives for two more minutes."""
        if (issued := self._fresh()) is None:
            self._issued = issued = await self._caller.bus.ask(self._account)
        return issued


async def scenario(stage: Stage) -> None:
    """Tasks of Nova that call Cinder every few seconds or minutes."""
    town = await stage.open(Town, keystone=KeystoneConfig(expiration=300))
    stage.world.links.set(HASHING, message=Authenticate)
    nova = town.session("nova")

    async def task(name: str) -> None:
        every = stage.choose(f"{name}/every", (60, 47, 30, 13))
        await anyio.sleep(stage.seconds(f"{name}/at", 60))
        for _ in range(LONGEST // every):
            await nova.ask(Errand())
            await anyio.sleep(every)

    await stage.together(*stage.some("task", 4, task))


RACE = Race(
    name="reauth-stampede", invariants=("L4",), min_operations=2, variant={Session: Unlocked}, scenario=scenario
)
program, counterpart = RACE.programs()
