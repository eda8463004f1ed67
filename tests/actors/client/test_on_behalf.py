"""What a service does for a user: with the user's token, and with one of its own beside it."""

import anyio
import pytest

from actors.client.on_behalf import OnBehalf
from actors.client.session import Session
from actors.context import RequestContext
from actors.errors import Unauthorized
from actors.ids import UserId
from actors.keystone.messages import Authenticate, RevokeToken, ValidateToken
from bus.errors import AskTimeout
from tests.actors.auth_token.scripted import ACCOUNT, Script, Stage, token_of
from tests.actors.auth_token.scripted import play as play_script
from tests.actors.town import Town, WhoAmI, play

ANY = ValidateToken(subject="any")
CONTEXT = RequestContext(user_id=UserId("demo"), token="user", request_id="req-7")


async def context_of(town: Town) -> RequestContext:
    """The context of a request of the demo user, as a service has it."""
    return await town.who((await town.session("demo").token()).id)


async def until_expired(town: Town, context: RequestContext) -> None:
    """Sleep until the token in *context* has expired, and no cache remembers it."""
    await anyio.sleep(3600 + 1)
    with pytest.raises(Unauthorized):
        await town.who(context.token)


def test_the_call_carries_both_tokens_and_the_number_of_the_request():
    async def story(stage: Stage):
        service = Session(stage.world.bus, stage.world.bus.clock, ACCOUNT)
        return [await OnBehalf(stage.world.bus, one).credentials(CONTEXT) for one in (None, service)]

    alone, both = play_script(story)

    assert (alone.token, alone.service_token, alone.request_id) == ("user", None, "req-7")
    assert (both.token, both.service_token, both.request_id) == ("user", "token 1 of nova", "req-7")


def test_the_user_is_who_asks_and_the_service_is_beside():
    async def story(town: Town):
        context = await context_of(town)
        return await OnBehalf(town.world.bus, town.session("nova")).ask(WhoAmI(), context)

    context = play(story)

    assert (context.user_id, context.roles, context.service_roles) == ("demo", ("member",), ("service",))


def test_a_token_that_has_expired_meanwhile_counts_beside_a_service_token_only():
    async def story(town: Town):
        context = await context_of(town)
        await until_expired(town, context)
        await OnBehalf(town.world.bus, town.session("nova")).ask(WhoAmI(), context)
        with pytest.raises(Unauthorized):
            await OnBehalf(town.world.bus).ask(WhoAmI(), context)

    play(story)


def test_the_service_token_is_renewed_while_the_user_token_stays():
    async def story(town: Town):
        service, context = town.session("nova"), await context_of(town)
        caller = OnBehalf(town.world.bus, service)
        for _ in range(3):
            await caller.ask(WhoAmI(), context)
            await anyio.sleep(3600)
        return service.logins

    assert play(story) == 3


def test_a_401_leads_to_a_new_service_token_and_one_more_try_with_the_same_user_token():
    async def story(town: Town):
        service, context = town.session("nova"), await context_of(town)
        revoked = await service.token()
        await town.world.bus.ask(RevokeToken(subject=revoked.id), context=await service.credentials())
        await anyio.sleep(1)
        await OnBehalf(town.world.bus, service).ask(WhoAmI(), context)
        return service.logins

    assert play(story) == 2


def test_a_user_token_that_is_no_good_costs_a_new_service_token_and_is_401_all_the_same():
    async def story(stage: Stage):
        service = Session(stage.world.bus, stage.world.bus.clock, ACCOUNT)
        with pytest.raises(Unauthorized):
            await OnBehalf(stage.world.bus, service).ask(ANY, CONTEXT)
        return stage.script.count(Authenticate), stage.script.count(ValidateToken)

    script = Script(good={"any": token_of("any")}, errors={ValidateToken: [Unauthorized("no")] * 2})
    assert play_script(story, script) == (2, 2)


def test_without_a_service_token_a_401_is_final():
    async def story(stage: Stage):
        with pytest.raises(Unauthorized):
            await OnBehalf(stage.world.bus).ask(ANY, CONTEXT)
        return stage.script.count(ValidateToken)

    assert play_script(story, Script(errors={ValidateToken: [Unauthorized("no")] * 2})) == 1


def test_keystone_itself_does_not_care_for_the_service_token():
    async def story(town: Town):
        context = await context_of(town)
        await until_expired(town, context)
        with pytest.raises(Unauthorized):
            await OnBehalf(town.world.bus, town.session("nova")).ask(ValidateToken(subject=context.token), context)

    play(story)


def test_a_call_takes_the_arguments_of_an_ask():
    async def story(stage: Stage):
        caller = OnBehalf(stage.world.bus, connect_retries=1)
        start = stage.world.now
        with stage.world.faults.drop(message=WhoAmI), pytest.raises(AskTimeout):
            await caller.ask(WhoAmI(), CONTEXT, to="probe", timeout=2)
        return stage.world.now - start

    assert play_script(story) == pytest.approx(2 + 0.5 + 2, abs=0.01)
