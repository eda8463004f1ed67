"""A token as the JSON body of Keystone's API (keystone's `common/render_token.py`).

The claims are written by `tokens.body`; what is looked up and no claim is added here: names, roles and the catalog. Tokens that are
stored or signed as a whole carry this text.
"""

import json
from collections.abc import Iterable
from typing import Any

from actors.keystone.models import Domain, Endpoint, Token, TokenApplicationCredential, TokenTrust
from actors.keystone.tokens.body import render as render_claims
from actors.keystone.tokens.claims import TokenClaims


def render(token: Token, claims: TokenClaims) -> str:
    """Write the body of *token*, which was made of *claims*."""
    body = render_claims(claims)
    said: dict[str, Any] = body["token"]
    said["user"] |= _owned(token.user.id, token.user.name, token.user_domain)
    if token.project is not None and token.project_domain is not None:
        said["project"] = _owned(token.project.id, token.project.name, token.project_domain)
        if token.trust is None:
            said["is_domain"] = False
    if token.domain is not None:
        said["domain"] = _named(token.domain.id, token.domain.name)
    if token.roles:
        said["roles"] = [_named(role.id, role.name) for role in token.roles]
        said["catalog"] = _catalog(token.catalog)
    if token.trust is not None:
        said["OS-TRUST:trust"] = _trust(token.trust)
    if token.application_credential is not None:
        said["application_credential"] = _credential(token.application_credential)
    return json.dumps(body)


def _named(id: str, name: str) -> dict[str, Any]:
    return {"id": id, "name": name}


def _owned(id: str, name: str, domain: Domain) -> dict[str, Any]:
    return _named(id, name) | {"domain": _named(domain.id, domain.name)}


def _trust(trust: TokenTrust) -> dict[str, Any]:
    return {
        "id": trust.id,
        "trustor_user": {"id": trust.trustor_user_id},
        "trustee_user": {"id": trust.trustee_user_id},
        "impersonation": trust.impersonation,
    }


def _credential(credential: TokenApplicationCredential) -> dict[str, Any]:
    return _named(credential.id, credential.name) | {"restricted": credential.restricted}


def _catalog(endpoints: Iterable[Endpoint]) -> list[dict[str, Any]]:
    services: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    for endpoint in endpoints:
        service = (endpoint.service_id, endpoint.service_type, endpoint.service_name)
        services.setdefault(service, []).append(
            {
                "id": endpoint.id,
                "interface": endpoint.interface,
                "region": endpoint.region,
                "region_id": endpoint.region,
                "url": endpoint.topic,
            }
        )
    return [
        _named(service_id, name) | {"type": service_type, "endpoints": entries}
        for (service_id, service_type, name), entries in services.items()
    ]
