"""`revoked-again-valid-after-expiry`: to a service that verifies tokens by itself, a revoked token is good again once it has expired.

PKI tokens carry what they say, signed, so that a service need not ask Keystone: it checks the signature, and whether the token is on the list of
revoked ones that it fetches now and then. It did not check whether the token had expired. Keystone, for its part, leaves tokens off the list that
have expired, since they are of no use to anybody. So a token that was revoked is refused for the rest of its life, and then accepted for
ever; and with it any other that has expired.

Reported as LP 1179615 (CVE-2013-2104, OSSA-2013-014); mended by checking the expiry (b9aafb1).
"""

import anyio

from actors.auth_token import AuthToken
from actors.auth_token.cache import Remembered
from actors.client.held_token import HeldToken
from actors.keystone.config import KeystoneConfig
from actors.keystone.messages import RevokeToken
from actors.races.base import Race, Stage
from actors.races.pki_town import PkiTown
from actors.races.town import Look

EXPIRATION = 600
LONGEST = 900
"""Seconds within which a token is revoked, and used."""


class NeverTooOld(AuthToken):
    """Checks the signature and the list, and that is that."""

    async def _check(self, token: str, *, allow_expired: bool) -> Remembered:
        return await super()._check(token, allow_expired=True)


async def scenario(stage: Stage) -> None:
    """Somebody signs out, and somebody else has found the token."""
    with await stage.open(PkiTown, keystone=KeystoneConfig(provider="pki", expiration=EXPIRATION)) as town:
        token = (await town.session().token()).id
        user = HeldToken(town.bus, token)

        async def sign_out(name: str) -> None:
            await anyio.sleep(stage.seconds(f"{name}/at", LONGEST))
            await user.ask(RevokeToken(subject=token))

        async def steal(name: str) -> None:
            # Not at the very instant of its expiry: Keystone has it off the list by then, and the middleware takes it still.
            await anyio.sleep(0.5 + stage.seconds(f"{name}/at", LONGEST))
            await user.ask(Look())

        await stage.together(*stage.some("sign-out", 1, sign_out), *stage.some("theft", 3, steal))


RACE = Race(
    name="revoked-again-valid-after-expiry",
    invariants=("S1", "S5"),
    min_operations=1,
    variant={AuthToken: NeverTooOld},
    scenario=scenario,
)
program, counterpart = RACE.programs()
