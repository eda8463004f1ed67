"""Claims as the JSON body of Keystone's API."""

import contextlib
import json
import time

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.keystone.tokens import body
from actors.keystone.tokens.errors import ClaimsInexpressible, PayloadMalformed, TokenError


def test_a_body_of_each_vector_reads_back(vector):
    assert vector.claims == body.read(json.dumps(body.render(vector.claims)))


@given(data=st.data())
def test_every_kind_of_claims_comes_back(any_claims, data):
    claims = data.draw(any_claims)
    assert claims == body.read(json.dumps(body.render(claims)).encode())


def test_a_body_has_the_shape_of_the_api(claims):
    federated = evolve(
        claims, federated_group_ids=("g",), identity_provider_id="idp", protocol_id="saml2", trust_id="t", system="all"
    )
    assert {
        "token": {
            "user": {
                "id": claims.user_id,
                "OS-FEDERATION": {
                    "groups": [{"id": "g"}],
                    "identity_provider": {"id": "idp"},
                    "protocol": {"id": "saml2"},
                },
            },
            "methods": ["password"],
            "audit_ids": ["AAECAwQFBgcICQoLDA0ODw"],
            "issued_at": "2023-11-14T22:13:20.000000Z",
            "expires_at": "2023-11-14T23:13:20.000000Z",
            "system": {"all": True},
            "project": {"id": claims.project_id},
            "OS-TRUST:trust": {"id": "t"},
        }
    } == body.render(federated)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_700_000_000.999_999, "2023-11-14T22:13:20.000000Z"),
        (-62_135_596_800, "0001-01-01T00:00:00.000000Z"),
        (253_402_300_799, "9999-12-31T23:59:59.000000Z"),
    ],
)
def test_the_six_digits_after_the_second_are_always_zero(seconds, text):
    assert text == body.format_time(seconds)
    assert seconds // 1 == body.parse_time(text)


@pytest.mark.parametrize(
    "text", ["2023-11-14T22:13:20Z", "2023-11-14T23:13:20.999999+01:00", "2023-11-14T22:13:20", "2023-11-14T22:13:20.5"]
)
def test_an_instant_of_any_zone_is_read_in_utc(text, monkeypatch):
    """Wherever the machine stands."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "XYZ-5")
        time.tzset()
        assert body.parse_time(text) == 1_700_000_000
        assert body.format_time(1_700_000_000) == "2023-11-14T22:13:20.000000Z"
    time.tzset()


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 253_402_300_800, 1e300, -1e12])
def test_an_instant_that_no_calendar_has_is_refused(seconds):
    with pytest.raises(ClaimsInexpressible):
        body.format_time(seconds)


def ordinary() -> dict:
    return {
        "user": {"id": "u"},
        "methods": ["password"],
        "audit_ids": ["a"],
        "issued_at": "2023-11-14T22:13:20Z",
        "expires_at": "2023-11-14T22:13:20Z",
    }


@pytest.mark.parametrize(
    "text",
    {
        "empty": "",
        "no-json": "{",
        "a-number": "7",
        "a-list": "[]",
        "no-token": "{}",
        "token-none": '{"token": null}',
        "token-a-list": '{"token": []}',
        "deep": "[" * 100_000,
        "a-huge-number": '{"token": ' + "9" * 5000 + "}",
        "not-utf-8": b"\xff",
    }.items(),
    ids=lambda item: item[0],
)
def test_what_is_no_body_is_malformed(text):
    with pytest.raises(PayloadMalformed):
        body.read(text[1])


@pytest.mark.parametrize(
    "change",
    [
        {"user": {}},
        {"user": None},
        {"user": {"id": 7}},
        {"user": {"id": None}},
        {"methods": "password"},
        {"methods": [1]},
        {"methods": None},
        {"audit_ids": None},
        {"audit_ids": []},
        {"issued_at": 7},
        {"expires_at": "soon"},
        {"expires_at": None},
        {"project": 7},
        {"project": {"id": []}},
        {"user": {"id": "u", "OS-FEDERATION": {"groups": ["g"]}}},
        {"user": {"id": "u", "OS-FEDERATION": {"groups": 7}}},
    ],
    ids=json.dumps,
)
def test_a_body_with_a_wrong_field_is_malformed(change):
    body.read(json.dumps({"token": ordinary()}))
    with pytest.raises(PayloadMalformed):
        body.read(json.dumps({"token": ordinary() | change}))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "all", "groups"]), inner),
    max_leaves=6,
)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(sorted({path[0] for path in body.PATHS.values()})), json_values))
def test_any_fields_end_in_claims_or_a_typed_error(change):
    with contextlib.suppress(TokenError):
        body.read(json.dumps({"token": ordinary() | change}))


@settings(max_examples=2000)
@given(st.text() | st.binary())
def test_any_text_ends_in_a_typed_error(text):
    with pytest.raises(TokenError):
        body.read(text)
