"""The algorithm step by step: what is asked of Keystone, in which order, and what each of its answers leads to."""

import anyio
import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.auth_token import TokenCache
from actors.client.gate import AuthTokenGate
from actors.context import Credentials
from actors.errors import BadRequest, Conflict, Forbidden, InternalError, NotFound, Unauthorized, Unavailable
from actors.keystone.messages import Authenticate, ValidateToken
from bus.sim.world import EPOCH
from bus.topic import Target
from tests.actors.auth_token.scripted import ACCOUNT, Script, ScriptedKeystone, Stage, play, token_of
from tests.actors.town import Probe

USER = token_of("demo")
SERVICE = token_of("nova", roles=("admin", "service"), expires_at=EPOCH + 100_000)


def script(**more):
    return Script(good={"user": USER, "service": SERVICE, "other": token_of("other")} | more)


# -- what is asked -----------------------------------------------------------------------------------------------------


def test_the_service_token_is_asked_about_first():
    async def story(stage: Stage):
        await stage.who("user", "service")
        return stage.script.validations()

    assert play(story, script()) == [("service", False), ("user", True)]


def test_the_user_is_asked_about_also_if_the_service_token_is_bad():
    async def story(stage: Stage):
        with pytest.raises(Unauthorized):
            await stage.who("user", "bad")
        return stage.script.validations()

    assert play(story, script()) == [("bad", False), ("user", False)]


def test_no_user_token_is_401_without_a_question_about_it():
    async def story(stage: Stage):
        with pytest.raises(Unauthorized):
            await stage.who("", "service")
        return stage.script.validations()

    assert play(story, script()) == [("service", False)]


def test_an_empty_service_token_is_none():
    async def story(stage: Stage):
        await stage.who("user", "")
        return stage.script.validations()

    assert play(story, script()) == [("user", False)]


def test_blanks_around_a_token_are_stripped_before_anything_else():
    async def story(stage: Stage):
        await stage.who(" user\t")
        await stage.who("user")
        return stage.script.validations()

    assert play(story, script()) == [("user", False)]


@pytest.mark.parametrize(("seconds", "questions"), [(-1, 5), (1, 5), (2, 3), (300, 1), (0, 1)])
def test_keystone_is_asked_once_in_the_cache_time(seconds, questions):
    async def story(stage: Stage):
        for second in range(5):
            await anyio.sleep(EPOCH + second - stage.world.bus.clock.time() + 0.5)
            await stage.who("user")
        return len(stage.script.validations())

    assert play(story, script(), token_cache_time=seconds) == questions


def test_what_was_refused_is_not_remembered():
    async def story(stage: Stage):
        with pytest.raises(Unauthorized):
            await stage.who("late")
        stage.script.good["late"] = USER
        await stage.who("late")

    play(story, script())


def test_a_plain_call_that_was_refused_does_not_spoil_a_later_one_beside_a_service_token():
    async def story(stage: Stage):
        with pytest.raises(Unauthorized):
            await stage.who("expired")
        await stage.who("expired", "service")

    play(story, script(expired=token_of("demo", expires_at=EPOCH - 1)))


def test_what_was_fetched_beside_a_service_token_serves_a_plain_call_and_only_the_expiry_decides():
    async def story(stage: Stage):
        await stage.who("soon", "service")
        await stage.who("soon")
        await anyio.sleep(100)
        await stage.who("soon", "service")
        with pytest.raises(Unauthorized):
            await stage.who("soon")
        return stage.script.validations()

    assert play(story, script(soon=token_of("demo", expires_at=EPOCH + 50))) == [("service", False), ("soon", True)]


# -- what its answers lead to ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [BadRequest, Forbidden, Conflict, InternalError, Unavailable])
def test_any_answer_but_200_401_and_404_is_503(error):
    async def story(stage: Stage):
        stage.script.errors[ValidateToken] = [error("oh")]
        with pytest.raises(Unavailable):
            await stage.who("user")
        await stage.who("user")

    play(story, script())


def test_a_401_for_the_service_itself_makes_it_sign_in_anew_up_to_twice_before_it_answers_503():
    async def story(stage: Stage):
        stage.script.errors[ValidateToken] = [Unauthorized("who?")] * 4
        with pytest.raises(Unavailable):
            await stage.who("user")
        return stage.script.count(ValidateToken), stage.script.count(Authenticate)

    assert play(story, script()) == (4, 3)


def test_the_question_after_two_401s_forgets_that_the_token_may_be_expired():
    async def story(stage: Stage):
        await stage.who("user", "service")
        stage.script.errors[ValidateToken] = [Unauthorized("who?")] * 2
        with pytest.raises(Unauthorized):
            await stage.who("expired", "service")
        return stage.script.validations()[2:]

    expired = token_of("demo", expires_at=EPOCH - 1)
    assert play(story, script(expired=expired)) == [("expired", True), ("expired", True), ("expired", False)]


def test_an_account_that_keystone_does_not_let_in_is_503():
    async def story(stage: Stage):
        stage.script.errors[Authenticate] = [Unauthorized("who?")] * 2
        with pytest.raises(Unavailable):
            await stage.who("user")
        return stage.script.count(Authenticate)

    assert play(story, script()) == 2


@pytest.mark.parametrize(("retries", "seconds"), [(0, 0), (1, 0.5), (3, 3.5), (9, 183.5)])
def test_a_keystone_that_is_gone_is_tried_again_ever_later_and_then_it_is_503(retries, seconds):
    async def story(stage: Stage):
        await stage.who("other")
        await stage.world.bus.stop(stage.keystone)
        start = stage.world.now
        with pytest.raises(Unavailable):
            await stage.who("user")
        return stage.world.now - start

    assert play(story, script(), http_request_max_retries=retries) == pytest.approx(seconds, abs=0.01)


def test_an_outage_of_three_seconds_is_survived():
    async def story(stage: Stage):
        await stage.who("other")
        await stage.world.bus.stop(stage.keystone)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stage.who, "user")
            await anyio.sleep(3)
            await stage.world.bus.start(ScriptedKeystone, stage.script)

    play(story, script())


def test_signing_in_is_not_tried_again():
    async def story(stage: Stage):
        await stage.world.bus.stop(stage.keystone)
        with pytest.raises(Unavailable):
            await stage.who("user")
        return stage.world.now

    assert play(story, script()) < 0.1


def test_a_keystone_that_does_not_answer_is_503_after_every_try_has_timed_out():
    async def story(stage: Stage):
        await stage.who("other")
        start = stage.world.now
        with stage.world.faults.drop(message=ValidateToken), pytest.raises(Unavailable):
            await stage.who("user")
        return stage.world.now - start

    assert play(story, script()) == pytest.approx(4 * ValidateToken.timeout + 3.5, abs=0.1)


# -- delay_auth_decision -----------------------------------------------------------------------------------------------


def test_where_the_decision_is_delayed_an_outage_is_401():
    async def story(stage: Stage):
        await stage.world.bus.stop(stage.keystone)
        with pytest.raises(Unauthorized):
            await stage.who("user")

    play(story, script(), delay_auth_decision=True)


@pytest.mark.parametrize("service_token", ["bad", "other"])
def test_where_the_decision_is_delayed_a_bad_service_token_beside_a_good_one_is_passed_over(service_token):
    async def story(stage: Stage):
        return await stage.who("user", service_token)

    assert play(story, script(), delay_auth_decision=True).service_roles == ()


@pytest.mark.parametrize("token", [None, "", "bad"])
def test_where_the_decision_is_delayed_a_bad_token_is_401_all_the_same(token):
    async def story(stage: Stage):
        with pytest.raises(Unauthorized):
            await stage.who(token, "service")

    play(story, script(), delay_auth_decision=True)


# -- the members of a service ------------------------------------------------------------------------------------------


async def member(stage: Stage, shared: TokenCache | None) -> Target:
    """Start a member of a service."""
    return await stage.world.bus.start(Probe, AuthTokenGate(account=ACCOUNT, shared=shared), topic="two")


async def lets_in(stage: Stage, member: Target) -> bool:
    """Whether a member lets the user in."""
    try:
        await stage.who("user", to=member)
    except Unauthorized:
        return False
    return True


async def two_members(stage: Stage, shared: TokenCache | None) -> list[bool]:
    """Ask the first of two members, revoke, and see who of them lets the token in then."""
    members = [await member(stage, shared), await member(stage, shared)]
    await stage.who("user", to=members[0])
    del stage.script.good["user"]
    return [await lets_in(stage, one) for one in members]


def test_of_two_members_with_caches_of_their_own_one_lets_a_revoked_token_in_and_one_does_not():
    async def story(stage: Stage):
        return await two_members(stage, None)

    assert play(story, script()) == [True, False]


def test_two_members_that_share_a_cache_agree():
    async def story(stage: Stage):
        return await two_members(stage, TokenCache(stage.world.bus.clock))

    assert play(story, script()) == [True, True]


@pytest.mark.parametrize("shared", [False, True])
def test_a_restart_forgets_what_a_member_remembers_by_itself_but_not_what_is_shared(shared):
    async def story(stage: Stage):
        cache = TokenCache(stage.world.bus.clock) if shared else None
        first = await member(stage, cache)
        await stage.who("user", to=first)
        del stage.script.good["user"]
        await stage.world.bus.stop(first)
        return await lets_in(stage, await member(stage, cache))

    assert play(story, script()) is shared


# -- the context -------------------------------------------------------------------------------------------------------


def test_a_token_and_a_service_beside_it_make_a_context():
    async def story(stage: Stage):
        return await stage.who("user", "service", request_id="req-1")

    context = play(story, script())

    assert (context.user_id, context.project_id, context.user_domain_id, context.project_domain_id) == (
        "demo", "demo", "default", "default",
    )  # fmt: skip
    assert (context.roles, context.service_roles, context.is_admin) == (("member",), ("admin", "service"), False)
    assert (context.token, context.request_id) == ("user", "req-1")


@pytest.mark.parametrize(
    ("user", "service", "seen"), [(None, "all", "all"), ("all", None, None), ("all", "all", "all"), (None, None, None)]
)
def test_the_system_scope_of_the_service_shows_on_the_users_request(user, service, seen):
    async def story(stage: Stage):
        return await stage.who("a", "b")

    tokens = {"a": token_of("demo", system=user), "b": token_of("nova", roles=("service",), system=service)}

    assert play(story, Script(good=tokens)).system_scope == seen


def test_who_one_is_cannot_be_said_beside_the_token():
    assert {field.name for field in attrs.fields(Credentials)} == {"token", "service_token", "request_id"}


calls = st.tuples(
    st.sampled_from(["user", " user", "other", "bad", None]),
    st.sampled_from([None, "service", "admin", "bad"]),
    st.sampled_from(["", "req-1", "req-2"]),
)


@settings(max_examples=50, deadline=None)
@given(calls=st.lists(calls, max_size=12))
def test_what_was_asked_before_makes_no_difference_to_a_context(calls):
    tokens = script(admin=token_of("boss", roles=("service", "admin"), system="all")).good

    async def outcomes(stage: Stage):
        found = []
        for token, service_token, request_id in calls:
            try:
                found.append(await stage.who(token, service_token, request_id=request_id))
            except Unauthorized:
                found.append(None)
        return found

    remembering = play(outcomes, Script(good=dict(tokens)))
    forgetting = play(outcomes, Script(good=dict(tokens)), token_cache_time=-1)

    assert remembering == forgetting


def test_the_text_of_no_error_holds_a_token():
    async def story(stage: Stage):
        texts = []
        for errors in ([], [NotFound("x")], [InternalError("x")]):
            stage.script.errors[ValidateToken] = errors
            with pytest.raises((Unauthorized, Unavailable)) as caught:
                await stage.who("s3cr3t", "s3cr3t")
            texts.append(f"{caught.value!r} {getattr(caught.value, '__notes__', '')}")
        return texts

    assert not [text for text in play(story, script()) if "s3cr3t" in text]
