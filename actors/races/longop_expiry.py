"""`longop-expiry`: a token that is good when an upload begins, and dead when it ends.

Glance's API admits an upload, and stores its bytes for minutes. Then it tells the registry, with the user's token, that the image is active.
If the token has expired by then, the registry refuses; and so it does when Glance wants to say at least that the upload has failed. The
bytes are in the store, the quota is used up, and the image is saving for ever. A token of any age may be used, so that it happens to
a share of uploads: the mean of min(duration / life of a token, 1). Snapshots, migrations and backups fail in the same way.

Reported as LP 1182536, 1241275, 1298135, 1498163, 1631430 and more. Mended thrice: by services that call with their own account, by trusts
that were made before the upload began (Glance, Mitaka), and by service tokens, beside which an expired token counts (Keystone, Ocata).
"""

import anyio

from actors.client.held_token import HeldToken
from actors.client.on_behalf import OnBehalf
from actors.keystone.config import KeystoneConfig
from actors.races.base import Race, Stage
from actors.races.old_glance import GlanceApi, Upload, start_glance
from actors.races.town import Town

EXPIRATION = 3600
LONGEST = 600
"""Seconds that an upload takes at most."""


class UsersTokenAlone(GlanceApi):
    """Calls the registry with the user's token and nothing else."""

    def registry(self) -> OnBehalf:
        """No session of its own, so no service token."""
        return OnBehalf(self.bus)


async def scenario(stage: Stage) -> None:
    """Uploads by users who signed in a while ago."""
    town = await stage.open(Town, keystone=KeystoneConfig(expiration=EXPIRATION))
    await start_glance(town)

    async def upload(name: str) -> None:
        user = HeldToken(town.bus, (await town.session().token()).id)
        await anyio.sleep(stage.seconds(f"{name}/age", EXPIRATION))
        await user.ask(Upload(seconds=stage.seconds(f"{name}/takes", LONGEST)))

    await stage.together(*stage.some("upload", 3, upload))
    await stage.rest()


RACE = Race(
    name="longop-expiry", invariants=("L1",), min_operations=1, variant={GlanceApi: UsersTokenAlone}, scenario=scenario
)
program, counterpart = RACE.programs()
