"""`revocation-one-second`: who signs out within the second in which the token was made stays signed in.

Keystone keeps times in whole seconds. A token that was issued at 12:00:00.7 is of 12:00:00, and the event that revokes it at 12:00:00.9 says
"issued before 12:00:00". The comparison was a strict one, so that the event missed the token, which then was good for the rest of its
life. Both clients and tests came upon it, for programs are fast.

Reported as LP 1347961 (CVE-2014-5251) and LP 1484237; mended by comparing with `>=` (keystone 9450cd969), which errs on the other side: see
`actors.races.revocation_same_second`.
"""

import anyio
import attrs

from actors.auth_token import AuthTokenConfig
from actors.client.held_token import HeldToken
from actors.keystone.messages import RevokeToken
from actors.keystone.service import KeystoneService
from actors.keystone.tokens.revocation import RevocationEvent
from actors.races.base import Race, Stage
from actors.races.town import Look, Town

LONGEST = 5
"""Seconds between signing in and signing out, and from then to the next use, at most."""


class StrictlyBefore(KeystoneService):
    """An event hits what was issued in an earlier second than it says."""

    def record(self, event: RevocationEvent) -> None:
        """To be before this second is to be in the one before, at the latest."""
        super().record(attrs.evolve(event, issued_before=event.issued_before - 1))


async def scenario(stage: Stage) -> None:
    """Somebody signs in and out again, and somebody else has found the token."""
    town = await stage.open(Town, auth_token=AuthTokenConfig(token_cache_time=-1))
    await anyio.sleep(stage.seconds("phase", 1, 0.001))
    token = (await town.session().token()).id
    user = HeldToken(town.bus, token)

    async def sign_out(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/at", LONGEST, 0.001))
        await user.ask(RevokeToken(subject=token))

    async def steal(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/at", 2 * LONGEST, 0.001))
        await user.ask(Look())

    await stage.together(*stage.some("sign-out", 1, sign_out), *stage.some("theft", 2, steal))


RACE = Race(
    name="revocation-one-second",
    invariants=("S2",),
    min_operations=2,
    variant={KeystoneService: StrictlyBefore},
    scenario=scenario,
)
program, counterpart = RACE.programs()
