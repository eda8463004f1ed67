"""`expiry-mutates`: a token says that it ends later when it is made than when it is read.

Keystone told whoever signed in when the token ends, to the microsecond. A Fernet token has room for whole seconds only, so that whoever validated
it was told an earlier instant. In between, up to a second, the client believes that its token is good, and every service refuses it. A client that
renews in time does not notice; one that uses its token to the end does.

Reported as LP 1459790; mended by cutting the time to the second before anybody is told (keystone 9391f9307).
"""

import anyio
import attrs

from actors.client.held_token import HeldToken
from actors.keystone.config import KeystoneConfig
from actors.keystone.messages import Authenticate
from actors.keystone.models import IssuedToken
from actors.keystone.service import KeystoneService
from actors.races.base import Race, Stage, original
from actors.races.town import Look, Town

EXPIRATION = 600
LONGEST = 5
"""Seconds before the end in which a token is used."""


class ToTheMicrosecond(KeystoneService):
    """Tells more than the token does."""

    async def authenticate(self, msg: Authenticate) -> IssuedToken:
        """Sign in; the fraction of a second is told, but not written down."""
        issued = await original(super().authenticate(msg))
        exact = issued.token.expires_at + self.now % 1
        return attrs.evolve(issued, token=attrs.evolve(issued.token, expires_at=exact))


async def scenario(stage: Stage) -> None:
    """Users who use their tokens to the end."""
    town = await stage.open(Town, keystone=KeystoneConfig(expiration=EXPIRATION))

    async def use(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/signs-in-at", LONGEST, 0.01))
        issued = await town.session().token()
        left = 0.01 + stage.seconds(f"{name}/before-the-end", LONGEST, 0.01)
        await anyio.sleep(issued.token.expires_at - left - town.bus.clock.time())
        await HeldToken(town.bus, issued.id).ask(Look())

    await stage.together(*stage.some("user", 3, use))


RACE = Race(
    name="expiry-mutates",
    invariants=("S3",),
    min_operations=1,
    variant={KeystoneService: ToTheMicrosecond},
    scenario=scenario,
)
program, counterpart = RACE.programs()
