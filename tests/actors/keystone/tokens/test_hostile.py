"""Whatever strangers send, each decoder refuses it with the real status, or reads what somebody really issued."""

from random import Random

import pytest
from cryptography.fernet import Fernet, InvalidToken
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.keystone.tokens.errors import (
    KeyFileMissing,
    KeyMalformed,
    KeysNotFound,
    PayloadMalformed,
    TokenFromTheFuture,
    TokenNotFound,
    TokenNotRecognized,
)
from tests.actors.keystone.tokens.conftest import VECTORS
from tests.actors.keystone.tokens.decoders import DECODERS, Decoder
from tests.actors.keystone.tokens.mangling import mangle_text

MILLION = 1_000_000


@pytest.fixture(scope="module", params=DECODERS)
def decoder(request) -> Decoder:
    """Each decoder in turn."""
    return DECODERS[request.param]


def refused(decoder: Decoder, inputs: int) -> int:
    """Feed a decoder the inputs that the first numbers make, and count those it refused."""
    count = 0
    for seed in range(inputs):
        try:
            count += not decoder.assert_sound(Random(seed))
        except BaseException as error:
            error.add_note(f"try again: DECODERS[...].assert_sound(Random({seed}))")
            raise
    return count


@pytest.mark.parametrize(
    ("error", "statuses"),
    [
        (TokenNotRecognized, (404, 401)),
        (TokenNotFound, (404, 401)),
        (PayloadMalformed, (500, 500)),
        (TokenFromTheFuture, (500, 500)),
        (KeysNotFound, (500, 500)),
        (KeyMalformed, (500, 500)),
        (KeyFileMissing, (500, 500)),
    ],
)
def test_a_refusal_has_the_status_that_keystone_answers(error, statuses):
    """For the token that is asked about, and for the caller's own."""
    assert statuses == (error.subject_status, error.caller_status)


@settings(max_examples=100)
@given(random=st.randoms(use_true_random=False))
def test_any_input_is_refused_as_keystone_does_or_read_truly(decoder, random):
    decoder.assert_sound(random)


def test_thousands_of_inputs_are_refused_as_keystone_does_or_read_truly(decoder):
    assert refused(decoder, 3000) > 0


@pytest.mark.hunt
def test_a_million_inputs_are_refused_as_keystone_does_or_read_truly(decoder):
    assert refused(decoder, MILLION) > 0


@settings(max_examples=300)
@given(random=st.randoms(use_true_random=False))
def test_a_text_is_a_fernet_token_exactly_if_it_is_one_to_cryptography(key, provider, random):
    """After Keystone has put back the padding: so a blank at the end is refused with most tokens, not with all."""
    token = mangle_text(random, provider.issue(random.choice(VECTORS).claims))
    try:
        padded = token + "=" * (-len(token) % 4)
        theirs = Fernet(key).decrypt(padded.encode())
    except (InvalidToken, UnicodeEncodeError):
        theirs = None
    try:
        ours = provider.keys.open(token)[1]
    except TokenNotRecognized:
        ours = None
    assert ours == theirs
