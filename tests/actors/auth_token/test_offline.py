"""PKI tokens at a service: what is fetched and when, what is refused, and what an outage of Keystone does."""

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.errors import Forbidden, InternalError, NotFound, Unauthorized, Unavailable
from actors.keystone.messages import Authenticate, FetchCertificates, FetchRevocationList, ValidateToken
from actors.keystone.models import Certificates
from actors.keystone.tokens import pki
from bus.sim.world import EPOCH
from tests.actors.auth_token.scripted import (
    Stage,
    authority,
    certificates_of,
    pki_script,
    pki_token,
    play,
    revocations,
    token_of,
)

TOKEN = pki_token(token_of("demo"))
SERVICE = pki_token(token_of("nova", roles=("service",), expires_at=EPOCH + 1_000_000))
EXPIRED = pki_token(token_of("old", expires_at=EPOCH - 1))


def numbered(n: int) -> str:
    """The token of one of many users."""
    return pki_token(token_of(f"user-{n}"))


# -- what is asked -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [False, True], ids=["PKI", "PKIZ"])
def test_a_signed_token_makes_a_context_and_keystone_is_not_asked_about_it(compress):
    async def story(stage: Stage):
        return await stage.who(pki_token(token_of("demo"), compress=compress)), stage.script

    context, script = play(story, pki_script())

    assert (context.user_id, context.project_id, context.roles) == ("demo", "demo", ("member",))
    assert [type(message) for message in script.asked] == [Authenticate, FetchRevocationList, FetchCertificates]


def test_many_tokens_within_ten_seconds_take_one_list_and_one_set_of_certificates():
    async def story(stage: Stage):
        for n in range(20):
            await stage.who(numbered(n))
        return len(stage.script.asked)

    assert play(story, pki_script()) == 3


def test_the_list_is_fetched_anew_when_it_is_as_old_as_the_option_says_and_the_certificates_never():
    async def story(stage: Stage):
        counts = []
        await stage.who(numbered(0))
        fetched = stage.world.now
        for n, second in enumerate((9.9, 10, 19.9, 20.1), 1):
            await anyio.sleep(fetched + second - stage.world.now)
            await stage.who(numbered(n))
            counts.append((stage.script.count(FetchRevocationList), stage.script.count(FetchCertificates)))
        return counts

    assert play(story, pki_script()) == [(1, 1), (2, 1), (2, 1), (3, 1)]


@pytest.mark.parametrize("option", [0, 10, 60])
def test_a_revocation_is_seen_once_the_list_at_hand_is_too_old(option):
    async def story(stage: Stage):
        await stage.who(numbered(0))
        stage.script.revocation_list = revocations({"id": pki.token_id(numbered(1)), "audit_id": "x"})
        await anyio.sleep(max(0, option - 1))
        if option:
            await stage.who(numbered(1))
        await anyio.sleep(1)
        with pytest.raises(Unauthorized):
            await stage.who(numbered(1))

    play(story, pki_script(), revocation_cache_time=option, token_cache_time=-1)


@pytest.mark.parametrize(
    "entry", [{"id": pki.token_id(TOKEN)}, {"id": "x", "audit_id": "audit-of-demo"}], ids=["hash", "audit id"]
)
def test_a_token_that_is_on_the_list_is_401(entry):
    async def story(stage: Stage):
        await stage.who(SERVICE)
        with pytest.raises(Unauthorized):
            await stage.who(TOKEN)

    script = pki_script()
    script.revocation_list = revocations(entry)
    play(story, script)


@pytest.mark.parametrize("check", [False, True])
def test_a_remembered_token_is_looked_for_in_the_list_only_if_the_option_says_so(check):
    async def story(stage: Stage):
        await stage.who(TOKEN)
        stage.script.revocation_list = revocations({"id": pki.token_id(TOKEN)})
        await anyio.sleep(10)
        try:
            await stage.who(TOKEN)
        except Unauthorized:
            return True
        return False

    assert play(story, pki_script(), check_revocations_for_cached=check) is check


def test_with_that_option_every_kind_of_token_is_looked_for():
    async def story(stage: Stage):
        await stage.who("uuid")
        stage.script.revocation_list = revocations({"id": "uuid"})
        await anyio.sleep(10)
        with pytest.raises(Unauthorized):
            await stage.who("uuid")

    play(story, pki_script(good={"uuid": token_of("demo")}), check_revocations_for_cached=True)


def test_the_hash_of_a_remembered_token_is_as_good_as_the_token():
    async def story(stage: Stage):
        await stage.who(TOKEN)
        assert (await stage.who(pki.token_id(TOKEN, "sha256"))).user_id == "demo"
        with pytest.raises(Unauthorized):
            await stage.who(pki.token_id(TOKEN, "md5"))

    play(story, pki_script(), hash_algorithms=("sha256", "md5"))


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_each_of_the_hash_algorithms_is_looked_for_in_the_list(algorithm):
    async def story(stage: Stage):
        with pytest.raises(Unauthorized):
            await stage.who(TOKEN)

    script = pki_script()
    script.revocation_list = revocations({"id": pki.token_id(TOKEN, algorithm)})
    play(story, script, hash_algorithms=("sha256", "md5"))


# -- expiry ------------------------------------------------------------------------------------------------------------


def test_an_expired_token_is_401():
    async def story(stage: Stage):
        with pytest.raises(Unauthorized):
            await stage.who(EXPIRED)

    play(story, pki_script())


def test_beside_a_service_token_an_expired_token_is_good_for_ever_for_nobody_knows_of_the_window():
    async def story(stage: Stage):
        await anyio.sleep(172800 + 3600)
        return await stage.who(EXPIRED, SERVICE)

    assert play(story, pki_script()).user_id == "old"


# -- errors and outages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [FetchRevocationList, FetchCertificates])
@pytest.mark.parametrize("error", [Forbidden, NotFound, InternalError, Unavailable])
def test_if_list_or_certificates_are_refused_keystone_is_asked_about_the_token(kind, error):
    async def story(stage: Stage):
        stage.script.good[TOKEN] = token_of("demo")
        await stage.who(TOKEN)
        return stage.script.validations()

    assert play(story, pki_script(errors={kind: [error("no")]})) == [(TOKEN, False)]


def test_if_the_list_is_refused_for_a_remembered_token_it_is_503():
    async def story(stage: Stage):
        await stage.who(TOKEN)
        await anyio.sleep(10)
        stage.script.errors[FetchRevocationList] = [InternalError("no")]
        with pytest.raises(Unavailable):
            await stage.who(TOKEN)

    play(story, pki_script(), check_revocations_for_cached=True)


def test_without_keystone_new_tokens_are_verified_until_the_list_is_too_old_and_remembered_ones_beyond():
    async def story(stage: Stage):
        await stage.who(numbered(0))
        await stage.world.bus.stop(stage.keystone)
        await anyio.sleep(9)
        await stage.who(numbered(1))
        await anyio.sleep(1)
        with pytest.raises(Unavailable):
            await stage.who(numbered(2))
        await stage.who(numbered(1))

    play(story, pki_script())


@pytest.mark.parametrize("delayed", [False, True])
def test_without_keystone_the_first_token_is_503_or_401_if_the_decision_is_delayed(delayed):
    async def story(stage: Stage):
        await stage.world.bus.stop(stage.keystone)
        with pytest.raises(Unauthorized if delayed else Unavailable):
            await stage.who(TOKEN)

    play(story, pki_script(), delay_auth_decision=delayed)


# -- forgeries ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [False, True], ids=["PKI", "PKIZ"])
def test_a_token_that_another_authority_signed_is_401(compress):
    async def story(stage: Stage):
        with pytest.raises(Unauthorized):
            await stage.who(pki_token(token_of("demo"), compress=compress, signer=authority(1)))
        assert stage.script.count(ValidateToken) == 0

    play(story, pki_script())


def test_certificates_are_kept_so_that_those_of_a_new_authority_are_of_no_use_until_a_restart():
    async def story(stage: Stage):
        await stage.who(TOKEN)
        stage.script.certificates = certificates_of(authority(1))
        with pytest.raises(Unauthorized):
            await stage.who(pki_token(token_of("other"), signer=authority(1)))

    play(story, pki_script())


@pytest.mark.parametrize(
    "signed", ["", "garbage", "\ud800", revocations(signer=authority(1)), pki.write_pem(authority().sign(b"{}"))]
)
def test_a_list_that_cannot_be_verified_or_read_refuses_every_token(signed):
    async def story(stage: Stage):
        stage.script.revocation_list = signed
        with pytest.raises(Unauthorized):
            await stage.who(TOKEN)

    play(story, pki_script())


@pytest.mark.parametrize(
    "sent",
    [
        Certificates(signing="", ca=""),
        Certificates(signing=certificates_of(authority(1)).signing, ca=certificates_of(authority()).ca),
    ],
    ids=["garbage", "of two authorities"],
)
def test_certificates_that_are_of_no_use_refuse_every_token(sent):
    async def story(stage: Stage):
        stage.script.certificates = sent
        with pytest.raises(Unauthorized):
            await stage.who(TOKEN)

    play(story, pki_script())


@settings(max_examples=40, deadline=None)
@given(data=st.data(), token=st.sampled_from([TOKEN, pki_token(token_of("demo"), compress=True)]))
def test_a_token_in_which_something_was_changed_is_401_or_still_says_the_same(data, token):
    position = data.draw(st.integers(0, len(token)))
    mutant = token[:position] + data.draw(st.text(max_size=3)) + token[position + data.draw(st.integers(0, 3)) :]

    async def story(stage: Stage):
        try:
            return (await stage.who(mutant)).user_id
        except Unauthorized:
            return "demo"

    assert play(story, pki_script()) == "demo"


@settings(max_examples=40, deadline=None)
@given(
    body=st.binary(min_size=200, max_size=400) | st.just(b"[" * 400) | st.just(b'{"token": {"user": 1}}' + b" " * 300)
)
def test_a_signed_body_that_is_none_is_401(body):
    async def story(stage: Stage):
        with pytest.raises(Unauthorized):
            await stage.who(pki.write_pki(authority().sign(body)))

    play(story, pki_script())
