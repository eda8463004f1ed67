"""Keystone as an actor: signing in, judging tokens, managing who there is."""

import anyio
import attrs
import pytest

from actors.context import Credentials
from actors.errors import Conflict, Forbidden, NotFound, Unauthorized
from actors.ids import ProjectId, RoleId, UserId
from actors.keystone.config import KeystoneConfig
from actors.keystone.messages import (
    Authenticate,
    ChangePassword,
    CreateProject,
    CreateUser,
    DeleteProject,
    DeleteUser,
    GrantRole,
    ListUsers,
    RevokeRole,
    RevokeToken,
    RotateKeys,
    UpdateProject,
    UpdateUser,
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


def test_garbage_is_404_as_the_subject_and_401_as_the_caller():
    async def story(town: Town):
        with pytest.raises(NotFound, match="Could not recognize Fernet token"):
            await town.session("nova").ask(ValidateToken(subject="garbage"))
        with pytest.raises(Unauthorized):
            await town.world.bus.ask(ValidateToken(subject="garbage"), context=Credentials(token="garbage"))

    play(story)


def test_users_may_ask_about_their_own_tokens_alone():
    async def story(town: Town):
        demo, nova = await town.session("demo").token(), await town.session("nova").token()
        mine = Credentials(token=demo.id)
        await town.world.bus.ask(ValidateToken(subject=demo.id), context=mine)
        with pytest.raises(Forbidden):
            await town.world.bus.ask(ValidateToken(subject=nova.id), context=mine)
        with pytest.raises(NotFound):
            await town.world.bus.ask(ValidateToken(subject="garbage"), context=mine)

    play(story)


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


def test_a_token_outlives_one_rotation_and_dies_at_the_second_with_three_keys():
    async def story(town: Town):
        demo, nova = await town.session("demo").token(), town.session("nova")
        context = await town.who((await town.session("nova").token()).id)
        for _ in range(2):
            await nova.ask(ValidateToken(subject=demo.id))
            await town.world.bus.ask(RotateKeys(), context=context)
        with pytest.raises(NotFound):
            await town.session("nova").ask(ValidateToken(subject=demo.id))

    play(story)


def test_what_only_administrators_may_do_is_refused_to_all_others():
    async def story(town: Town):
        for message in (ListUsers(), CreateUser(name="x", domain_id=DEFAULT), DeleteUser(user_id=DEMO)):
            with pytest.raises(Forbidden):
                await town.session("demo").ask(message)

    play(story)


def test_users_projects_and_roles_come_change_and_go():
    async def story(town: Town):
        admin = town.session("admin")
        project = await admin.ask(CreateProject(name="p", domain_id=DEFAULT))
        user = await admin.ask(CreateUser(name="u", domain_id=DEFAULT, password="pw"))
        for again in (CreateProject(name="p", domain_id=DEFAULT), CreateUser(name="u", domain_id=DEFAULT)):
            with pytest.raises(Conflict):
                await admin.ask(again)
        grant = GrantRole(user_id=user.id, role_id=RoleId("member"), project_id=project.id)
        await admin.ask(grant)
        account = Authenticate(user_id=user.id, password="pw", scope=ProjectScope(id=project.id))
        issued = await town.world.bus.ask(account)
        assert await admin.ask(ListUsers(name="u")) == (user,)
        await admin.ask(UpdateProject(project_id=project.id, name="q"))
        await admin.ask(UpdateUser(user_id=user.id, enabled=False))
        await admin.ask(UpdateUser(user_id=user.id, enabled=True))
        with pytest.raises(NotFound):
            await admin.ask(ValidateToken(subject=issued.id))
        await admin.ask(RevokeRole(user_id=user.id, role_id=RoleId("member"), project_id=project.id))
        with pytest.raises(NotFound):
            await admin.ask(RevokeRole(user_id=user.id, role_id=RoleId("member"), project_id=project.id))
        await admin.ask(DeleteProject(project_id=project.id))
        await admin.ask(DeleteUser(user_id=user.id))
        with pytest.raises(NotFound):
            await admin.ask(DeleteUser(user_id=user.id))

    play(story)


def test_passwords_and_tokens_are_in_no_repr():
    async def story(town: Town):
        issued = await town.session("demo").token()
        account = town.account("demo")
        for value in (issued, account, Credentials(token=issued.id), await town.who(issued.id), town.store):
            assert issued.id not in repr(value)
            assert "demo-secret" not in repr(value)

    play(story)
