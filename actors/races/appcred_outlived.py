"""`appcred-outlived`: a token outlives the application credential that it was made with.

A program is given an application credential that ends on Friday at noon. It signs in a minute before, gets a token that lives for
as long as any other, and goes on after noon, and after an exchange of that token for another one, perhaps for ever.

Reported as LP 1992183 (CVE-2022-2447); mended in keystone 23.0.0 (8f999d1c1): a token ends with its credential at the latest.
"""

import anyio
import attrs

from actors.keystone.authentication import Identity
from actors.keystone.messages import Authenticate, CreateApplicationCredential
from actors.keystone.service import KeystoneService
from actors.races.base import Race, Stage
from actors.races.town import Town

LONGEST = 14400
"""Seconds that a credential lives at most; a token lives for an hour."""


class Uncapped(KeystoneService):
    """Signs in with a credential as if that never ended."""

    def _identity(self, msg: Authenticate) -> Identity:
        """Who signs in, without a word of when the credential ends."""
        found = super()._identity(msg)
        if found.credential is None:
            return found
        return attrs.evolve(found, credential=attrs.evolve(found.credential, expires_at=None))


async def scenario(stage: Stage) -> None:
    """Programs that sign in with a credential, sooner or later before it ends."""
    town = await stage.open(Town)
    owner = town.session()
    user = (await owner.token()).token.user.id
    ends = town.bus.clock.time() + 600 + stage.seconds("credential-lives", LONGEST)
    made = await owner.ask(CreateApplicationCredential(user_id=user, name="program", expires_at=ends))
    account = Authenticate(
        application_credential_id=made.application_credential.id, application_credential_secret=made.secret
    )

    async def sign_in(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/at", LONGEST))
        await town.bus.ask(account)

    await stage.together(*stage.some("program", 3, sign_in))


RACE = Race(
    name="appcred-outlived",
    invariants=("S4", "S8"),
    min_operations=1,
    variant={KeystoneService: Uncapped},
    scenario=scenario,
)
program, counterpart = RACE.programs()
