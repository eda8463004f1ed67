"""`disable-not-seen`: a project is disabled, and its tokens go on.

Keystone remembers what it has read of tokens, and what they refer to. To disable a project records no event that makes tokens void, since whoever
validates a token looks the project up. But not who finds the token remembered; so whatever is disabled has to drop what is remembered. Here and there that was
forgotten: for a trustor's domain, for instance, or for users of another directory.

Reported as LP 1524030, 1532280, 1349597 (CVE-2014-5253) and 2122615; mended by looking at the present state at each validation, and by dropping what
is remembered of tokens when something is disabled (keystone 8eb29c37d, 81c9ddcd5, c63efe1df).
"""

from typing import Any

import anyio

from actors.auth_token import AuthTokenConfig
from actors.client.held_token import HeldToken
from actors.keystone.messages import UpdateProject
from actors.keystone.models import Project
from actors.keystone.service import KeystoneService
from actors.keystone.tokens_region import TokensRegion
from actors.races.base import Race, Stage, original
from actors.races.town import Look, Town

LONGEST = 60
"""Seconds within which the project is disabled, and the token used."""


class Remembering(KeystoneService):
    """Keystone with `[cache] enabled`, for ten minutes."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments, region=TokensRegion(600))


class ForgetsToForget(Remembering):
    """Writes to the database alone."""

    async def update_project(self, msg: UpdateProject) -> Project:
        """Change the row, and leave what is remembered as it is."""
        self.region, region = TokensRegion(0), self.region
        try:
            return await original(super().update_project(msg))
        finally:
            self.region = region


async def scenario(stage: Stage) -> None:
    """Users who work in a project, and an administrator who disables it."""
    town = await stage.open(Town, auth_token=AuthTokenConfig(token_cache_time=10))
    issued = await town.session().token()
    user, admin = HeldToken(town.bus, issued.id), town.session("admin")
    project = issued.token.project

    async def disable(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/at", LONGEST))
        if project is not None:
            await admin.ask(UpdateProject(project_id=project.id, enabled=False))

    async def look(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/at", 2 * LONGEST))
        await user.ask(Look())

    await stage.together(*stage.some("administrator", 1, disable), *stage.some("user", 3, look))


RACE = Race(
    name="disable-not-seen",
    invariants=("S8",),
    min_operations=2,
    setting={KeystoneService: Remembering},
    variant={KeystoneService: ForgetsToForget},
    scenario=scenario,
)
program, counterpart = RACE.programs()
