"""The body of `POST /v3/auth/tokens` as clients send it, and the message that it becomes.

As keystone's `auth/schema.py` and `auth/core.py`: a name counts more than an id; what the schema does not name may be there too.
One method at a time: keystone can ask for several, as for a password and a one-time code. No error shows a value, for it may be
a secret. (Keystone's do.)
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from jsonschema import Draft202012Validator

from actors.errors import Unauthorized
from actors.ids import DomainId, ProjectId, UserId
from actors.keystone.errors import ValidationError
from actors.keystone.messages import Authenticate
from actors.keystone.models import (
    ApplicationCredentialId,
    DomainScope,
    ProjectScope,
    Scope,
    SystemScope,
    TrustId,
    TrustScope,
    Unscoped,
)  # fmt: skip

Fields = Mapping[str, Any]

_TEXT: Final = {"type": "string"}


def _table(*texts: str, **others: object) -> dict[str, object]:
    return {"type": "object", "properties": dict.fromkeys(texts, _TEXT) | others}


_DOMAIN: Final = _table("id", "name")
_USER: Final = _table("id", "name", "password", domain=_DOMAIN)
_IDENTITY: Final = _table(
    methods={"type": "array", "items": _TEXT},
    password=_table(user=_USER),
    token=_table("id") | {"required": ["id"]},
    application_credential=_table("id", "name", "secret", user=_USER),
) | {"required": ["methods"]}
_SCOPES: Final = {
    "project": _table("id", "name", domain=_DOMAIN), "domain": _DOMAIN, "OS-TRUST:trust": _table("id"),
    "system": _table(), "unscoped": {},
}  # fmt: skip
_AUTH: Any = Draft202012Validator(
    _table(identity=_IDENTITY, scope=_table(**_SCOPES) | {"type": ["object", "string"]}) | {"required": ["identity"]}
)
_NAMED: Final = (
    "identity/password/user", "identity/password/user/domain", "identity/application_credential/user",
    "identity/application_credential/user/domain", "scope/project", "scope/project/domain", "scope/domain",
)  # fmt: skip
"""What must have an id or a name, where it is."""


def read_sign_in(body: object) -> Authenticate:
    """How, as whom and for what the parsed body of a request for a token signs in.

    Raises:
        ValidationError: if keystone would refuse the body as such.
        Unauthorized: for a method that there is not.
    """
    auth = cast("Fields", body).get("auth") if isinstance(body, dict) else None
    if auth is None:
        raise _missing("auth", "request body")
    _check(auth)
    identity: Fields = auth["identity"]
    methods = list(dict.fromkeys(identity["methods"]))
    for method in methods:
        if method not in identity:
            raise _missing(method, "identity")
    if len(methods) != 1 or methods[0] not in _METHODS:
        raise Unauthorized("Attempted to authenticate with an unsupported method.")
    return Authenticate(scope=_scope(auth.get("scope")), **_METHODS[methods[0]](identity[methods[0]]))


def _check(auth: Any) -> None:
    violation = next(_AUTH.iter_errors(auth), None)
    if violation is not None:
        path = "/".join(map(str, violation.absolute_path))
        message = violation.message.replace(repr(violation.instance), "the value")
        raise ValidationError(f"Invalid input for field '{path}': {message}" if path else message, path)
    for path in _NAMED:
        found: Any = auth
        for name in path.split("/"):
            found = cast("Fields", found).get(name) if isinstance(found, dict) else None
        if isinstance(found, dict) and not any(cast("Fields", found).get(key) for key in ("id", "name")):
            raise ValidationError(f"Invalid input for field {path}: id or name must be present.", path)


def _missing(attribute: str, target: str) -> ValidationError:
    return ValidationError(
        f"Expecting to find {attribute} in {target}. The server could not comply with the request since it is either malformed "
        "or otherwise incorrect. The client is assumed to be in error.",
        attribute,
    )


def _domain(fields: Fields, target: str) -> tuple[DomainId | None, str | None]:
    """Id or name of the domain that a name is in."""
    if "domain" not in fields:
        raise _missing("domain", target)
    domain: Fields = fields["domain"]
    return (None, domain["name"]) if domain.get("name") else (DomainId(domain.get("id", "")), None)


def _user(fields: Fields) -> dict[str, Any]:
    if not fields.get("name"):
        return {"user_id": UserId(fields.get("id", ""))}
    domain_id, domain_name = _domain(fields, "user")
    return {"user_name": fields["name"], "user_domain_id": domain_id, "user_domain_name": domain_name}


def _password(fields: Fields) -> dict[str, Any]:
    if "user" not in fields:
        raise _missing("user", "password")
    return {**_user(fields["user"]), "password": fields["user"].get("password")}


def _credential(fields: Fields) -> dict[str, Any]:
    secret = {"application_credential_secret": fields.get("secret")}
    if fields.get("id"):
        return {"application_credential_id": ApplicationCredentialId(fields["id"]), **secret}
    for name in ("name", "user"):
        if not fields.get(name):
            raise _missing("name or ID" if name == "name" else name, "application credential")
    return {**_user(fields["user"]), "application_credential_name": fields["name"], **secret}


_METHODS: Final[dict[str, Callable[[Fields], dict[str, Any]]]] = {
    "password": _password,
    "token": lambda fields: {"token": fields["id"]},
    "application_credential": _credential,
}
"""What each method says of who signs in."""


def _scope(scope: str | Fields | None) -> Scope:
    if scope is None:
        return None
    asked = [name for name in _SCOPES if name in scope] if isinstance(scope, dict) else [scope]
    if len(asked) != 1 or asked[0] not in _SCOPES or (asked[0] != "unscoped" and isinstance(scope, str)):
        raise _missing("system, project, domain, OS-TRUST:trust or unscoped", "scope")
    fields: Fields = scope[asked[0]] if isinstance(scope, dict) else {}
    match asked[0]:
        case "project" if fields.get("name"):
            domain_id, domain_name = _domain(fields, "project")
            return ProjectScope(name=fields["name"], domain_id=domain_id, domain_name=domain_name)
        case "project":
            return ProjectScope(id=ProjectId(fields["id"]))
        case "domain":
            return DomainScope(name=fields["name"]) if fields.get("name") else DomainScope(id=DomainId(fields["id"]))
        case "OS-TRUST:trust" if not fields.get("id"):
            raise _missing("trust_id", "trust")
        case "OS-TRUST:trust":
            return TrustScope(id=TrustId(fields["id"]))
        case "system":
            return SystemScope()
        case _:
            return Unscoped()
