"""The JSON body of a token, which a PKI token carries, read into what Keystone would answer about that token.

The other way is `actors.keystone.rendering`. What no body says of users and projects, such as a description, is left as it is by
default.
"""

import json
from typing import Any

from actors.ids import UserId
from actors.keystone.models import (
    Domain,
    Endpoint,
    Project,
    Role,
    Token,
    TokenApplicationCredential,
    TokenTrust,
    TrustId,
    User,
)
from actors.keystone.tokens.body import audit_ids, parse_time, text, texts
from actors.keystone.tokens.errors import PayloadMalformed


def read_token(body: str) -> Token:
    """Read a body as keystone's `common/render_token.py` renders it.

    Raises:
        PayloadMalformed: if it is not JSON, or not the body of a token.
    """
    try:
        token = json.loads(body)["token"]
        user_domain = _domain(token["user"]["domain"])
        project_domain = _domain(token["project"]["domain"]) if "project" in token else None
        return Token(
            user=User(domain_id=user_domain.id, **_named(token["user"])),
            user_domain=user_domain,
            methods=texts(token["methods"]),
            audit_ids=audit_ids(token["audit_ids"]),
            issued_at=parse_time(token["issued_at"]),
            expires_at=parse_time(token["expires_at"]),
            project=None
            if project_domain is None
            else Project(domain_id=project_domain.id, **_named(token["project"])),
            project_domain=project_domain,
            domain=_domain(token["domain"]) if "domain" in token else None,
            system="all" if token.get("system", {}).get("all") else None,
            roles=tuple(Role(**_named(role)) for role in token.get("roles", ())),
            catalog=tuple(
                _endpoint(service, entry) for service in token.get("catalog", ()) for entry in service["endpoints"]
            ),
            trust=_trust(token["OS-TRUST:trust"]) if "OS-TRUST:trust" in token else None,
            application_credential=(
                _credential(token["application_credential"]) if "application_credential" in token else None
            ),
        )
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        raise PayloadMalformed(f"{len(body)} signed characters are not the JSON body of a token: {error}") from error


def _named(said: Any) -> dict[str, Any]:
    return {"id": text(said["id"]), "name": text(said["name"])}


def _domain(said: Any) -> Domain:
    return Domain(**_named(said))


def _endpoint(service: Any, said: Any) -> Endpoint:
    return Endpoint(
        service_id=text(service["id"]),
        service_type=text(service["type"]),
        service_name=text(service["name"]),
        id=text(said["id"]),
        interface=text(said["interface"]),
        region=text(said["region"]),
        topic=text(said["url"]),
    )


def _trust(said: Any) -> TokenTrust:
    return TokenTrust(
        id=TrustId(text(said["id"])),
        trustor_user_id=UserId(text(said["trustor_user"]["id"])),
        trustee_user_id=UserId(text(said["trustee_user"]["id"])),
        impersonation=bool(said["impersonation"]),
    )


def _credential(said: Any) -> TokenApplicationCredential:
    return TokenApplicationCredential(restricted=bool(said["restricted"]), **_named(said))
