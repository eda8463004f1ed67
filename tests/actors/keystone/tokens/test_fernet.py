"""Fernet tokens: the envelope, its leniencies, and the keys that open it."""

import base64
import contextlib
import random

import msgpack
import pytest
from attrs import evolve
from cryptography.fernet import Fernet, InvalidToken
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.keystone.tokens.cipher import Envelope, FernetKey
from actors.keystone.tokens.directory import MemoryDirectory
from actors.keystone.tokens.errors import (
    ClaimsInexpressible,
    KeyMalformed,
    KeysNotFound,
    PayloadMalformed,
    TokenError,
    TokenNotRecognized,
)
from actors.keystone.tokens.fernet import FernetProvider
from actors.keystone.tokens.keys import KeyRepository
from actors.keystone.tokens.lifetime import LATEST
from actors.keystone.tokens.payloads import Payloads
from tests.actors.keystone.tokens.conftest import VECTORS

PROJECT_TOKEN = (
    "gAAAAABlU_EAAAECAwQFBgcICQoLDA0OD_dw0x57ONbK4JeO4YDXq1wzCLw-hQvt9n3cr_Piaad5mAQnUVKJEehh8VipMgdeYr064dzElswcRutuhkqb"
    "rzZMRUFXW8K2wIuryHa01fhd6HhZBwrqA_eZ8jEzwsqrGSa3aUfWuyo0LXwu88Odt4k"
)


def seal(key: str, payload: bytes, timestamp: int = 1_700_000_000) -> str:
    return FernetKey(key).seal(payload, timestamp, bytes(16))


def test_keystones_token_is_issued(provider, vector):
    assert vector.token == provider.issue(vector.claims)


def test_keystones_token_is_read(provider, vector):
    assert vector.claims == provider.read(vector.token)


def test_the_known_project_token_is_issued_and_read(provider, claims):
    assert provider.issue(claims) == PROJECT_TOKEN
    assert claims == provider.read(PROJECT_TOKEN)


@pytest.mark.parametrize(
    ("payload", "characters"),
    [(51, 162), (71, 183), (89, 204), (91, 204), (101, 226), (104, 226), (119, 247), (127, 247), (140, 268)],
)
def test_a_tokens_length_follows_from_its_payloads(key, payload, characters):
    assert characters == len(seal(key, bytes(payload)))


def test_max_token_size_is_no_limit(provider, claims):
    """`[DEFAULT] max_token_size` is 255; Keystone logs a longer token and answers it all the same."""
    long = evolve(claims, user_id="ab" * 32, app_cred_id="an-id-that-is-no-uuid")
    assert len(provider.issue(long)) > 255
    assert long == provider.read(provider.issue(long))


def test_a_newline_at_the_end_is_refused_unless_the_token_needs_no_padding(provider):
    """Keystone counts it when it puts the padding back, and then passes over it: so it depends on the length."""
    taken = {}
    for vector in VECTORS:
        try:
            taken[len(vector.token) % 4] = vector.claims == provider.read(vector.token + "\n")
        except TokenNotRecognized:
            taken[len(vector.token) % 4] = False
    assert taken == {0: True, 2: False, 3: False}


@given(data=st.data())
def test_every_kind_of_claims_comes_back(provider, any_claims, data):
    original = data.draw(any_claims)
    assert original == provider.read(provider.issue(original))


@given(payload=st.binary(max_size=100), timestamp=st.integers(0, 2**33), iv=st.binary(min_size=16, max_size=16))
def test_the_envelope_is_that_of_cryptography(key, payload, timestamp, iv):
    token = FernetKey(key).seal(payload, timestamp, iv)
    theirs = Fernet(key)
    padded = token + "=" * (-len(token) % 4)
    assert payload == theirs.decrypt(padded)
    assert timestamp == theirs.extract_timestamp(padded)
    envelope = Envelope.parse(Fernet(key).encrypt_at_time(payload, timestamp).decode())
    assert (timestamp, payload) == (envelope.timestamp, FernetKey(key).open(envelope))


def test_the_time_of_issue_is_cut_to_the_second_and_the_expiry_too(provider, claims):
    fine = evolve(claims, issued_at=claims.issued_at + 0.75, expires_at=claims.expires_at + 0.999)
    assert claims == provider.read(provider.issue(fine)) == fine.in_whole_seconds()


def test_a_token_stamped_days_ahead_is_read(provider, claims):
    assert provider.read(provider.issue(evolve(claims, issued_at=claims.issued_at + 1_000_000)), 0)


@pytest.mark.parametrize("issued_at", [-1, LATEST, 2.0**64, float("nan"), float("inf")])
def test_a_time_of_issue_that_no_calendar_has_is_refused(provider, claims, issued_at):
    with pytest.raises(ClaimsInexpressible):
        provider.issue(evolve(claims, issued_at=issued_at))


def test_a_timestamp_that_no_calendar_has_is_malformed(provider, key, claims):
    with pytest.raises(PayloadMalformed, match="9999"):
        provider.read(seal(key, Payloads().pack(claims), LATEST))


def test_the_first_characters_are_always_the_same(provider, claims):
    assert provider.issue(claims).startswith("gAAAAA")


LENIENT = {
    "with-its-padding": lambda token: token + "=" * (-len(token) % 4),
    "with-too-much-padding": lambda token: token + "=" * (-len(token) % 4) + "====",
    "with-four-characters-of-junk": lambda token: token[:20] + "!!!!" + token[20:],
    "in-plain-base64": lambda token: token.replace("-", "+").replace("_", "/"),
}


@pytest.mark.parametrize("change", LENIENT.values(), ids=LENIENT)
def test_another_text_of_the_same_token_is_accepted(provider, vector, change):
    """Whoever keys a cache by the text sees another token; revocation, by audit id, does not."""
    assert vector.claims == provider.read(change(vector.token))


REFUSED = {
    "empty": lambda _: "",
    "garbage": lambda _: "garbage",
    "truncated": lambda token: token[:-1],
    "cut-in-half": lambda token: token[: len(token) // 2],
    "version-alone": lambda _: "gA",
    "leading-blank": lambda token: " " + token,
    "trailing-newline": lambda token: token + "\n",
    "non-ascii": lambda token: "é" + token,
    "lone-surrogate": lambda token: "\ud800" + token,
    "nul": lambda token: token[:-1] + "\0",
    "percent-quoted": lambda token: token + "%3D",
    "other-version": lambda token: "h" + token[1:],
    "huge": lambda _: "A" * 1_000_000,
    "padding-only": lambda _: "====",
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_what_is_no_token_is_not_recognized(provider, change):
    with pytest.raises(TokenNotRecognized, match="Could not recognize Fernet token") as caught:
        provider.read(change(PROJECT_TOKEN))
    assert (caught.value.subject_status, caught.value.caller_status) == (404, 401)


@settings(max_examples=1500)
@given(bit=st.integers(0, len(PROJECT_TOKEN) * 6 // 8 * 8 - 1))
def test_a_token_with_any_bit_flipped_is_not_recognized(provider, bit):
    data = bytearray(base64.urlsafe_b64decode(PROJECT_TOKEN + "="))
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    with pytest.raises(TokenNotRecognized):
        provider.read(base64.urlsafe_b64encode(data).decode())


def test_a_foreign_key_opens_nothing(claims, provider):
    foreign = FernetProvider(keys=KeyRepository(MemoryDirectory({"1": "A" * 43 + "="})), randomness=bytes)
    with pytest.raises(TokenNotRecognized, match=r"none of the keys \[1\]"):
        foreign.read(provider.issue(claims))


@pytest.mark.parametrize("length", [0, 1, 15, 17, 31])
def test_an_authentic_envelope_that_cannot_be_decrypted_is_not_recognized(provider, key, length):
    """Signed with the right key, but the ciphertext is no whole number of blocks; cryptography refuses it too."""
    signer = FernetKey(key)
    signed = b"\x80" + bytes(8) + bytes(16) + bytes(length)
    data = signed + signer._sign(signed)
    text = base64.urlsafe_b64encode(data).decode()
    with pytest.raises(InvalidToken):
        Fernet(key).decrypt(text)
    with pytest.raises(TokenNotRecognized):
        provider.read(text)


@pytest.mark.parametrize("length", [1, 9, 24])
def test_an_authentic_envelope_that_is_too_short_is_not_recognized(provider, key, length):
    signed = (b"\x80" + bytes(24))[:length]
    with pytest.raises(TokenNotRecognized):
        provider.read(base64.urlsafe_b64encode(signed + FernetKey(key)._sign(signed)).decode())


@given(ciphertext=st.integers(1, 3).flatmap(lambda blocks: st.binary(min_size=16 * blocks, max_size=16 * blocks)))
def test_padding_is_judged_as_cryptography_does(key, ciphertext):
    signer = FernetKey(key)
    signed = b"\x80" + bytes(24) + ciphertext
    text = base64.urlsafe_b64encode(signed + signer._sign(signed)).decode()
    try:
        expected = Fernet(key).decrypt(text)
    except InvalidToken:
        expected = None
    assert expected == signer.open(Envelope.parse(text))


def test_an_authentic_token_of_an_unknown_version_is_not_recognized(provider, key):
    with pytest.raises(TokenNotRecognized, match="version"):
        provider.read(seal(key, msgpack.packb([99])))


def test_an_authentic_token_of_nonsense_is_a_server_error(provider, key):
    with pytest.raises(PayloadMalformed) as caught:
        provider.read(seal(key, b"\xc1"))
    assert (caught.value.subject_status, caught.value.caller_status) == (500, 500)


def test_without_keys_nothing_is_issued_or_read(claims):
    bare = FernetProvider(keys=KeyRepository(MemoryDirectory()), randomness=bytes)
    for operation in (lambda: bare.issue(claims), lambda: bare.read(PROJECT_TOKEN), lambda: bare.read("garbage")):
        with pytest.raises(KeysNotFound) as caught:
            operation()
        assert caught.value.subject_status == caught.value.caller_status == 500


def test_one_malformed_key_fails_every_operation(claims, key):
    broken = FernetProvider(keys=KeyRepository(MemoryDirectory({"2": key, "1": "garbage"})), randomness=bytes)
    for operation in (lambda: broken.issue(claims), lambda: broken.read(PROJECT_TOKEN)):
        with pytest.raises(KeyMalformed) as caught:
            operation()
        assert caught.value.subject_status == caught.value.caller_status == 500


def test_each_token_has_its_own_initialization_vector(key, claims, randomness):
    provider = FernetProvider(keys=KeyRepository(MemoryDirectory({"1": key})), randomness=randomness)
    assert provider.issue(claims) != provider.issue(claims)


def test_revoking_leaves_a_token_readable_because_none_is_stored(provider, claims):
    provider.revoke(PROJECT_TOKEN)
    assert claims == provider.read(PROJECT_TOKEN)


@settings(max_examples=2000)
@given(token=st.text(max_size=300) | st.text("gAAAAAbcXYZ019-_=!", max_size=300).map("gAAAAA".__add__))
def test_any_text_ends_in_a_refusal(provider, token):
    with pytest.raises(TokenNotRecognized):
        provider.read(token)


@settings(max_examples=2000)
@given(payload=st.binary(max_size=120))
def test_any_authentic_payload_ends_in_claims_or_a_typed_error(provider, key, payload):
    with contextlib.suppress(TokenError):
        provider.read(seal(key, payload))


def test_no_error_and_no_repr_shows_a_token_or_a_key(provider, key, claims):
    shown = [repr(provider), repr(FernetKey(key)), repr(Envelope.parse(PROJECT_TOKEN)), repr(provider.keys.ring())]
    foreign = FernetProvider(
        keys=KeyRepository(MemoryDirectory({"1": "A" * 43 + "="})), randomness=random.Random(0).randbytes
    )
    for operation in (
        lambda: foreign.read(PROJECT_TOKEN),
        lambda: foreign.read(PROJECT_TOKEN[:-3]),
        lambda: KeyRepository(MemoryDirectory({"1": key[:-1]})).ring(),
    ):
        with pytest.raises(TokenError) as caught:
            operation()
        shown.append(f"{caught.value} {caught.value!r} {caught.value.__cause__!r}")
    raw = base64.urlsafe_b64decode(key)
    for secret in (key[:-1], PROJECT_TOKEN[:40], repr(raw), repr(raw[:16]), repr(raw[16:])):
        assert not any(secret in text for text in shown)
