"""Calls with a token that nobody can renew."""

import anyio
import pytest

from actors.client.held_token import HeldToken
from actors.errors import Unauthorized
from actors.keystone.messages import ValidateToken
from tests.actors.auth_token.scripted import Script, Stage
from tests.actors.auth_token.scripted import play as play_script
from tests.actors.town import Town, WhoAmI, play


def test_it_is_good_until_it_expires():
    async def story(town: Town):
        caller = HeldToken(town.world.bus, (await town.session("demo").token()).id)
        assert (await caller.ask(WhoAmI(), request_id="req-1")).request_id == "req-1"
        await anyio.sleep(3601)
        with pytest.raises(Unauthorized):
            await caller.ask(WhoAmI())

    play(story)


def test_a_401_is_final():
    async def story(stage: Stage):
        with pytest.raises(Unauthorized):
            await HeldToken(stage.world.bus, "held").ask(ValidateToken(subject="any"))
        return stage.script.count(ValidateToken)

    assert play_script(story, Script(errors={ValidateToken: [Unauthorized("no")] * 2})) == 1


def test_it_shows_no_token():
    async def story(stage: Stage):
        return repr(HeldToken(stage.world.bus, "s3cr3t"))

    assert "s3cr3t" not in play_script(story)
