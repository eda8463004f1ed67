"""Application credentials: making, seeing, using and deleting them, and what ends their tokens."""

import anyio
import attrs
import pytest

from actors.errors import BadRequest, Conflict, Forbidden, NotFound, Unauthorized
from actors.ids import ProjectId, RoleId, UserId
from actors.keystone.config import TOKEN_PROVIDERS, KeystoneConfig
from actors.keystone.messages import (
    Authenticate,
    CreateApplicationCredential,
    CreateTrust,
    DeleteApplicationCredential,
    DeleteProject,
    DeleteRole,
    DeleteUser,
    ListApplicationCredentials,
    ListTrusts,
    RevokeRole,
    ShowApplicationCredential,
    UpdateProject,
    UpdateUser,
    ValidateToken,
)  # fmt: skip
from actors.keystone.models import IssuedToken, NewApplicationCredential, ProjectScope, TrustScope, Unscoped
from actors.keystone.store import Grant
from actors.keystone.tokens_region import TokensRegion
from tests.actors.town import DEFAULT, Town, play

DEMO, MEMBER, PROJECT = UserId("demo"), RoleId("member"), ProjectId("demo")
CREATE = CreateApplicationCredential(user_id=DEMO, name="backup")


async def made(town: Town, **changes) -> NewApplicationCredential:
    """Have the demo user make a credential."""
    return await town.session("demo").ask(attrs.evolve(CREATE, **changes))


def account(new: NewApplicationCredential) -> Authenticate:
    """How a program signs in with it."""
    return Authenticate(
        application_credential_id=new.application_credential.id, application_credential_secret=new.secret
    )


async def use(town: Town, new: NewApplicationCredential) -> IssuedToken:
    return await town.world.bus.ask(account(new))


# -- what a token of a credential is -----------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", TOKEN_PROVIDERS)
@pytest.mark.parametrize("unrestricted", [False, True])
def test_a_token_of_a_credential_is_its_users_for_its_project_with_its_roles(provider, unrestricted):
    async def story(town: Town):
        town.store.grants[Grant(DEMO, "demo", RoleId("service"))] = None
        new = await made(town, roles=(MEMBER,), unrestricted=unrestricted)
        issued = await use(town, new)
        seen = await town.session("admin").ask(ValidateToken(subject=issued.id))
        assert seen == issued.token
        assert (seen.user.id, seen.project.id, seen.role_names) == ("demo", "demo", ("member",))
        assert seen.methods == ("application_credential",)
        used = seen.application_credential
        assert (used.id, used.name, used.restricted) == (new.application_credential.id, "backup", not unrestricted)

    play(story, config=KeystoneConfig(provider=provider))


def test_without_roles_it_has_those_of_the_token_that_made_it():
    async def story(town: Town):
        town.store.grants[Grant(DEMO, "demo", RoleId("service"))] = None
        return (await made(town)).application_credential.roles

    assert play(story) == ("member", "service")


def test_it_is_found_by_its_user_and_name_too():
    async def story(town: Town):
        new = await made(town)
        by_name = Authenticate(
            user_name="demo", user_domain_id=DEFAULT, application_credential_name="backup",
            application_credential_secret=new.secret,
        )  # fmt: skip
        issued = await town.world.bus.ask(by_name)
        assert issued.token.application_credential.id == new.application_credential.id
        for wrong in ({"user_name": "nova"}, {"application_credential_name": "other"}, {"user_name": "nobody"}):
            with pytest.raises(Unauthorized):
                await town.world.bus.ask(attrs.evolve(by_name, **wrong))

    play(story)


@pytest.mark.parametrize("secret", [None, "", "guess"])
def test_a_wrong_secret_is_401(secret):
    async def story(town: Town):
        new = await made(town)
        with pytest.raises(Unauthorized):
            await town.world.bus.ask(attrs.evolve(account(new), application_credential_secret=secret))

    play(story)


def test_it_cannot_ask_for_a_scope():
    async def story(town: Town):
        new = await made(town)
        for scope in (ProjectScope(id=PROJECT), Unscoped()):
            with pytest.raises(Unauthorized, match="cannot request a scope"):
                await town.world.bus.ask(attrs.evolve(account(new), scope=scope))

    play(story)


def test_a_secret_may_be_chosen_and_is_otherwise_long_and_random():
    async def story(town: Town):
        chosen = await made(town, secret="correct horse")
        others = [await made(town, name=name) for name in "ab"]
        assert chosen.secret == "correct horse"
        await use(town, chosen)
        assert len({other.secret for other in others}) == 2
        assert {len(other.secret) for other in others} == {86}

    play(story)


# -- its end -----------------------------------------------------------------------------------------------------------


def test_its_tokens_end_with_it_and_at_that_instant_it_makes_no_more():
    async def story(town: Town):
        clock = town.world.bus.clock
        new = await made(town, expires_at=clock.time() // 1 + 100)
        issued = await use(town, new)
        assert issued.token.expires_at == new.application_credential.expires_at
        await anyio.sleep(issued.token.expires_at - clock.time())
        with pytest.raises(Unauthorized):
            await use(town, new)
        with pytest.raises(NotFound):
            await town.session("admin").ask(ValidateToken(subject=issued.id))

    play(story)


ENDS = {
    "it is deleted": (
        lambda new: DeleteApplicationCredential(user_id=DEMO, application_credential_id=new.application_credential.id),
        NotFound,
    ),
    "user deleted": (lambda _: DeleteUser(user_id=DEMO), NotFound),
    "user disabled": (lambda _: UpdateUser(user_id=DEMO, enabled=False), NotFound),
    "project deleted": (lambda _: DeleteProject(project_id=PROJECT), NotFound),
    "project disabled": (lambda _: UpdateProject(project_id=PROJECT, enabled=False), NotFound),
    "role deleted": (lambda _: DeleteRole(role_id=MEMBER), NotFound),
    "role taken away": (lambda _: RevokeRole(user_id=DEMO, role_id=MEMBER, project_id=PROJECT), Unauthorized),
}


@pytest.mark.parametrize("seconds", [0, 600], ids=["no cache", "cache"])
@pytest.mark.parametrize("provider", ["fernet", "uuid"])
@pytest.mark.parametrize(("end", "using"), ENDS.values(), ids=ENDS)
def test_what_ends_a_credential_ends_its_tokens_at_once(seconds, provider, end, using):
    async def story(town: Town):
        new, admin = await made(town), town.session("admin")
        issued = await use(town, new)
        await admin.ask(end(new))
        with pytest.raises(NotFound):
            await admin.ask(ValidateToken(subject=issued.id))
        with pytest.raises(using):
            await use(town, new)

    play(story, config=KeystoneConfig(provider=provider), region=TokensRegion(seconds))


def test_a_credential_of_a_disabled_user_is_gone_for_good():
    async def story(town: Town):
        new, admin = await made(town), town.session("admin")
        for enabled in (False, True):
            await admin.ask(UpdateUser(user_id=DEMO, enabled=enabled))
        with pytest.raises(NotFound):
            await use(town, new)

    play(story)


def test_a_new_password_leaves_credentials_as_they_are():
    async def story(town: Town):
        new = await made(town)
        await town.session("admin").ask(UpdateUser(user_id=DEMO, password="new"))
        await anyio.sleep(1)
        issued = await use(town, new)
        return await town.session("admin").ask(ValidateToken(subject=issued.id)) == issued.token

    assert play(story)


def test_a_role_that_the_user_has_lost_is_missing_and_the_others_stay():
    async def story(town: Town):
        town.store.grants[Grant(DEMO, "demo", RoleId("service"))] = None
        issued, admin = await use(town, await made(town)), town.session("admin")
        await admin.ask(RevokeRole(user_id=DEMO, role_id=MEMBER, project_id=PROJECT))
        return (await admin.ask(ValidateToken(subject=issued.id))).role_names

    assert play(story) == ("service",)


# -- who may what ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"user_id": UserId("nova")}, Forbidden),
        ({"roles": (RoleId("admin"),)}, BadRequest),
        ({"roles": (RoleId("none"),)}, NotFound),
        ({"expires_at": 0.0}, BadRequest),
    ],
    ids=str,
)
def test_a_credential_that_may_not_be_is_refused_and_nothing_is_stored(changes, error):
    async def story(town: Town):
        with pytest.raises(error):
            await made(town, **changes)
        assert town.store.application_credentials == {}

    play(story)


def test_a_token_without_a_project_makes_none():
    async def story(town: Town):
        unscoped = await town.sign_in(scope=Unscoped())
        with pytest.raises(BadRequest, match="scope"):
            await town.ask(CREATE, unscoped.id)

    play(story)


def test_a_name_is_taken_once_for_each_user():
    async def story(town: Town):
        await made(town)
        with pytest.raises(Conflict):
            await made(town)
        await town.session("nova").ask(attrs.evolve(CREATE, user_id=UserId("nova")))

    play(story)


def test_its_user_and_administrators_see_and_delete_it_and_nobody_else():
    async def story(town: Town):
        credential = (await made(town)).application_credential
        show = ShowApplicationCredential(user_id=DEMO, application_credential_id=credential.id)
        for name in ("demo", "admin"):
            assert await town.session(name).ask(show) == credential
            listed = await town.session(name).ask(ListApplicationCredentials(user_id=DEMO, name="backup"))
            assert listed == (credential,)
            assert await town.session(name).ask(ListApplicationCredentials(user_id=DEMO, name="other")) == ()
        delete = DeleteApplicationCredential(user_id=DEMO, application_credential_id=credential.id)
        for message in (show, ListApplicationCredentials(user_id=DEMO), delete):
            with pytest.raises(Forbidden):
                await town.session("nova").ask(message)
        for message in (show, delete):
            with pytest.raises(NotFound):
                await town.session("nova").ask(attrs.evolve(message, user_id=UserId("nova")))
        await town.session("admin").ask(delete)
        with pytest.raises(NotFound):
            await town.session("demo").ask(show)

    play(story)


@pytest.mark.parametrize("unrestricted", [False, True])
def test_only_tokens_of_unrestricted_credentials_manage_credentials_and_all_see_them(unrestricted):
    async def story(town: Town):
        new = await made(town, unrestricted=unrestricted)
        token = (await use(town, new)).id
        ids = {"user_id": DEMO, "application_credential_id": new.application_credential.id}
        await town.ask(ListApplicationCredentials(user_id=DEMO), token)
        await town.ask(ShowApplicationCredential(**ids), token)
        if unrestricted:
            await town.ask(attrs.evolve(CREATE, name="another"), token)
            await town.ask(DeleteApplicationCredential(**ids), token)
            return
        for message in (attrs.evolve(CREATE, name="another"), DeleteApplicationCredential(**ids)):
            with pytest.raises(Forbidden, match="managing additional application credentials"):
                await town.ask(message, token)

    play(story)


def test_a_token_of_a_credential_is_not_exchanged_and_sees_and_makes_no_trusts():
    async def story(town: Town):
        token = (await use(town, await made(town, unrestricted=True))).id
        for scope in (ProjectScope(id=PROJECT), None):
            with pytest.raises(Forbidden, match="delegated"):
                await town.world.bus.ask(Authenticate(token=token, scope=scope))
        trust = CreateTrust(
            trustor_user_id=DEMO,
            trustee_user_id=UserId("nova"),
            impersonation=True,
            project_id=PROJECT,
            roles=(MEMBER,),
        )
        for message in (trust, ListTrusts(trustor_user_id=DEMO)):
            with pytest.raises(Forbidden, match="Delegated tokens"):
                await town.ask(message, token)

    play(story)


def test_a_token_of_a_trust_neither_sees_nor_makes_credentials():
    async def story(town: Town):
        trust = await town.session("demo").ask(
            CreateTrust(
                trustor_user_id=DEMO, trustee_user_id=UserId("nova"), impersonation=True, project_id=PROJECT,
                roles=(MEMBER,),
            )
        )  # fmt: skip
        token = (await town.sign_in("nova", scope=TrustScope(id=trust.id))).id
        for message in (CREATE, ListApplicationCredentials(user_id=DEMO)):
            with pytest.raises(Forbidden, match="issued via delegation"):
                await town.ask(message, token)

    play(story)
