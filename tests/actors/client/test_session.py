"""Sessions: renewing before expiry, one login for many, once more after a 401."""

import anyio
import pytest

from actors.context import Credentials, RequestContext
from actors.errors import Unauthorized
from actors.keystone.config import KeystoneConfig
from actors.keystone.messages import RevokeToken
from tests.actors.town import Town, WhoAmI, play


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


def test_many_tasks_that_need_a_token_sign_in_once():
    async def story(town: Town):
        session = town.session("demo")
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(session.ask, WhoAmI())
        return session.logins

    assert play(story) == 1


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


def test_a_second_401_is_the_answer():
    async def story(town: Town):
        session = town.session("demo")
        await session.token()
        await town.world.bus.ask(RevokeToken(subject=(await session.token()).id), context=await session.credentials())
        town.store.set_password("demo", "changed", town.world.random("x"))
        with pytest.raises(Unauthorized):
            await session.ask(WhoAmI())

    play(story)
