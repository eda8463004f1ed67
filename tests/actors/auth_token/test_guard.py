"""The check in front of a service, with a real Keystone behind it: what was observed of keystonemiddleware 13.0.1."""

import anyio
import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.auth_token import AuthTokenConfig
from actors.context import Credentials
from actors.errors import Unauthorized, Unavailable
from actors.ids import UserId
from actors.keystone.config import KeystoneConfig
from actors.keystone.messages import RevokeToken, ValidateToken
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


@pytest.mark.parametrize("required", [True, False])
def test_a_service_token_without_the_role_never_makes_an_expired_token_count(required):
    async def story(town: Town):
        session = town.session("demo")
        old = await session.token()
        await until(town, old.token.expires_at + 1)
        fresh = await session.token()
        with pytest.raises(Unauthorized):
            await town.who(old.id, fresh.id)

    play(story, auth_token=AuthTokenConfig(service_token_roles_required=required))


def test_a_service_token_without_the_role_beside_a_valid_token_is_taken_if_roles_are_not_required():
    async def story(town: Town):
        demo = await town.session("demo").token()
        return await town.who(demo.id, demo.id)

    context = play(story, auth_token=AuthTokenConfig(service_token_roles_required=False))

    assert context.service_roles == ("member",)


def test_keystone_itself_takes_no_expired_token_whatever_service_token_is_beside_it():
    async def story(town: Town):
        demo = await town.session("demo").token()
        await until(town, demo.token.expires_at)
        nova = await town.session("nova").token()
        with pytest.raises(Unauthorized):
            await town.world.bus.ask(
                ValidateToken(subject=demo.id), context=Credentials(token=demo.id, service_token=nova.id)
            )

    play(story)


def test_keystone_itself_refuses_at_the_very_instant_at_which_a_service_does_not_yet():
    async def story(town: Town):
        demo = await town.session("demo").token()
        await town.who(demo.id)
        cold = await town.session("demo").token()
        await until(town, demo.token.expires_at)
        with pytest.raises(Unauthorized):
            await town.who(cold.id)

    play(story, auth_token=AuthTokenConfig(token_cache_time=7200))


def test_an_expired_token_counts_beside_a_service_token_until_the_window_ends_and_the_cache_forgets():
    async def story(town: Town):
        demo = await town.session("demo").token()
        end = demo.token.expires_at + 172800
        await until(town, end - 1)
        nova = await town.session("nova").token()
        await town.who(demo.id, nova.id)
        await until(town, end + 298)
        await town.who(demo.id, nova.id)
        await until(town, end + 299)
        with pytest.raises(Unauthorized):
            await town.who(demo.id, nova.id)

    play(story)


def test_a_revoked_token_of_a_user_is_good_beside_a_service_token_while_it_is_remembered():
    async def story(town: Town):
        demo, nova = await town.session("demo").token(), await town.session("nova").token()
        await town.who(demo.id)
        await town.world.bus.ask(RevokeToken(subject=demo.id), context=Credentials(token=demo.id))
        await town.who(demo.id, nova.id)
        await anyio.sleep(300)
        with pytest.raises(Unauthorized):
            await town.who(demo.id, nova.id)

    play(story)


def test_what_looks_like_a_pki_token_where_there_are_none_is_401():
    async def story(town: Town):
        for token in ("MII", "MIIabc", "PKIZ_", "PKIZ_abc"):
            with pytest.raises(Unauthorized):
                await town.who(token)

    play(story)


@settings(max_examples=30, deadline=None)
@given(tokens=st.lists(st.text(max_size=40) | st.text("MIPKZ_abc-=+/ \n", max_size=40), max_size=5))
def test_whatever_is_sent_as_a_token_is_401_at_worst(tokens):
    async def story(town: Town):
        for token in tokens:
            with pytest.raises(Unauthorized):
                await town.who(token)
            with pytest.raises(Unauthorized):
                await town.who(None, token)

    play(story)


PKI = pytest.mark.parametrize(
    "config", [KeystoneConfig(provider=name) for name in ("pki", "pkiz")], ids=["PKI", "PKIZ"]
)


@PKI
def test_keystone_is_not_asked_about_its_signed_tokens(config):
    async def story(town: Town):
        demo, nova = await town.session("demo").token(), await town.session("nova").token()
        with town.world.faults.drop(message=ValidateToken):
            return await town.who(demo.id, nova.id)

    context = play(story, config=config)

    assert (context.user_id, context.project_id, context.roles, context.service_roles) == (
        "demo", "demo", ("member",), ("service",),
    )  # fmt: skip


@PKI
def test_a_signed_token_that_was_revoked_is_good_until_the_next_list(config):
    async def story(town: Town):
        demo = await town.session("demo").token()
        await town.who(demo.id)
        await town.world.bus.ask(RevokeToken(subject=demo.id), context=Credentials(token=demo.id))
        await town.who(demo.id)
        await anyio.sleep(10)
        with pytest.raises(Unauthorized):
            await town.who(demo.id)

    play(story, config=config, auth_token=AuthTokenConfig(token_cache_time=-1))
