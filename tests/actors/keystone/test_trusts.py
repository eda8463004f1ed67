"""Trusts: who may make, see and delete them, what their tokens give, and what ends them."""

from collections.abc import Awaitable
from typing import TypeVar

import anyio
import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import BadRequest, CloudError, Conflict, Forbidden, NotFound, Unauthorized
from actors.ids import ProjectId, RoleId, UserId
from actors.keystone.config import TOKEN_PROVIDERS, KeystoneConfig
from actors.keystone.messages import (
    Authenticate,
    CreateTrust,
    DeleteProject,
    DeleteTrust,
    DeleteUser,
    GrantRole,
    ListTrusts,
    RevokeRole,
    ShowTrust,
    UpdateUser,
    ValidateToken,
)  # fmt: skip
from actors.keystone.models import IssuedToken, ProjectScope, SystemScope, Trust, TrustId, TrustScope
from actors.keystone.store import Grant
from actors.keystone.trusts import usable
from bus.errors import BusError
from tests.actors.town import Town, play

T = TypeVar("T")

DEMO, NOVA, ADMIN, MEMBER = UserId("demo"), UserId("nova"), UserId("admin"), RoleId("member")
TRUST = CreateTrust(
    trustor_user_id=DEMO, trustee_user_id=NOVA, impersonation=False, project_id=ProjectId("demo"), roles=(MEMBER,)
)


async def trusted(town: Town, **changes) -> Trust:
    """Have the demo user trust nova."""
    return await town.session("demo").ask(attrs.evolve(TRUST, **changes))


async def use(town: Town, trust: Trust, name: str = "nova") -> IssuedToken:
    """Make a token of the trust."""
    return await town.sign_in(name, scope=TrustScope(id=trust.id))


def end_of(town: Town, seconds: float) -> float:
    return town.world.bus.clock.time() // 1 + seconds


# -- what a token of a trust is ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", TOKEN_PROVIDERS)
@pytest.mark.parametrize(("impersonation", "user"), [(False, "nova"), (True, "demo")])
def test_a_token_of_a_trust_gives_the_trustors_roles_to_the_trustee_or_in_the_trustors_name(
    provider, impersonation, user
):
    async def story(town: Town):
        trust = await trusted(town, impersonation=impersonation)
        issued = await use(town, trust)
        seen = await town.session("admin").ask(ValidateToken(subject=issued.id))
        assert seen == issued.token
        assert (seen.user.id, seen.project.id, seen.role_names) == (user, "demo", ("member",))
        assert (seen.trust.id, seen.trust.trustor_user_id, seen.trust.trustee_user_id) == (trust.id, "demo", "nova")
        assert (await town.who(issued.id)).user_id == user

    play(story, config=KeystoneConfig(provider=provider))


def test_a_token_ends_with_its_trust():
    async def story(town: Town):
        trust = await trusted(town, expires_at=end_of(town, 100))
        issued = await use(town, trust)
        assert issued.token.expires_at == trust.expires_at

    play(story)


def test_a_trust_counts_at_its_very_end_and_not_a_microsecond_later():
    async def story(town: Town):
        trust = stored(town, expires_at=end_of(town, 100))
        assert usable(town.store, trust.id, trust.expires_at) == trust
        with pytest.raises(NotFound):
            usable(town.store, trust.id, trust.expires_at + 0.000001)

    play(story)


def test_nobody_but_the_trustee_uses_a_trust():
    async def story(town: Town):
        trust = await trusted(town)
        for name in ("demo", "admin"):
            with pytest.raises(Forbidden, match="User is not a trustee"):
                await use(town, trust, name)
        with pytest.raises(Unauthorized):
            await town.sign_in("nova", scope=TrustScope(id=TrustId("nowhere")))

    play(story)


def test_an_unscoped_token_is_exchanged_for_one_of_a_trust_and_that_for_nothing():
    async def story(town: Town):
        trust, nova = await trusted(town), await town.sign_in("nova", scope=None)
        issued = await town.world.bus.ask(Authenticate(token=nova.id, scope=TrustScope(id=trust.id)))
        assert issued.token.audit_ids[1:] == nova.token.audit_ids
        for scope in (None, ProjectScope(id=ProjectId("demo")), TrustScope(id=trust.id), SystemScope()):
            with pytest.raises(Forbidden):
                await town.world.bus.ask(Authenticate(token=issued.id, scope=scope))

    play(story)


def test_a_trust_without_a_project_gives_no_roles():
    async def story(town: Town):
        issued = await use(town, await trusted(town, project_id=None, roles=()))
        seen = await town.session("admin").ask(ValidateToken(subject=issued.id))
        assert (seen.project, seen.roles, seen.catalog) == (None, (), ())

    play(story)


# -- uses --------------------------------------------------------------------------------------------------------------


def test_each_token_takes_one_use_and_a_failure_takes_none():
    async def story(town: Town):
        trust = await trusted(town, remaining_uses=2)
        with pytest.raises(Forbidden):
            await use(town, trust, "admin")
        for left in (1, 0):
            await use(town, trust)
            assert town.store.trusts[trust.id].remaining_uses == left
        with pytest.raises(Unauthorized):
            await use(town, trust)
        with pytest.raises(NotFound):
            await town.session("demo").ask(ShowTrust(trust_id=trust.id))

    play(story)


def test_the_token_of_the_last_use_is_not_found_for_neither_is_its_trust():
    async def story(town: Town):
        trust = await trusted(town, remaining_uses=1)
        issued = await use(town, trust)
        with pytest.raises(NotFound, match="trust"):
            await town.session("admin").ask(ValidateToken(subject=issued.id))

    play(story)


@given(seed=st.integers(0, 2**32), uses=st.integers(1, 5), tasks=st.integers(1, 8), keystones=st.integers(1, 3))
def test_a_trust_gives_no_more_tokens_than_it_has_uses_however_many_ask_at_once(seed, uses, tasks, keystones):
    async def story(town: Town):
        trust, made = stored(town, remaining_uses=uses), []

        async def ask() -> None:
            if (issued := await answer(use(town, trust))) is not None:
                made.append(issued)

        async with anyio.create_task_group() as group:
            for _ in range(tasks):
                group.start_soon(ask)
        return len(made), town.store.trusts[trust.id].remaining_uses

    made, left = play(story, seed=seed, keystones=keystones)
    assert 0 <= left <= uses - made  # an answer may come too late, but its use is taken
    assert 0 < uses - left <= tasks


def stored(town: Town, **changes) -> Trust:
    """The demo user's trust in nova, as if made before the story."""
    trust = Trust(
        id=TrustId("0" * 32), trustor_user_id=DEMO, trustee_user_id=NOVA, impersonation=False,
        project_id=ProjectId("demo"), roles=(MEMBER,), **changes,
    )  # fmt: skip
    town.store.trusts[trust.id] = trust
    return trust


async def answer(asking: Awaitable[T]) -> T | None:
    """The answer, or None: refused, or lost on the way, as in a world of any latency it may be."""
    try:
        return await asking
    except (CloudError, BusError):
        return None


# -- what ends a trust's tokens ----------------------------------------------------------------------------------------

ENDS = {
    "trust deleted": (lambda trust: DeleteTrust(trust_id=trust.id), NotFound, Unauthorized),
    "trustor disabled": (lambda _: UpdateUser(user_id=DEMO, enabled=False), Forbidden, Forbidden),
    "trustor deleted": (lambda _: DeleteUser(user_id=DEMO), NotFound, Unauthorized),
    "trustee disabled": (lambda _: UpdateUser(user_id=NOVA, enabled=False), NotFound, Unauthorized),
    "trustee deleted": (lambda _: DeleteUser(user_id=NOVA), NotFound, Unauthorized),
    "trustor's password": (lambda _: UpdateUser(user_id=DEMO, password="x"), NotFound, None),
    "project deleted": (lambda _: DeleteProject(project_id=ProjectId("demo")), NotFound, Unauthorized),
    "role taken away": (
        lambda _: RevokeRole(user_id=DEMO, role_id=MEMBER, project_id=ProjectId("demo")), Forbidden, Forbidden,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("end", "validating", "using"), ENDS.values(), ids=ENDS)
def test_what_ends_a_trust_ends_its_tokens_and_it_gives_no_more(end, validating, using):
    async def story(town: Town):
        trust = await trusted(town)
        issued, admin = await use(town, trust), town.session("admin")
        await admin.ask(end(trust))
        with pytest.raises(validating):
            await admin.ask(ValidateToken(subject=issued.id))
        await anyio.sleep(1)
        if using is not None:
            with pytest.raises(using):
                await use(town, trust)

    play(story)


def test_deleting_a_trust_leaves_an_event_and_its_row():
    async def story(town: Town):
        trust = await trusted(town)
        await town.session("demo").ask(DeleteTrust(trust_id=trust.id))
        assert [event.trust_id for event in town.store.revocations] == [trust.id]
        assert town.store.trusts[trust.id].deleted_at is not None
        with pytest.raises(NotFound):
            await town.session("demo").ask(DeleteTrust(trust_id=trust.id))

    play(story)


# -- who may make, see and delete --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"trustor_user_id": NOVA}, Forbidden),
        ({"roles": ()}, Forbidden),
        ({"trustee_user_id": UserId("nobody")}, NotFound),
        ({"project_id": ProjectId("nowhere")}, NotFound),
        ({"roles": (RoleId("none"),)}, NotFound),
        ({"roles": (MEMBER, RoleId("admin"))}, NotFound),
        ({"project_id": ProjectId("service")}, NotFound),
        ({"project_id": None}, NotFound),
        ({"remaining_uses": 0}, BadRequest),
        ({"remaining_uses": -1}, BadRequest),
        ({"remaining_uses": 3, "allow_redelegation": True}, BadRequest),
        ({"redelegation_count": 4, "allow_redelegation": True}, Forbidden),
        ({"expires_at": 0.0}, BadRequest),
    ],
    ids=str,
)
def test_a_trust_that_may_not_be_is_refused_and_nothing_is_stored(changes, error):
    async def story(town: Town):
        with pytest.raises(error):
            await trusted(town, **changes)
        assert town.store.trusts == {}

    play(story)


def test_two_trusts_that_end_together_must_differ_in_something_else():
    async def story(town: Town):
        end = end_of(town, 100)
        await trusted(town, expires_at=end)
        with pytest.raises(Conflict):
            await trusted(town, expires_at=end)
        await trusted(town, expires_at=end, impersonation=True)
        await trusted(town)
        await trusted(town)

    play(story)


def test_trustor_and_trustee_see_a_trust_and_only_the_trustor_and_administrators_delete_it():
    async def story(town: Town):
        trust = await trusted(town)
        for name in ("demo", "nova", "admin"):
            assert await town.session(name).ask(ShowTrust(trust_id=trust.id)) == trust
        town.store.roles[MEMBER] = town.store.roles[MEMBER]
        with pytest.raises(Forbidden):
            await town.session("nova").ask(DeleteTrust(trust_id=trust.id))
        await town.session("admin").ask(DeleteTrust(trust_id=trust.id))

    play(story)


def test_lists_are_of_ones_own_as_trustor_or_trustee_and_show_used_up_ones_too():
    async def story(town: Town):
        trust, gone = await trusted(town, remaining_uses=1), await trusted(town)
        await use(town, trust)
        await town.session("demo").ask(DeleteTrust(trust_id=gone.id))
        for name, filters in (
            ("demo", {"trustor_user_id": DEMO}), ("nova", {"trustee_user_id": NOVA}), ("admin", {}),
        ):  # fmt: skip
            assert [row.id for row in await town.session(name).ask(ListTrusts(**filters))] == [trust.id]
        for filters in ({}, {"trustor_user_id": DEMO}, {"trustee_user_id": ADMIN}):
            with pytest.raises(Forbidden):
                await town.session("nova").ask(ListTrusts(**filters))

    play(story)


# -- redelegation ------------------------------------------------------------------------------------------------------


async def redelegated(town: Town, parent: Trust, trustee: UserId = ADMIN, **changes) -> Trust:
    """Have nova hand on what the demo user gave it, in the demo user's name."""
    issued = await use(town, parent)
    message = attrs.evolve(TRUST, trustee_user_id=trustee, impersonation=True, **changes)
    return await town.ask(message, issued.id)


def test_a_trust_that_allows_it_is_handed_on_with_one_step_less():
    async def story(town: Town):
        parent = await trusted(town, impersonation=True, allow_redelegation=True, expires_at=end_of(town, 100))
        child = await redelegated(town, parent, allow_redelegation=True)
        assert (parent.redelegation_count, child.redelegation_count, child.redelegated_trust_id) == (3, 2, parent.id)
        assert child.expires_at == parent.expires_at
        issued = await use(town, child, "admin")
        assert (issued.token.user.id, issued.token.role_names) == ("demo", ("member",))
        await town.session("demo").ask(DeleteTrust(trust_id=parent.id))
        assert town.store.trusts[child.id].deleted_at is not None
        with pytest.raises(NotFound):
            await town.session("admin").ask(ValidateToken(subject=issued.id))

    play(story)


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        ({}, {}),
        ({"allow_redelegation": True, "redelegation_count": 0}, {}),
        ({"allow_redelegation": True}, {"roles": (MEMBER, RoleId("service"))}),
        ({"allow_redelegation": True}, {"remaining_uses": 5}),
        ({"allow_redelegation": True}, {"expires_at": 1e10}),
        ({"allow_redelegation": True}, {"allow_redelegation": True, "redelegation_count": 1}),
    ],
    ids=["not allowed", "no steps", "more roles", "uses", "longer", "another depth"],
)
def test_what_is_handed_on_is_never_more_than_was_given(parent, child):
    async def story(town: Town):
        town.store.grants[Grant(DEMO, "demo", RoleId("service"))] = None
        first = await trusted(town, impersonation=True, expires_at=end_of(town, 1000), **parent)
        with pytest.raises(Forbidden):
            await redelegated(town, first, **child)

    play(story)


def test_a_trust_without_impersonation_gives_none():
    async def story(town: Town):
        town.store.grants[Grant(NOVA, "demo", MEMBER)] = None
        parent = await trusted(town, allow_redelegation=True)
        issued = await use(town, parent)
        message = attrs.evolve(TRUST, trustor_user_id=NOVA, trustee_user_id=ADMIN)
        with pytest.raises(Forbidden, match="Impersonation"):
            await town.ask(attrs.evolve(message, impersonation=True), issued.id)
        child = await town.ask(message, issued.id)
        assert (await use(town, child, "admin")).token.user.id == "admin"
        await town.session("admin").ask(RevokeRole(user_id=DEMO, role_id=MEMBER, project_id=ProjectId("demo")))
        with pytest.raises(Forbidden, match="no delegated roles"):
            await use(town, child, "admin")

    play(story)


def test_a_chain_breaks_where_an_agent_is_disabled():
    async def story(town: Town):
        parent = await trusted(town, impersonation=True, allow_redelegation=True)
        child = await redelegated(town, parent)
        await town.session("admin").ask(UpdateUser(user_id=NOVA, enabled=False))
        with pytest.raises(Forbidden, match="agents"):
            await use(town, child, "admin")

    play(story)


# -- under any schedule ------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 2**32))
def test_no_token_of_a_trust_is_valid_once_its_deletion_was_answered(seed):
    async def story(town: Town):
        trust, deleted, valid_after = stored(town), False, []

        async def ask() -> None:
            for _ in range(3):
                issued = await answer(use(town, trust))
                was_deleted = deleted
                if issued is not None and await answer(town.ask(ValidateToken(subject=issued.id), issued.id)):
                    valid_after.append(was_deleted)

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(ask)
            session = town.session("demo")
            await answer(session.ask(DeleteTrust(trust_id=trust.id)))
            deleted = town.store.trusts[trust.id].deleted_at is not None
        assert True not in valid_after

    play(story, seed=seed, keystones=2)


def test_a_role_that_comes_back_brings_the_trust_back():
    async def story(town: Town):
        trust, admin = await trusted(town), town.session("admin")
        issued = await use(town, trust)
        grant = {"user_id": DEMO, "role_id": MEMBER, "project_id": ProjectId("demo")}
        await admin.ask(RevokeRole(**grant))
        with pytest.raises(Forbidden, match="no delegated roles"):
            await admin.ask(ValidateToken(subject=issued.id))
        await admin.ask(GrantRole(**grant))
        return await admin.ask(ValidateToken(subject=issued.id)) == issued.token

    assert play(story)
