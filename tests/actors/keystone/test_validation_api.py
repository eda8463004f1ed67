"""Asking about tokens and revoking them: every case of keystone 30.0.0's `GET`, `HEAD` and `DELETE /v3/auth/tokens`."""

import anyio
import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.context import Credentials
from actors.errors import Forbidden, NotFound, Unauthorized
from actors.ids import DomainId, ProjectId, RoleId, UserId
from actors.keystone.config import KeystoneConfig
from actors.keystone.errors import TokenInvalid
from actors.keystone.messages import (
    Authenticate,
    ChangePassword,
    CheckToken,
    CreateDomain,
    DeleteProject,
    DeleteUser,
    GrantRole,
    ListUsers,
    RevokeRole,
    RevokeToken,
    RevokeUserTokens,
    RotateKeys,
    TokenRevoked,
    UpdateDomain,
    UpdateProject,
    UpdateUser,
    ValidateToken,
)  # fmt: skip
from actors.keystone.models import DomainScope, ProjectScope, SystemScope, Unscoped
from actors.keystone.store import SYSTEM, Grant
from actors.keystone.tokens.claims import TokenClaims
from bus.actor import Actor
from tests.actors.town import DEFAULT, Town, play

DEMO, MEMBER = ProjectId("demo"), RoleId("member")


async def until(town: Town, instant: float) -> None:
    await anyio.sleep(instant - town.world.bus.clock.time())


def give(town: Town, user: str, role: str, target: str) -> None:
    town.store.grants[Grant(UserId(user), target, RoleId(role))] = None


# -- who may ask -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("caller", "get", "head", "delete"),
    [
        ("admin", "ok", "ok", "ok"),
        ("nova", "ok", "403", "403"),
        ("reader", "ok", "ok", "403"),
        ("demo", "ok", "ok", "ok"),
        ("other", "403", "403", "403"),
    ],
)
def test_who_may_get_head_and_delete_a_token_of_the_demo_user(caller, get, head, delete):
    async def story(town: Town):
        for name in ("reader", "other"):
            town.store.users[name] = attrs.evolve(town.store.users["demo"], id=UserId(name), name=name)
            town.store.set_password(name, f"{name}-secret", town.world.random("x"))
            give(town, name, "member", "demo")
        town.store.roles["reader"] = attrs.evolve(town.store.roles["member"], id=RoleId("reader"), name="reader")
        give(town, "reader", "reader", SYSTEM)
        scopes = {"reader": SystemScope(), "other": ProjectScope(id=DEMO)}
        token = await town.sign_in(caller, **({"scope": scopes[caller]} if caller in scopes else {}))
        demo = await town.sign_in()
        return [
            await outcome(town, kind(subject=demo.id), token.id) for kind in (ValidateToken, CheckToken, RevokeToken)
        ]

    assert play(story) == [get, head, delete]


async def outcome(town: Town, message, token: str | None) -> str:
    try:
        await town.ask(message, token)
    except (Unauthorized, Forbidden, NotFound) as error:
        return str(error.status)
    return "ok"


def test_a_reader_of_a_project_is_no_reader_of_the_system():
    async def story(town: Town):
        town.store.roles["reader"] = attrs.evolve(town.store.roles["member"], id=RoleId("reader"), name="reader")
        give(town, "demo", "reader", "demo")
        demo, nova = await town.sign_in(), await town.sign_in("nova")
        with pytest.raises(Forbidden):
            await town.ask(ValidateToken(subject=nova.id), demo.id)

    play(story)


@pytest.mark.parametrize("token", [None, "", "garbage"], ids=["no token", "empty", "garbage"])
def test_without_a_good_token_of_ones_own_it_is_401_whatever_the_subject(token):
    async def story(town: Town):
        demo = await town.sign_in()
        for subject in (demo.id, "garbage", ""):
            with pytest.raises(Unauthorized):
                await town.ask(ValidateToken(subject=subject), token)

    play(story)


def test_no_subject_is_404_with_words_of_its_own():
    async def story(town: Town):
        with pytest.raises(NotFound, match="No token in the request"):
            await town.session("nova").ask(ValidateToken(subject=""))

    play(story)


def test_404_comes_before_403():
    async def story(town: Town):
        demo, nova = await town.sign_in(), await town.sign_in("nova")
        for kind in (ValidateToken, CheckToken, RevokeToken):
            with pytest.raises(Forbidden):
                await town.ask(kind(subject=nova.id), demo.id)
            with pytest.raises(NotFound):
                await town.ask(kind(subject="garbage"), demo.id)

    play(story)


def test_the_catalog_is_left_out_on_demand():
    async def story(town: Town):
        demo = await town.sign_in()
        full = await town.ask(ValidateToken(subject=demo.id), demo.id)
        bare = await town.ask(ValidateToken(subject=demo.id, nocatalog=True), demo.id)
        assert (len(full.catalog), len(bare.catalog)) == (1, 0)
        assert attrs.evolve(full, catalog=()) == bare

    play(story)


def test_system_and_domain_tokens_have_a_catalog_and_unscoped_ones_have_none_and_no_roles():
    async def story(town: Town):
        give(town, "demo", "member", SYSTEM)
        give(town, "demo", "member", DEFAULT)
        tokens = [
            (await town.sign_in(scope=scope)).token
            for scope in (SystemScope(), DomainScope(id=DEFAULT), Unscoped(), None)
        ]
        return [(len(token.catalog), token.role_names) for token in tokens]

    assert play(story) == [(1, ("member",)), (1, ("member",)), (0, ()), (0, ())]


# -- what makes a token void, as the subject and as the caller's own -----------------------------------------------------


def evolve(table: str, id: str, **changes):
    def change(town: Town):
        rows = getattr(town.store, table)
        rows[id] = attrs.evolve(rows[id], **changes)

    return change


@pytest.mark.parametrize(
    ("change", "as_caller", "text"),
    [
        (lambda town: town.store.grants.clear(), Unauthorized, "Could not find token"),
        (evolve("users", "demo", enabled=False), Unauthorized, "Failed to validate token"),
        (lambda town: town.store.users.pop("demo"), NotFound, "Could not find user: demo"),
        (evolve("projects", "demo", enabled=False), NotFound, "Could not find project: demo"),
        (lambda town: town.store.projects.pop("demo"), NotFound, "Could not find project: demo"),
        (evolve("domains", "other", enabled=False), NotFound, "Could not find domain: other"),
    ],
    ids=[
        "role gone", "user disabled", "user deleted", "project disabled", "project deleted", "domain disabled",
    ],
)  # fmt: skip
def test_what_a_token_refers_to_is_looked_at_anew_404_as_subject_and_404_or_401_as_caller(change, as_caller, text):
    async def story(town: Town):
        town.store.domains["other"] = attrs.evolve(town.store.domains[DEFAULT], id=DomainId("other"), name="Other")
        evolve("projects", "demo", domain_id=DomainId("other"))(town)
        account = attrs.evolve(town.account("demo"), scope=ProjectScope(id=DEMO))
        demo, admin = await town.world.bus.ask(account), await town.sign_in("admin")
        mine = dict(town.store.grants)
        change(town)
        with pytest.raises(as_caller):
            await town.ask(ValidateToken(subject=demo.id), demo.id)
        town.store.grants = {grant: None for grant in mine if grant.user_id == "admin"} | town.store.grants
        with pytest.raises(NotFound, match=text):
            await town.ask(ValidateToken(subject=demo.id), admin.id)

    play(story)


def test_a_disabled_user_found_at_validation_leaves_an_event_that_outlives_the_disabling():
    async def story(town: Town):
        demo, admin = await town.sign_in(), await town.sign_in("admin")
        evolve("users", "demo", enabled=False)(town)
        with pytest.raises(TokenInvalid):
            await town.ask(ValidateToken(subject=demo.id), admin.id)
        evolve("users", "demo", enabled=True)(town)
        with pytest.raises(TokenInvalid):
            await town.ask(ValidateToken(subject=demo.id), admin.id)

    play(story)


@pytest.mark.parametrize(
    "void",
    [
        lambda town, demo: town.ask(RevokeToken(subject=demo.id), demo.id),
        lambda town, demo: town.ask(RevokeUserTokens(user_id=UserId("demo")), demo.id),
        lambda town, demo: town.ask(ChangePassword(original_password="demo-secret", password="new"), demo.id),
        lambda town, _: town.session("admin").ask(UpdateUser(user_id=UserId("demo"), password="new")),
        lambda town, _: town.session("admin").ask(UpdateUser(user_id=UserId("demo"), enabled=False)),
        lambda town, _: town.session("admin").ask(DeleteUser(user_id=UserId("demo"))),
        lambda town, _: town.session("admin").ask(DeleteProject(project_id=DEMO)),
    ],
    ids=[
        "token",
        "all the user's",
        "own password",
        "password by admin",
        "user disabled",
        "user deleted",
        "project deleted",
    ],
)
def test_who_writes_revocation_events_and_that_they_count_within_the_window_too(void):
    async def story(town: Town):
        demo = await town.sign_in()
        await void(town, demo)
        assert len(town.store.revocations) > 0
        nova = town.session("nova")
        for allow_expired in (False, True):
            with pytest.raises(NotFound):
                await nova.ask(ValidateToken(subject=demo.id, allow_expired=allow_expired))

    play(story)


@pytest.mark.parametrize(
    "change",
    [
        UpdateProject(project_id=DEMO, enabled=False),
        UpdateDomain(domain_id=DomainId("other"), enabled=False),
        RevokeRole(user_id=UserId("demo"), role_id=MEMBER, project_id=DEMO),
    ],
    ids=["project disabled", "domain disabled", "role taken away"],
)
def test_what_validation_looks_at_anew_writes_no_event_and_can_be_undone(change):
    async def story(town: Town):
        town.store.domains["other"] = attrs.evolve(town.store.domains[DEFAULT], id=DomainId("other"), name="Other")
        evolve("projects", "demo", domain_id=DomainId("other"))(town)
        demo, admin = await town.sign_in(scope=ProjectScope(id=DEMO)), town.session("admin")
        await admin.ask(change)
        assert len(town.store.revocations) == 0
        with pytest.raises(NotFound):
            await admin.ask(ValidateToken(subject=demo.id))
        undo = GrantRole(user_id=UserId("demo"), role_id=MEMBER, project_id=DEMO)
        await admin.ask(undo if isinstance(change, RevokeRole) else attrs.evolve(change, enabled=True))
        await admin.ask(ValidateToken(subject=demo.id))

    play(story)


def test_a_user_may_void_all_ones_own_tokens_and_nobody_elses():
    async def story(town: Town):
        demo = await town.sign_in()
        with pytest.raises(Forbidden):
            await town.ask(RevokeUserTokens(user_id=UserId("nova")), demo.id)
        with pytest.raises(NotFound):
            await town.session("admin").ask(RevokeUserTokens(user_id=UserId("nobody")))

    play(story)


# -- time ----------------------------------------------------------------------------------------------------------------


def test_the_callers_own_token_gets_no_window_even_for_services():
    async def story(town: Town):
        nova, demo = await town.sign_in("nova"), await town.sign_in()
        await until(town, nova.token.expires_at)
        with pytest.raises(Unauthorized):
            await town.world.bus.ask(
                ValidateToken(subject=demo.id, allow_expired=True),
                context=Credentials(token=nova.id, service_token=(await town.sign_in("nova")).id),
            )

    play(story)


def test_an_expired_token_cannot_be_revoked():
    async def story(town: Town):
        demo = await town.sign_in()
        await until(town, demo.token.expires_at)
        with pytest.raises(NotFound):
            await town.session("admin").ask(RevokeToken(subject=demo.id))

    play(story)


def test_the_check_takes_expired_tokens_on_demand_as_the_validation_does():
    async def story(town: Town):
        demo = await town.sign_in()
        await until(town, demo.token.expires_at + 10)
        admin = town.session("admin")
        await admin.ask(CheckToken(subject=demo.id, allow_expired=True))
        with pytest.raises(NotFound):
            await admin.ask(CheckToken(subject=demo.id))

    play(story)


@given(delay=st.floats(0, 10), expiration=st.integers(0, 100))
def test_times_are_whole_seconds_and_a_token_lives_no_longer_than_configured(delay, expiration):
    async def story(town: Town):
        await anyio.sleep(delay)
        now, token = town.world.bus.clock.time(), (await town.sign_in()).token
        assert token.issued_at == token.issued_at // 1
        assert token.expires_at == token.expires_at // 1
        assert expiration - 1 < token.expires_at - now <= expiration + 0.01
        assert token.expires_at - token.issued_at in {expiration, expiration - 1}

    play(story, config=KeystoneConfig(expiration=expiration))


def test_a_token_of_zero_seconds_is_never_valid():
    async def story(town: Town):
        demo = await town.sign_in()
        with pytest.raises(Unauthorized):
            await town.ask(ValidateToken(subject=demo.id), demo.id)

    play(story, config=KeystoneConfig(expiration=0))


def test_a_token_of_the_same_second_as_an_event_is_void_for_ever_and_one_of_the_next_second_is_not():
    async def story(town: Town):
        await until(town, town.world.bus.clock.time() // 1 + 1)
        admin = town.session("admin")
        await admin.ask(RevokeUserTokens(user_id=UserId("demo")))
        await anyio.sleep(0.4)
        collateral = await town.sign_in()
        await anyio.sleep(0.6)
        fine = await town.sign_in()
        await admin.ask(ValidateToken(subject=fine.id))
        await anyio.sleep(3000)
        with pytest.raises(NotFound):
            await admin.ask(ValidateToken(subject=collateral.id))

    play(story)


@pytest.mark.parametrize(("wait", "events"), [(5400, 2), (5401, 1)])
def test_events_are_forgotten_at_the_next_revocation_after_more_than_5400_seconds(wait, events):
    async def story(town: Town):
        first = await town.sign_in()
        await town.ask(RevokeToken(subject=first.id, cascade=False), first.id)
        (event,) = town.store.revocations
        await until(town, event.revoked_at + wait - 0.5)
        second = await town.sign_in()
        await until(town, event.revoked_at + wait)
        await town.ask(RevokeToken(subject=second.id, cascade=False), second.id)
        return len(town.store.revocations)

    assert play(story, config=KeystoneConfig()) == events


def test_a_revoked_token_comes_back_in_the_window_once_its_event_is_forgotten():
    """Pruning does not think of the window for expired tokens."""

    async def story(town: Town):
        demo, nova = await town.sign_in(), town.session("nova")
        await town.ask(RevokeToken(subject=demo.id), demo.id)
        await anyio.sleep(5402)
        validate = ValidateToken(subject=demo.id, allow_expired=True)
        with pytest.raises(NotFound):
            await nova.ask(validate)
        other = await town.sign_in("admin")
        await town.ask(RevokeToken(subject=other.id), other.id)
        await nova.ask(validate)

    play(story)


# -- chains ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cascade", [True, False])
def test_revoking_the_root_takes_its_children_along_only_if_it_cascades(cascade):
    async def story(town: Town):
        root = await town.sign_in(scope=Unscoped())
        child = await town.world.bus.ask(Authenticate(token=root.id, scope=ProjectScope(id=DEMO)))
        grandchild = await town.world.bus.ask(Authenticate(token=child.id, scope=ProjectScope(id=DEMO)))
        assert grandchild.token.audit_ids[1] == child.token.audit_ids[1] == root.token.audit_ids[0]
        await town.ask(RevokeToken(subject=root.id, cascade=cascade), root.id)
        return [
            await outcome(town, CheckToken(subject=t.id), (await town.sign_in("admin")).id)
            for t in (root, child, grandchild)
        ]

    assert play(story) == (["404", "404", "404"] if cascade else ["404", "ok", "ok"])


def test_revoking_a_child_leaves_its_own_children_alive_for_they_point_to_the_root():
    async def story(town: Town):
        root, nova = await town.sign_in(), town.session("nova")
        child = await town.world.bus.ask(Authenticate(token=root.id, scope=ProjectScope(id=DEMO)))
        grandchild = await town.world.bus.ask(Authenticate(token=child.id, scope=ProjectScope(id=DEMO)))
        await town.ask(RevokeToken(subject=child.id), child.id)
        await nova.ask(ValidateToken(subject=root.id))
        await nova.ask(ValidateToken(subject=grandchild.id))
        with pytest.raises(NotFound):
            await nova.ask(ValidateToken(subject=child.id))

    play(story)


def test_a_revocation_is_told_to_whoever_listens_by_its_audit_id():
    heard: list[str] = []

    class Listener(Actor):
        @TokenRevoked.handler
        async def take(self, event: TokenRevoked) -> None:
            heard.append(event.audit_id)

    async def story(town: Town):
        await town.world.bus.start(Listener)
        demo = await town.sign_in()
        await town.ask(RevokeToken(subject=demo.id), demo.id)
        await anyio.sleep(1)
        return demo.token.audit_ids[0]

    assert [play(story)] == heard


# -- rescoping -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scope", [ProjectScope(id=DEMO), DomainScope(id=DEFAULT), SystemScope()], ids=["project", "domain", "system"]
)
def test_where_scoped_tokens_may_not_be_exchanged_unscoped_ones_still_may(scope):
    async def story(town: Town):
        give(town, "demo", "member", SYSTEM)
        give(town, "demo", "member", DEFAULT)
        scoped, unscoped = await town.sign_in(scope=scope), await town.sign_in(scope=Unscoped())
        await town.world.bus.ask(Authenticate(token=unscoped.id, scope=scope))
        with pytest.raises(Forbidden, match="rescope a scoped token"):
            await town.world.bus.ask(Authenticate(token=scoped.id, scope=Unscoped()))

    play(story, config=KeystoneConfig(allow_rescope_scoped_token=False))


@pytest.mark.parametrize("scope", [ProjectScope(id=DEMO), DomainScope(id=DEFAULT)], ids=["project", "domain"])
def test_a_system_token_is_not_exchanged_for_one_of_a_project_or_a_domain(scope):
    async def story(town: Town):
        give(town, "demo", "member", SYSTEM)
        give(town, "demo", "member", DEFAULT)
        system = await town.sign_in(scope=SystemScope())
        await town.world.bus.ask(Authenticate(token=system.id, scope=SystemScope()))
        with pytest.raises(Forbidden, match="system-scoped"):
            await town.world.bus.ask(Authenticate(token=system.id, scope=scope))

    play(story)


def test_a_token_that_is_not_valid_cannot_be_exchanged():
    async def story(town: Town):
        demo = await town.sign_in()
        await town.ask(RevokeToken(subject=demo.id), demo.id)
        for token in (demo.id, "garbage", ""):
            with pytest.raises(Unauthorized):
                await town.world.bus.ask(Authenticate(token=token))

    play(story)


def test_a_token_whose_methods_were_lost_is_not_exchanged():
    """A bit beyond the configured ones reads as no method at all, and that may have been a delegation."""

    async def story(town: Town):
        text = issue(town, methods=("password", "oauth2_credential"))
        await town.world.bus.ask(Authenticate(token=text))
        with pytest.raises(Forbidden, match="delegated"):
            await town.world.bus.ask(Authenticate(token=issue(town, methods=("oauth2_credential",))))

    play(story)


def issue(town: Town, **claims) -> str:
    """Make a token behind Keystone's back."""
    now = town.world.bus.clock.time()
    base = {"user_id": "demo", "methods": ("mapped",), "audit_ids": ("AAECAwQFBgcICQoLDA0ODw",), "issued_at": now}
    provider = town.world.bus.cell(town.keystone).actor.provider
    return provider.issue(TokenClaims(**base | {"expires_at": now + 100} | claims), "")


def test_a_federated_token_is_read_and_exchanged_with_its_groups_in_a_chain_of_its_own():
    async def story(town: Town):
        federation = {"federated_group_ids": ("g" * 32,), "identity_provider_id": "myidp", "protocol_id": "saml2"}
        text = issue(town, **federation)
        seen = await town.ask(ValidateToken(subject=text), text)
        child = await town.world.bus.ask(Authenticate(token=text, scope=ProjectScope(id=DEMO)))
        claims = town.world.bus.cell(town.keystone).actor.provider.read(child.id)
        assert (seen.user.id, seen.roles) == ("demo", ())
        assert child.token.expires_at == seen.expires_at
        assert len(child.token.audit_ids) == 1
        assert {name: getattr(claims, name) for name in federation} == federation
        assert (await town.world.bus.ask(Authenticate(token=text))).token.project is None

    play(story)


# -- scopes --------------------------------------------------------------------------------------------------------------


def test_without_a_scope_the_default_project_is_taken_if_it_can_be_had():
    async def story(town: Town):
        admin = town.session("admin")
        await admin.ask(UpdateUser(user_id=UserId("demo"), default_project_id=DEMO))
        first, explicit = await town.sign_in(scope=None), await town.sign_in(scope=Unscoped())
        await admin.ask(UpdateProject(project_id=DEMO, enabled=False))
        second = await town.sign_in(scope=None)
        return [issued.token.project and issued.token.project.id for issued in (first, explicit, second)]

    assert play(story) == ["demo", None, None]


@pytest.mark.parametrize(
    "scope",
    [
        DomainScope(id=DEFAULT),
        DomainScope(name="Default"),
        DomainScope(name="nowhere"),
        DomainScope(id=DomainId("nowhere")),
        SystemScope(),
        ProjectScope(name="demo", domain_id=DomainId("nowhere")),
    ],
    ids=str,
)
def test_a_scope_that_is_not_there_or_gives_no_role_is_401(scope):
    async def story(town: Town):
        with pytest.raises(Unauthorized):
            await town.sign_in(scope=scope)

    play(story)


def test_a_domain_is_found_by_name():
    async def story(town: Town):
        domain = await town.session("admin").ask(CreateDomain(name="Other"))
        give(town, "demo", "member", domain.id)
        issued = await town.sign_in(scope=DomainScope(name="Other"))
        return (
            issued.token.domain == domain
            and (await town.ask(ValidateToken(subject=issued.id), issued.id)).domain == domain
        )

    assert play(story)


def test_a_rotation_is_seen_by_the_next_operation():
    async def story(town: Town):
        old = await town.sign_in()
        await town.operate(RotateKeys())
        new = await town.sign_in()
        await town.ask(ValidateToken(subject=old.id), new.id)
        await town.operate(RotateKeys())
        with pytest.raises(Unauthorized):
            await town.ask(ListUsers(), old.id)
        await town.ask(ValidateToken(subject=new.id), new.id)

    play(story)
