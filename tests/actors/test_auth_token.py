"""The check in front of a service, with a real Keystone behind it."""

import anyio
import attrs
import pytest

from actors.auth_token import AuthTokenConfig, TokenCache
from actors.context import Credentials
from actors.errors import Unauthorized, Unavailable
from actors.ids import UserId
from actors.keystone.messages import RevokeToken
from tests.actors.town import Town, play


async def until(town: Town, instant: float) -> None:
    """Sleep until the wall clock shows *instant*."""
    await anyio.sleep(instant - town.world.bus.clock.time())


def test_a_good_token_becomes_a_context():
    async def story(town: Town):
        return await town.who((await town.session("demo").token()).id)

    context = play(story)

    assert (context.user_id, context.project_id, context.roles, context.is_admin) == (
        "demo",
        "demo",
        ("member",),
        False,
    )


@pytest.mark.parametrize("token", [None, "", "garbage"])
def test_no_token_or_garbage_is_401(token):
    async def story(town: Town):
        with pytest.raises(Unauthorized):
            await town.who(token)

    play(story)


def test_a_remembered_token_is_good_at_its_expiry_and_bad_a_microsecond_later():
    async def story(town: Town):
        demo = await town.session("demo").token()
        await until(town, demo.token.expires_at - 100)
        await town.who(demo.id)
        await until(town, demo.token.expires_at)
        await town.who(demo.id)
        await anyio.sleep(0.000001)
        with pytest.raises(Unauthorized):
            await town.who(demo.id)

    play(story)


def test_a_revoked_token_is_good_until_the_cache_forgets_it_in_whole_seconds():
    async def story(town: Town):
        demo = await town.session("demo").token()
        await town.who(demo.id)
        start = town.world.bus.clock.time() // 1
        await town.world.bus.ask(RevokeToken(subject=demo.id), context=Credentials(token=demo.id))
        await until(town, start + 299.9)
        await town.who(demo.id)
        await until(town, start + 300)
        with pytest.raises(Unauthorized):
            await town.who(demo.id)

    play(story)


def test_without_a_cache_a_revoked_token_is_bad_at_once():
    async def story(town: Town):
        demo = await town.session("demo").token()
        await town.who(demo.id)
        await town.world.bus.ask(RevokeToken(subject=demo.id), context=Credentials(token=demo.id))
        with pytest.raises(Unauthorized):
            await town.who(demo.id)

    play(story, auth_token=AuthTokenConfig(token_cache_time=-1))


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_an_expired_token_is_good_beside_a_service_token(warm):
    async def story(town: Town):
        demo = await town.session("demo").token()
        if warm:
            await until(town, demo.token.expires_at - 100)
            await town.who(demo.id)
        await until(town, demo.token.expires_at + 100)
        nova = await town.session("nova").token()
        context = await town.who(demo.id, nova.id)
        assert (context.user_id, context.service_roles) == ("demo", ("service",))

    play(story)


def test_a_token_of_no_service_beside_it_spoils_a_good_one():
    async def story(town: Town):
        demo = await town.session("demo").token()
        with pytest.raises(Unauthorized):
            await town.who(demo.id, demo.id)
        with pytest.raises(Unauthorized):
            await town.who(demo.id, "garbage")

    play(story)


def test_a_service_token_alone_is_401():
    async def story(town: Town):
        with pytest.raises(Unauthorized):
            await town.who(None, (await town.session("nova").token()).id)

    play(story)


def test_an_outage_of_keystone_is_503_and_not_401():
    async def story(town: Town):
        demo = await town.session("demo").token()
        await town.world.bus.stop(town.keystone)
        with pytest.raises(Unavailable):
            await town.who(demo.id)

    play(story)


def test_a_service_whose_own_account_is_refused_answers_503():
    async def story(town: Town):
        demo = await town.session("demo").token()
        nova = UserId("nova")
        town.store.users[nova] = attrs.evolve(town.store.users[nova], enabled=False)
        with pytest.raises(Unavailable):
            await town.who(demo.id)

    play(story)


def test_a_junk_character_makes_another_entry_of_the_same_token():
    async def story(town: Town):
        demo = await town.session("demo").token()
        alias = demo.id[:20] + "!!!!" + demo.id[20:]
        await town.who(demo.id)
        await town.who(alias)
        await town.world.bus.ask(RevokeToken(subject=alias), context=Credentials(token=demo.id))
        await town.who(demo.id)
        await anyio.sleep(300)
        with pytest.raises(Unauthorized):
            await town.who(demo.id)

    play(story)


def test_the_cache_forgets_what_is_old_and_grows_no_further():
    async def story(town: Town):
        body = (await town.session("demo").token()).token
        cache = TokenCache(10)
        for n in range(100):
            cache.put(f"token {n}", body, float(n))
            cache.get("token 0", float(n))
        return len(cache)

    assert play(story) == 10


@pytest.mark.parametrize("seconds", [-2, -300])
def test_a_negative_cache_time_other_than_minus_one_is_refused(seconds):
    with pytest.raises(ValueError, match="token_cache_time"):
        AuthTokenConfig(token_cache_time=seconds)
