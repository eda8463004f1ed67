"""Sessions: renewing before expiry, one login for many, once more after a 401; what was observed of keystoneauth 5.18."""

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.client.session import Session
from actors.context import Credentials, RequestContext
from actors.errors import NotFound, Unauthorized
from actors.keystone.config import KeystoneConfig
from actors.keystone.messages import Authenticate, RevokeToken, ValidateToken
from bus.errors import NoListener
from tests.actors.auth_token.scripted import ACCOUNT, Script, Stage, token_of
from tests.actors.auth_token.scripted import play as play_script
from tests.actors.town import Town, WhoAmI, play

ANY = ValidateToken(subject="any")


def any_is_good(**fields):
    """The script of a Keystone that knows the token that `ANY` asks about."""
    return Script(good={"any": token_of("any")}, **fields)


def session_of(stage: Stage, **options) -> Session:
    return Session(stage.world.bus, stage.world.bus.clock, ACCOUNT, **options)


# -- renewal -----------------------------------------------------------------------------------------------------------


def test_a_token_is_renewed_when_less_than_two_minutes_are_left():
    async def story(town: Town):
        session, clock = town.session("demo"), town.world.bus.clock
        first = await session.token()
        await anyio.sleep(first.token.expires_at - 120 - clock.time())
        assert await session.token() is first
        await anyio.sleep(0.000001)
        assert await session.token() is not first

    play(story)


def test_tokens_that_live_less_than_two_minutes_are_renewed_on_every_call():
    async def story(town: Town):
        session = town.session("demo")
        for _ in range(5):
            await session.ask(WhoAmI())
        return session.logins

    assert play(story, config=KeystoneConfig(expiration=119)) == 5


@settings(max_examples=50, deadline=None)
@given(life=st.integers(0, 500), pauses=st.lists(st.integers(0, 300), max_size=10), skew=st.integers(-300, 300))
def test_no_token_is_sent_that_the_session_gives_less_than_two_minutes_unless_it_is_new(life, pauses, skew):
    async def story(stage: Stage):
        session, clock = session_of(stage), stage.world.bus.clock
        clock.skew = skew
        for pause in pauses:
            await anyio.sleep(pause)
            before, issued = session.logins, await session.token()
            assert issued.token.expires_at >= clock.time() + 120 or session.logins == before + 1

    play_script(story, Script(token_life=life))


# -- signing in --------------------------------------------------------------------------------------------------------


def test_many_tasks_that_need_a_token_sign_in_once():
    async def story(town: Town):
        session = town.session("demo")
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(session.ask, WhoAmI())
        return session.logins

    assert play(story) == 1


def test_if_the_one_who_signs_in_is_cancelled_the_next_one_does():
    async def story(stage: Stage):
        session = session_of(stage)
        async with anyio.create_task_group() as tasks:
            with stage.world.faults.drop(message=Authenticate):
                with anyio.move_on_after(1):
                    tasks.start_soon(session.ask, ANY)
                    await session.token()
            tasks.cancel_scope.cancel()
        await session.token()
        return session.logins

    assert play_script(story) == 1


def test_an_account_that_is_refused_is_not_tried_again():
    async def story(stage: Stage):
        with pytest.raises(Unauthorized):
            await session_of(stage).ask(ANY)
        return stage.script.count(Authenticate), stage.script.count(ValidateToken)

    assert play_script(story, any_is_good(errors={Authenticate: [Unauthorized("no")]})) == (1, 0)


def test_a_renewal_that_is_refused_is_not_tried_again():
    async def story(stage: Stage):
        session = session_of(stage)
        await session.ask(ANY)
        stage.script.errors[Authenticate] = [Unauthorized("no")]
        with pytest.raises(Unauthorized):
            await session.ask(ANY)
        return stage.script.count(Authenticate)

    assert play_script(story, any_is_good(token_life=100)) == 2


# -- after a 401 -------------------------------------------------------------------------------------------------------


def test_a_401_leads_to_a_new_token_and_one_more_try():
    async def story(town: Town):
        session = town.session("demo")
        first = await session.token()
        await town.world.bus.ask(RevokeToken(subject=first.id), context=Credentials(token=first.id))
        await anyio.sleep(1)
        context = await session.ask(WhoAmI())
        assert isinstance(context, RequestContext)
        return session.logins

    assert play(story) == 2


def test_a_401_is_followed_by_a_sign_in_and_the_same_call():
    async def story(stage: Stage):
        await session_of(stage).ask(ANY)
        return [type(message) for message in stage.script.asked]

    script = any_is_good(errors={ValidateToken: [Unauthorized("no")]})
    assert play_script(story, script) == [Authenticate, ValidateToken, Authenticate, ValidateToken]


def test_a_second_401_is_the_answer():
    async def story(stage: Stage):
        session = session_of(stage)
        with pytest.raises(Unauthorized, match="second"):
            await session.ask(ANY)
        return stage.script.count(ValidateToken)

    assert play_script(story, any_is_good(errors={ValidateToken: [Unauthorized("first"), Unauthorized("second")]})) == 2


def test_if_the_new_sign_in_fails_its_error_is_the_answer_even_if_that_is_a_404():
    async def story(stage: Stage):
        session = session_of(stage)
        await session.token()
        stage.script.errors[Authenticate] = [NotFound("the token that signed in is revoked")]
        with pytest.raises(NotFound, match="revoked"):
            await session.ask(ANY)

    play_script(story, any_is_good(errors={ValidateToken: [Unauthorized("no")]}))


def test_any_other_refusal_is_the_answer():
    async def story(stage: Stage):
        with pytest.raises(NotFound):
            await session_of(stage).ask(ValidateToken(subject="unknown"))
        return stage.script.count(ValidateToken)

    assert play_script(story) == 1


def test_after_a_401_a_token_stays_that_another_task_has_just_fetched():
    async def story(stage: Stage):
        session = session_of(stage)
        old = await session.token()
        with stage.world.faults.delay(5, message=ValidateToken):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(session.ask, ANY)
                await anyio.sleep(1)
                session.invalidate(old.id)
                new = await session.token()
        assert old is not new is await session.token()
        return session.logins

    assert play_script(story, any_is_good(errors={ValidateToken: [Unauthorized("no")]})) == 2


def test_tasks_that_are_refused_together_sign_in_once_and_all_try_again():
    async def story(stage: Stage):
        session = session_of(stage)
        await session.token()
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(session.ask, ANY)
        return session.logins, stage.script.count(ValidateToken)

    assert play_script(story, any_is_good(errors={ValidateToken: [Unauthorized("no")] * 5})) == (2, 10)


# -- connections that fail ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("retries", "seconds"), [(0, 0), (1, 0.5), (2, 1.5), (8, 123.5), (9, 183.5)])
def test_a_connection_that_fails_is_tried_again_after_half_a_second_and_ever_later(retries, seconds):
    async def story(stage: Stage):
        session = session_of(stage, connect_retries=retries)
        await session.token()
        start = stage.world.now
        with pytest.raises(NoListener):
            await session.ask(WhoAmI(), to="nowhere")
        return stage.world.now - start

    assert play_script(story) == pytest.approx(seconds)


def test_a_session_shows_no_secret():
    async def story(stage: Stage):
        session = session_of(stage)
        issued = await session.token()
        return [
            secret for secret in (issued.id, "secret") if secret in repr(session) + repr(issued) + repr(vars(session))
        ]

    assert play_script(story) == []
