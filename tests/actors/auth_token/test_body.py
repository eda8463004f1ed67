"""The JSON body of a token, read back."""

import json
from contextlib import suppress

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.auth_token.body import read_token
from actors.keystone.models import Domain, Endpoint, Project, Role, Token, TokenApplicationCredential, TokenTrust, User
from actors.keystone.tokens.errors import PayloadMalformed
from tests.actors.auth_token.scripted import body_of, token_of

names = st.text(max_size=8)
domains = st.builds(Domain, id=names, name=names)
seconds = st.integers(0, 4_000_000_000)
roles = st.lists(st.builds(Role, id=names, name=names), max_size=3).map(tuple)
trusts = st.builds(TokenTrust, id=names, trustor_user_id=names, trustee_user_id=names, impersonation=st.booleans())
credentials = st.builds(TokenApplicationCredential, id=names, name=names, restricted=st.booleans())


@st.composite
def catalogs(draw):
    """Services with their endpoints, one service after the other."""
    services = draw(st.lists(st.tuples(names, names, names), max_size=3, unique=True))
    return tuple(
        draw(
            st.builds(
                Endpoint, service_id=st.just(service_id), service_type=st.just(service_type), service_name=st.just(name),
                id=names, topic=names, interface=names, region=names,
            )
        )
        for service_id, service_type, name in services
        for _ in range(draw(st.integers(1, 3)))
    )  # fmt: skip


@st.composite
def tokens(draw):
    """Tokens of every scope, with times in whole seconds, as bodies have them."""
    scope = draw(st.sampled_from(["project", "domain", "system", None]))
    user_domain, scope_domain, given_roles = draw(domains), draw(domains), draw(roles)
    return Token(
        user=User(id=draw(names), name=draw(names), domain_id=user_domain.id),
        user_domain=user_domain,
        methods=draw(st.lists(names, max_size=3).map(tuple)),
        audit_ids=draw(st.lists(names, min_size=1, max_size=2).map(tuple)),
        issued_at=draw(seconds),
        expires_at=draw(seconds),
        project=Project(id=draw(names), name=draw(names), domain_id=scope_domain.id) if scope == "project" else None,
        project_domain=scope_domain if scope == "project" else None,
        domain=scope_domain if scope == "domain" else None,
        system="all" if scope == "system" else None,
        roles=given_roles,
        catalog=draw(catalogs()) if given_roles else (),
        trust=draw(st.none() | trusts),
        application_credential=draw(st.none() | credentials),
    )


@given(token=tokens())
def test_a_body_says_what_keystone_would_answer(token):
    assert read_token(body_of(token)) == token


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(data=st.data(), value=json_values)
def test_a_body_with_something_else_in_a_place_is_read_or_refused(data, value):
    trust = TokenTrust(id="a", trustor_user_id="b", trustee_user_id="c", impersonation=True)
    credential = TokenApplicationCredential(id="a", name="b", restricted=True)
    whole = attrs.evolve(token_of("demo", services=1), trust=trust, application_credential=credential)
    body = json.loads(body_of(whole))
    place = body["token"]
    while isinstance(place, dict | list) and place:
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            place[key] = value
            break
        place = place[key]

    with suppress(PayloadMalformed):
        assert isinstance(read_token(json.dumps(body)), Token)


@pytest.mark.parametrize(
    "body", ["", "null", "[]", "{}", '{"token": null}', '{"token": {}}', "[" * 100_000, "1" * 5000]
)
def test_what_is_no_body_is_refused(body):
    with pytest.raises(PayloadMalformed):
        read_token(body)
