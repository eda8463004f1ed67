"""`logout-revokes-inflight`: to sign out of the dashboard is to pull the rug from under one's own work.

A user has the dashboard begin something that goes on in the background, sees that it was accepted, and signs out. The dashboard revokes
the token, so that nobody who finds it can use it. But the work in the background uses it, too: the next service that is called asks
Keystone, and refuses; and with it the clean-up. A service token beside it does not help, for it makes up for expiry alone. Whether it goes
wrong depends on caches: who validated the token shortly before does not notice.

Revoking was added to Horizon (LP 1079832, 1331978), made an option (LP 1599870), and removed (LP 1637460).
"""

import anyio

from actors.auth_token import AuthTokenConfig
from actors.client.held_token import HeldToken
from actors.keystone.messages import RevokeToken
from actors.races.base import Race, Stage
from actors.races.old_glance import Upload, start_glance
from actors.races.town import Town

LONGEST = 600
"""Seconds that an upload takes, and that the user stays, at most."""


class Dashboard:
    """What keeps a user's token between two clicks.

    Args:
        user: who is signed in.
        token: the user's token.
    """

    def __init__(self, user: HeldToken, token: str) -> None:
        self.user = user
        self.token = token

    async def sign_out(self) -> None:
        """Forget the token, which lives on."""
        self.token = ""


class RevokingDashboard(Dashboard):
    """Leaves nothing behind."""

    async def sign_out(self) -> None:
        """Revoke the token, and forget it."""
        await self.user.ask(RevokeToken(subject=self.token))
        await super().sign_out()


async def scenario(stage: Stage) -> None:
    """Uploads that go on in the background, and a user who signs out meanwhile."""
    cache = AuthTokenConfig(token_cache_time=stage.choose("cache", (300, 10, -1)))
    town = await stage.open(Town, auth_token=cache)
    await start_glance(town)
    token = (await town.session().token()).id
    dashboard = town.kind(Dashboard)(HeldToken(town.bus, token), token)

    async def upload(name: str) -> None:
        await dashboard.user.ask(Upload(seconds=stage.seconds(f"{name}/takes", LONGEST)))

    async def sign_out(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/at", LONGEST))
        await dashboard.sign_out()

    await stage.together(*stage.some("sign-out", 1, sign_out), *stage.some("upload", 3, upload))
    await stage.rest()


RACE = Race(
    name="logout-revokes-inflight",
    invariants=("L1",),
    min_operations=2,
    variant={Dashboard: RevokingDashboard},
    scenario=scenario,
)
program, counterpart = RACE.programs()
