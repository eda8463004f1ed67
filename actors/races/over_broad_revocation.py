"""`over-broad-revocation`: to take a role away in one project kills what the user has under way in another.

When a user lost a role, Keystone recorded an event that made all tokens of that user void: the simplest way to make sure that no token
gives the role any more. An administrator who tidies up one project thereby breaks the boots, uploads and stacks that the user's tokens carry in
all the others.

Reported as LP 1488208 and 1662514; mended by looking roles up whenever a token is validated (keystone 5320b1a33, 2cb842cd6), so that no event is
needed.
"""

import anyio

from actors.auth_token import AuthTokenConfig
from actors.client.held_token import HeldToken
from actors.keystone.messages import CreateProject, GrantRole, RevokeRole
from actors.keystone.service import KeystoneService
from actors.races.base import Race, Stage, original
from actors.races.town import Look, Town

LONGEST = 60
"""Seconds within which users sign in and look, and the role is taken away."""


class RevokesAll(KeystoneService):
    """Makes all tokens of whoever loses a role void."""

    async def revoke_role(self, msg: RevokeRole) -> None:
        """Take the role away, and everything else."""
        await original(super().revoke_role(msg))
        self.revoke(user_id=msg.user_id)


async def scenario(stage: Stage) -> None:
    """A user who works in one project, and an administrator who tidies up another."""
    town = await stage.open(Town, auth_token=AuthTokenConfig(token_cache_time=-1))
    admin = town.session("admin")
    token = (await town.session().token()).token
    other = await admin.ask(CreateProject(name="other", domain_id=token.user_domain.id))
    user, role = token.user.id, token.roles[0].id
    await admin.ask(GrantRole(user_id=user, role_id=role, project_id=other.id))

    async def tidy_up(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/at", LONGEST))
        await admin.ask(RevokeRole(user_id=user, role_id=role, project_id=other.id))

    async def work(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/signs-in-at", LONGEST))
        program = HeldToken(town.bus, (await town.session().token()).id)
        await anyio.sleep(stage.seconds(f"{name}/looks-after", LONGEST))
        await program.ask(Look())

    await stage.together(*stage.some("administrator", 1, tidy_up), *stage.some("user", 2, work))


RACE = Race(
    name="over-broad-revocation",
    invariants=("S3", "S6"),
    min_operations=2,
    variant={KeystoneService: RevokesAll},
    scenario=scenario,
)
program, counterpart = RACE.programs()
