"""Keystone as an actor: signing in, judging tokens, managing who there is."""

import anyio
import attrs
import pytest

from actors.context import Credentials
from actors.errors import NotFound, Unauthorized
from actors.ids import ProjectId, UserId
from actors.keystone.config import KeystoneConfig
from actors.keystone.messages import (
    Authenticate,
    ChangePassword,
    RevokeToken,
    ValidateToken,
)  # fmt: skip
from actors.keystone.models import ProjectScope, SystemScope
from tests.actors.town import DEFAULT, Town, play

DEMO = UserId("demo")


def test_a_project_token_says_who_for_what_with_which_roles_and_where():
    async def story(town: Town):
        return (await town.session("demo").token()).token

    token = play(story)

    assert (token.user.name, token.project.name, token.role_names) == ("demo", "demo", ("member",))
    assert [endpoint.topic for endpoint in token.catalog] == ["nova-api"]
    assert (token.expires_at - token.issued_at, token.methods) == (3600, ("password",))


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "guess"},
        {"password": None},
        {"user_name": "nobody"},
        {"user_name": None, "user_id": "nobody"},
        {"user_name": None},
        {"scope": ProjectScope(name="no such project", domain_id=DEFAULT)},
        {"scope": ProjectScope(id=ProjectId("service"))},
        {"scope": SystemScope()},
    ],
    ids=[
        "wrong password",
        "no password",
        "unknown name",
        "unknown id",
        "nobody",
        "no project",
        "no role",
        "no system role",
    ],
)
def test_whoever_may_not_sign_in_is_told_nothing_but_401(wrong):
    async def story(town: Town):
        with pytest.raises(Unauthorized, match=r"^The request you have made requires authentication\."):
            await town.world.bus.ask(attrs.evolve(town.account("demo"), **wrong))

    play(story)


@pytest.mark.parametrize(
    "disable",
    [
        lambda store: store.users.update(demo=attrs.evolve(store.users["demo"], enabled=False)),
        lambda store: store.projects.update(demo=attrs.evolve(store.projects["demo"], enabled=False)),
        lambda store: store.domains.update(default=attrs.evolve(store.domains["default"], enabled=False)),
    ],
    ids=["user", "project", "domain"],
)
def test_a_disabled_user_project_or_domain_keeps_one_out_and_voids_tokens(disable):
    async def story(town: Town):
        admin, demo = town.session("nova"), await town.session("demo").token()
        await admin.token()
        store = town.store
        disable(store)
        with pytest.raises(Unauthorized):
            await town.world.bus.ask(town.account("demo"))
        store.domains["default"] = attrs.evolve(store.domains["default"], enabled=True)
        disable(store)
        with pytest.raises((NotFound, Unauthorized)):
            await town.world.bus.ask(ValidateToken(subject=demo.id), context=Credentials(token=demo.id))

    play(story)


def test_a_token_is_expired_at_the_very_instant_of_its_expiry():
    async def story(town: Town):
        clock, demo = town.world.bus.clock, await town.session("demo").token()
        validate = ValidateToken(subject=demo.id)
        await anyio.sleep(demo.token.expires_at - clock.time() - 0.000001)
        nova = town.session("nova")
        await nova.ask(validate)
        await anyio.sleep(0.000001)
        with pytest.raises(NotFound, match="Failed to validate token"):
            await nova.ask(validate)
        await nova.ask(attrs.evolve(validate, allow_expired=True))

    play(story)


def test_the_window_for_expired_tokens_ends_exclusively():
    async def story(town: Town):
        clock, demo = town.world.bus.clock, await town.session("demo").token()
        validate = ValidateToken(subject=demo.id, allow_expired=True)
        await anyio.sleep(demo.token.expires_at + 10 - clock.time() - 0.000001)
        nova = town.session("nova")
        await nova.ask(validate)
        await anyio.sleep(0.000001)
        with pytest.raises(NotFound):
            await nova.ask(validate)

    play(story, config=KeystoneConfig(allow_expired_window=10))


def test_an_exchanged_token_never_lives_longer_and_falls_with_its_root():
    async def story(town: Town):
        bus, demo = town.world.bus, await town.session("demo").token()
        await anyio.sleep(3599)
        child = await bus.ask(Authenticate(token=demo.id, scope=ProjectScope(id=ProjectId("demo"))))
        assert child.token.expires_at == demo.token.expires_at
        assert child.token.audit_ids[1:] == demo.token.audit_ids
        assert child.token.methods == ("token", "password")
        await bus.ask(RevokeToken(subject=demo.id), context=Credentials(token=demo.id))
        with pytest.raises(NotFound):
            await town.session("nova").ask(ValidateToken(subject=child.id))

    play(story)


def test_a_revoked_token_cannot_be_revoked_again_nor_used():
    async def story(town: Town):
        demo, nova = await town.session("demo").token(), town.session("nova")
        await town.world.bus.ask(RevokeToken(subject=demo.id), context=Credentials(token=demo.id))
        with pytest.raises(NotFound):
            await town.session("admin").ask(RevokeToken(subject=demo.id))
        with pytest.raises(NotFound):
            await nova.ask(ValidateToken(subject=demo.id, allow_expired=True))

    play(story)


def test_a_new_password_voids_tokens_of_the_same_second_and_not_of_the_next():
    async def story(town: Town):
        bus, demo = town.world.bus, await town.session("demo").token()
        change = ChangePassword(original_password="demo-secret", password="new")
        with pytest.raises(Unauthorized):
            await bus.ask(attrs.evolve(change, original_password="guess"), context=Credentials(token=demo.id))
        await bus.ask(change, context=Credentials(token=demo.id))
        account = attrs.evolve(town.account("demo"), password="new")
        same_second = await bus.ask(account)
        await anyio.sleep(1)
        next_second = await bus.ask(account)
        nova = town.session("nova")
        for void in (demo, same_second):
            with pytest.raises(NotFound):
                await nova.ask(ValidateToken(subject=void.id))
        await nova.ask(ValidateToken(subject=next_second.id))

    play(story)
