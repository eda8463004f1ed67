"""Sign-in bodies as the real clients send them: what becomes of them, and how bad ones are refused."""

import copy
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import Unauthorized
from actors.keystone.errors import ValidationError
from actors.keystone.messages import Authenticate
from actors.keystone.models import DomainScope, ProjectScope, Scope, SystemScope, TrustScope, Unscoped
from actors.keystone.requests import read_sign_in
from tests.actors.town import Town, play

RECORDED = [one["body"] for one in json.loads(Path(__file__).with_name("client-requests.json").read_text())["requests"]]
ADMIN = Authenticate(
    user_name="admin",
    user_domain_name="Default",
    password="secret",
    scope=ProjectScope(name="admin", domain_name="Default"),
)
READ = [
    ADMIN,
    ADMIN,
    Authenticate(
        application_credential_id="eade9a17c91449f4b83a4bb394dcc66f",
        application_credential_secret="af8b9cac035a4d77ba91e268bf84e3fc",
    ),
    Authenticate(
        token="gAAAAA48c74949cbe44d88b2dd50b36adc74ee81b65243a8694cf19c113e816aa2bbcf",
        scope=ProjectScope(name="demo", domain_name="Default"),
    ),
]
USER = {"id": "u", "password": "hush"}
APPLICATION = "application_credential"


def password(user: Any = USER, **auth: Any) -> dict[str, Any]:
    """A body that signs in with a password."""
    return {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, **auth}}


def credential(**fields: Any) -> dict[str, Any]:
    """A body that signs in with an application credential."""
    return {"auth": {"identity": {"methods": [APPLICATION], APPLICATION: fields}}}


@pytest.mark.parametrize(("body", "message"), list(zip(RECORDED, READ, strict=True)))
def test_what_a_client_sends_becomes_the_message_that_it_means(body, message):
    assert read_sign_in(body) == message


@pytest.mark.parametrize(
    ("user", "fields"),
    [
        ({"id": "u"}, {"user_id": "u"}),
        ({"name": "n", "domain": {"id": "d"}}, {"user_name": "n", "user_domain_id": "d"}),
        ({"name": "n", "id": "u", "domain": {"name": "D", "id": "d"}}, {"user_name": "n", "user_domain_name": "D"}),
    ],
)
def test_a_user_is_named_by_id_or_by_name_and_domain(user, fields):
    assert read_sign_in(password({"password": "x", **user})) == Authenticate(password="x", **fields)
    assert read_sign_in(credential(name="c", secret="x", user=user)) == Authenticate(
        application_credential_name="c", application_credential_secret="x", **fields
    )


@pytest.mark.parametrize(
    ("scope", "means"),
    [
        ({"project": {"id": "p"}}, ProjectScope(id="p")),
        ({"project": {"name": "P", "id": "p", "domain": {"id": "d"}}}, ProjectScope(name="P", domain_id="d")),
        ({"domain": {"id": "d"}}, DomainScope(id="d")),
        ({"domain": {"name": "D"}}, DomainScope(name="D")),
        ({"system": {"all": True}}, SystemScope()),
        ({"OS-TRUST:trust": {"id": "t"}}, TrustScope(id="t")),
        ({"unscoped": {}}, Unscoped()),
        ("unscoped", Unscoped()),
        (None, None),
    ],
)
def test_a_scope_is_what_the_token_is_for(scope: Any, means: Scope):
    assert read_sign_in(password(**({} if scope is None else {"scope": scope}))).scope == means


@pytest.mark.parametrize(
    ("body", "text", "field"),
    [
        (None, "Expecting to find auth in request body.", "auth"),
        ({}, "Expecting to find auth in request body.", "auth"),
        ({"auth": {}}, "'identity' is a required property", ""),
        ({"auth": {"identity": {}}}, "Invalid input for field 'identity': 'methods' is a required property", "identity"),
        ({"auth": {"identity": {"methods": "password"}}}, "is not of type 'array'", "identity/methods"),
        ({"auth": {"identity": {"methods": ["password"]}}}, "Expecting to find password in identity.", "password"),
        ({"auth": {"identity": {"methods": ["token"], "token": {}}}}, "'id' is a required property", "identity/token"),
        ({"auth": {"identity": {"methods": ["password"], "password": {}}}}, "Expecting to find user in password.", "user"),
        (password({"password": "x"}), "id or name must be present.", "identity/password/user"),
        (password({"name": "n"}), "Expecting to find domain in user.", "domain"),
        (password({"name": "n", "domain": {}}), "id or name must be present.", "identity/password/user/domain"),
        (password({"id": 5}), "Invalid input for field 'identity/password/user/id'", "identity/password/user/id"),
        (password(scope={}), "Expecting to find system, project, domain, OS-TRUST:trust or unscoped in scope.", "system"),
        (password(scope="project"), "Expecting to find system, project,", "system"),
        (password(scope={"project": {"id": "p"}, "domain": {"id": "d"}}), "Expecting to find system, project,", "system"),
        (password(scope={"project": {}}), "Invalid input for field scope/project: id or name", "scope/project"),
        (password(scope={"project": {"name": "p"}}), "Expecting to find domain in project.", "domain"),
        (password(scope={"domain": {}}), "Invalid input for field scope/domain: id or name", "scope/domain"),
        (password(scope={"OS-TRUST:trust": {}}), "Expecting to find trust_id in trust.", "trust_id"),
        (credential(secret="x"), "Expecting to find name or ID in application credential.", "name or ID"),
        (credential(name="c"), "Expecting to find user in application credential.", "user"),
    ],
)  # fmt: skip
def test_a_bad_body_is_refused_with_what_keystone_says_and_the_field(body, text, field):
    with pytest.raises(ValidationError) as refused:
        read_sign_in(body)
    assert text in str(refused.value)
    assert refused.value.field.startswith(field)
    assert (refused.value.status, refused.value.title) == (400, "Bad Request")


@pytest.mark.parametrize("methods", [[], ["totp"], ["password", "token"]])
def test_a_method_that_there_is_not_is_refused(methods):
    body = {"auth": {"identity": {"methods": methods, **{method: {"id": "x"} for method in methods}}}}
    with pytest.raises(Unauthorized, match="Attempted to authenticate with an unsupported method"):
        read_sign_in(body)


@pytest.mark.parametrize(
    "body", [password(["hush"]), password({"password": ["hush"]}), password("hush"), credential(secret=["hush"])]
)
def test_no_error_shows_a_secret(body):
    with pytest.raises(ValidationError) as refused:
        read_sign_in(body)
    assert "hush" not in str(refused.value)
    assert "hush" not in repr(read_sign_in(password()))


NAMES = st.sampled_from([
    "auth", "identity", "methods", "password", "token", APPLICATION, "user", "domain", "id", "name", "secret", "scope",
    "project", "system", "unscoped", "OS-TRUST:trust",
])  # fmt: skip
JSON = st.recursive(
    st.sampled_from(["", "x", "unscoped", "password", "token", APPLICATION, None, 0, True, 0.5]) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


def _tables(body: Any) -> list[dict[str, Any]]:
    """Every object in a body."""
    mine = [body] if isinstance(body, dict) else []
    return mine + [table for part in (body.values() if mine else ()) for table in _tables(part)]


@st.composite
def mutants(draw: st.DrawFn) -> Any:
    """A good body with a few things dropped, replaced or added, at any depth."""
    body = copy.deepcopy(draw(st.sampled_from([*RECORDED, password(), credential(name="c", user=USER)])))
    for _ in range(draw(st.integers(1, 3))):
        table = draw(st.sampled_from(_tables(body)))
        name = draw(st.sampled_from(list(table)) | NAMES) if table else draw(NAMES)
        if name in table and len(body) > 1 and draw(st.booleans()):
            del table[name]
        else:
            table[name] = draw(JSON)
    return body


@given(mutants() | JSON)
def test_whatever_comes_is_a_message_or_is_refused_and_left_as_it_was(body):
    before = copy.deepcopy(body)
    with suppress(ValidationError, Unauthorized):
        assert isinstance(read_sign_in(body), Authenticate)
    assert body == before


def by_names(domain: str, scope_domain: str) -> dict[str, Any]:
    """A body that signs in as the clients do, with the names of domains."""
    scope = {"project": {"name": "demo", "domain": {"name": scope_domain}}}
    return password({"name": "demo", "password": "demo-secret", "domain": {"name": domain}}, scope=scope)


def test_keystone_finds_domains_by_name():
    async def story(town: Town):
        issued = await town.ask(read_sign_in(by_names("Default", "Default")), None)
        assert (issued.token.user.id, issued.token.project and issued.token.project.id) == ("demo", "demo")

    play(story)


@pytest.mark.parametrize("domains", [("Default", "none"), ("none", "Default")])
def test_a_domain_of_a_name_that_there_is_not_lets_nobody_in(domains):
    async def story(town: Town):
        with pytest.raises(Unauthorized):
            await town.ask(read_sign_in(by_names(*domains)), None)

    play(story)
