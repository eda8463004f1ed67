"""Keystone's own memory of tokens: what it hides for ten minutes, and what it does not."""

import anyio
import pytest

from actors.errors import NotFound
from actors.ids import ProjectId, RoleId, UserId
from actors.keystone.messages import (
    ChangePassword,
    DeleteProject,
    DeleteRole,
    DeleteUser,
    RevokeRole,
    RevokeToken,
    RotateKeys,
    UpdateDomain,
    UpdateProject,
    UpdateUser,
    ValidateToken,
)  # fmt: skip
from actors.keystone.models import Trust, TrustId, TrustScope
from actors.keystone.tokens_region import TokensRegion
from tests.actors.town import DEFAULT, Town, play

DEMO, PROJECT, MEMBER = UserId("demo"), ProjectId("demo"), RoleId("member")


async def purge(town: Town) -> None:
    """Rotate away every key there was."""
    for _ in range(2):
        await town.operate(RotateKeys())


def test_a_token_whose_key_is_gone_is_read_for_600_seconds_more():
    async def story(town: Town):
        demo, clock = await town.sign_in(), town.world.bus.clock
        await purge(town)
        admin = await town.sign_in("admin")
        validate = ValidateToken(subject=demo.id)
        await anyio.sleep(demo.token.issued_at + 599.9 - clock.time())
        await town.ask(validate, admin.id)
        await anyio.sleep(0.2)
        with pytest.raises(NotFound):
            await town.ask(validate, admin.id)

    play(story, region=TokensRegion())


def test_any_revocation_makes_it_forget_all():
    async def story(town: Town):
        demo, nova = await town.sign_in(), await town.sign_in("nova")
        await purge(town)
        admin = await town.sign_in("admin")
        await town.ask(ValidateToken(subject=demo.id), admin.id)
        await town.ask(RevokeToken(subject=nova.id), admin.id)
        with pytest.raises(NotFound, match="Could not recognize Fernet token"):
            await town.ask(ValidateToken(subject=demo.id), admin.id)

    play(story, region=TokensRegion())


def test_by_default_nothing_is_remembered():
    async def story(town: Town):
        demo = await town.sign_in()
        await purge(town)
        with pytest.raises(NotFound):
            await town.session("admin").ask(ValidateToken(subject=demo.id))

    play(story)


@pytest.mark.parametrize(
    "end",
    [
        lambda town, demo: town.ask(RevokeToken(subject=demo.id), demo.id),
        lambda town, demo: town.ask(ChangePassword(original_password="demo-secret", password="x"), demo.id),
        lambda town, _: town.session("admin").ask(UpdateUser(user_id=DEMO, enabled=False)),
        lambda town, _: town.session("admin").ask(DeleteUser(user_id=DEMO)),
        lambda town, _: town.session("admin").ask(UpdateProject(project_id=PROJECT, enabled=False)),
        lambda town, _: town.session("admin").ask(DeleteProject(project_id=PROJECT)),
        lambda town, _: town.session("admin").ask(RevokeRole(user_id=DEMO, role_id=MEMBER, project_id=PROJECT)),
        lambda town, _: town.session("admin").ask(DeleteRole(role_id=MEMBER)),
    ],
    ids=[
        "revoked", "password", "user disabled", "user deleted", "project disabled", "project deleted", "role taken away",
        "role deleted",
    ],
)  # fmt: skip
def test_what_ends_a_token_is_seen_at_once_by_every_member_that_shares_the_memory(end):
    async def story(town: Town):
        demo, nova = await town.sign_in(), await town.sign_in("nova")
        for keystone in town.keystones:
            await town.ask(ValidateToken(subject=demo.id), nova.id, to=keystone)
        await end(town, demo)
        for keystone in town.keystones:
            with pytest.raises(NotFound):
                await town.ask(ValidateToken(subject=demo.id), nova.id, to=keystone)

    play(story, region=TokensRegion(), keystones=2)


def test_a_disabled_domain_is_seen_at_once():
    async def story(town: Town):
        admin = await town.sign_in("admin")
        await town.ask(UpdateDomain(domain_id=DEFAULT, enabled=False), admin.id)
        with pytest.raises(NotFound):
            await town.ask(ValidateToken(subject=admin.id), admin.id)

    play(story, region=TokensRegion())


def test_expiry_is_looked_at_each_time():
    async def story(town: Town):
        demo, clock = await town.sign_in(), town.world.bus.clock
        await anyio.sleep(demo.token.expires_at - 1 - clock.time())
        await town.ask(ValidateToken(subject=demo.id), demo.id)
        nova = town.session("nova")
        await nova.token()
        await anyio.sleep(demo.token.expires_at - clock.time())
        with pytest.raises(NotFound):
            await nova.ask(ValidateToken(subject=demo.id))

    play(story, region=TokensRegion())


@pytest.mark.parametrize(("seconds", "found"), [(0, False), (600, True)], ids=["no memory", "memory"])
def test_the_token_of_a_trusts_last_use_is_good_only_while_it_is_remembered(seconds, found):
    async def story(town: Town):
        trust = Trust(
            id=TrustId("0" * 32), trustor_user_id=DEMO, trustee_user_id=UserId("nova"), impersonation=False,
            project_id=PROJECT, roles=(MEMBER,), remaining_uses=1,
        )  # fmt: skip
        town.store.trusts[trust.id] = trust
        issued, admin = await town.sign_in("nova", scope=TrustScope(id=trust.id)), town.session("admin")
        await admin.token()
        validate = ValidateToken(subject=issued.id)
        if found:
            await admin.ask(validate)
            await anyio.sleep(600)
        with pytest.raises(NotFound):
            await admin.ask(validate)

    play(story, region=TokensRegion(seconds))


def test_it_forgets_what_is_old_and_grows_no_further():
    async def story(town: Town):
        region = TokensRegion(10)
        minted = town.world.bus.cell(town.keystone).actor.judge((await town.sign_in()).id)
        for n in range(100):
            region.put(f"token {n}", minted, float(n))
            region.get("token 0", float(n))
        return [n for n in range(100) if region.get(f"token {n}", 99.0)]

    assert play(story) == list(range(90, 100))
