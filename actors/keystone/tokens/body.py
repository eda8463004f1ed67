"""A token's claims as the JSON body that Keystone answers beside the token, and back.

`common/render_token.py` of keystone says where each claim stands; `PATHS` is that as a table. Names, roles and the
catalog are no claims: whoever has them merges them into what `render` returns. Tokens that are stored or signed as a
whole (UUID, PKI, PKIZ) are such bodies, so their claims are read from there.
"""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from actors.keystone.tokens.claims import TokenClaims
from actors.keystone.tokens.errors import ClaimsInexpressible, PayloadMalformed
from actors.keystone.tokens.lifetime import whole_second

PATHS: Final = {
    "user_id": ("user", "id"),
    "methods": ("methods",),
    "audit_ids": ("audit_ids",),
    "issued_at": ("issued_at",),
    "expires_at": ("expires_at",),
    "system": ("system", "all"),
    "domain_id": ("domain", "id"),
    "project_id": ("project", "id"),
    "trust_id": ("OS-TRUST:trust", "id"),
    "federated_group_ids": ("user", "OS-FEDERATION", "groups"),
    "identity_provider_id": ("user", "OS-FEDERATION", "identity_provider", "id"),
    "protocol_id": ("user", "OS-FEDERATION", "protocol", "id"),
    "access_token_id": ("OS-OAUTH1", "access_token_id"),
    "app_cred_id": ("application_credential", "id"),
    "thumbprint": ("oauth2_credential", "x5t#S256"),
}
"""Where in `token` each claim stands."""
_TRUSTEE: Final = ("OS-TRUST:trust", "trustee_user", "id")


def format_time(seconds: float) -> str:
    """Write an instant as Keystone does: in UTC, its six digits after the second always zero.

    Args:
        seconds: Since the epoch.

    Raises:
        ClaimsInexpressible: It is beyond the years 1 to 9999.
    """
    try:
        instant = datetime.fromtimestamp(whole_second(seconds), UTC)
    except (ValueError, OverflowError) as error:
        raise ClaimsInexpressible(f"no date is {seconds} seconds since the epoch: {error}") from error
    return instant.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_time(text: str) -> int:
    """Read an instant, in whole seconds since the epoch; without a zone it is UTC.

    Raises:
        ValueError: It is no ISO 8601.
    """
    instant = datetime.fromisoformat(text)
    return math.floor((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp())


def render(claims: TokenClaims) -> dict[str, Any]:
    """Return the body with all claims that are made, ready for names, roles and catalog to be merged in."""
    token: dict[str, Any] = {}
    for claim, path in PATHS.items():
        value = getattr(claims, claim)
        if value is None:
            continue
        place = token
        for step in path[:-1]:
            place = place.setdefault(step, {})
        convert = _TO_JSON.get(claim)
        place[path[-1]] = convert(value) if convert else value
    return {"token": token}


def read(body: str | bytes) -> TokenClaims:
    """Read the claims from the JSON text of a body.

    Raises:
        PayloadMalformed: It is not JSON, or not the body of a token.
    """
    try:
        token = json.loads(body)["token"]
        found = {claim: _find(token, path) for claim, path in PATHS.items()}
        found["user_id"] = _find(token, _TRUSTEE) or found["user_id"]  # the body may name the impersonated trustor
        values: dict[str, Any] = {
            claim: _FROM_JSON.get(claim, text)(value) for claim, value in found.items() if value is not None
        }
        return TokenClaims(**values)
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
        raise PayloadMalformed(
            f"{len(body)} bytes were kept or signed as a token, but are not the JSON body of one: {error}"
        ) from error


def text(value: Any) -> str:
    """Return *value* if it is text, or raise TypeError."""
    if not isinstance(value, str):
        raise TypeError(f"text is needed, not {type(value).__name__}")
    return value


def texts(value: Any) -> tuple[str, ...]:
    """Return a list of texts, or raise TypeError."""
    if isinstance(value, str):
        raise TypeError("a list of texts is needed, not a text")
    return tuple(text(item) for item in value)


def audit_ids(value: Any) -> tuple[str, ...]:
    """Return a list of audit ids, or raise TypeError, or ValueError if there is none."""
    if not value:
        raise ValueError("a token needs an audit id")
    return texts(value)


def group_ids(value: Any) -> tuple[str, ...]:
    """Return the ids of groups from `[{"id": ...}]`, or raise TypeError or LookupError."""
    return tuple(text(group["id"]) for group in value)


_TO_JSON: Final[dict[str, Callable[[Any], object]]] = {
    "methods": list,
    "audit_ids": list,
    "issued_at": format_time,
    "expires_at": format_time,
    "system": bool,
    "federated_group_ids": lambda groups: [{"id": group} for group in groups],
}
_FROM_JSON: Final[dict[str, Callable[[Any], object]]] = {
    "methods": texts,
    "audit_ids": audit_ids,
    "issued_at": parse_time,
    "expires_at": parse_time,
    "system": lambda is_all: "all" if is_all else None,
    "federated_group_ids": group_ids,
}


def _find(token: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        if step not in token:
            return None
        token = token[step]
    return token
