"""The gate: how long a line of a request's head may be, before anybody looks at the token in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.auth_token import AuthTokenConfig
from actors.client.gate import AuthTokenGate, HeaderLimit
from actors.context import Credentials
from actors.errors import BadRequest, Unauthorized
from actors.keystone.messages import ValidateToken
from bus.topic import Target
from tests.actors.auth_token.scripted import ACCOUNT, Script, Stage, pki_script, pki_token, play, token_of
from tests.actors.town import Probe


class Open:
    """A guard that lets everybody in."""

    async def admit(self, credentials: Credentials) -> str:
        return "in"


@given(limit=st.integers(1, 100), length=st.integers(0, 100))
@pytest.mark.parametrize(("header", "field"), [("X-Auth-Token", "token"), ("X-Service-Token", "service_token")])
def test_a_line_must_be_shorter_than_the_limit_with_its_name_and_its_end(header, field, limit, length):
    value = "t" * length
    admission = HeaderLimit(Open(), limit).admit(Credentials(**{field: value}))

    if len(f"{header}: {value}\r\n") < limit:
        with pytest.raises(StopIteration):
            admission.send(None)
    else:
        with pytest.raises(BadRequest, match=f"{header} of {length} .*{limit}"):
            admission.send(None)


@pytest.mark.parametrize(("length", "error"), [(16367, Unauthorized), (16368, BadRequest)])
def test_the_longest_token_of_all_by_default_has_16367_characters(length, error):
    async def story(stage: Stage):
        with pytest.raises(error):
            await stage.who("t" * length)
        return stage.script.count(ValidateToken)

    assert play(story, Script()) == (error is Unauthorized)


@pytest.mark.parametrize(("limit", "services"), [(8192, 9), (16384, 18)], ids=["Apache", "oslo.service"])
def test_a_catalog_that_grows_breaks_pki_and_pkiz_much_later(limit, services):
    async def first_refused(stage: Stage, probe: Target, *, compress: bool) -> int:
        for number in range(1, 200):
            try:
                await stage.who(pki_token(token_of("demo", services=number), compress=compress), to=probe)
            except BadRequest:
                return number
        return 200

    async def story(stage: Stage):
        gate = AuthTokenGate(account=ACCOUNT, config=AuthTokenConfig(), max_header_line=limit)
        probe = await stage.world.bus.start(Probe, gate, topic="limited")
        return [await first_refused(stage, probe, compress=compress) for compress in (False, True)]

    pki, pkiz = play(story, pki_script())

    assert pki == services
    assert pkiz > 2 * services


def test_a_limit_that_is_none_is_refused():
    with pytest.raises(ValueError, match="max_header_line"):
        AuthTokenGate(account=ACCOUNT, max_header_line=0)
