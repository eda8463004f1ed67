"""Judging tokens: what Keystone says of claims, given its database and the time.

Everything but the claims is looked up anew at each judgement, as in keystone's `token/provider.py`: a Fernet token carries no
roles, so a role that was taken away is missing at once, and a disabled user, project or domain makes the token void.
"""

from typing import NoReturn

from actors.errors import NotFound
from actors.ids import DomainId, ProjectId, UserId
from actors.keystone.errors import TokenInvalid
from actors.keystone.models import Domain, Project, Role, Token, User
from actors.keystone.store import SYSTEM, Store
from actors.keystone.tokens.claims import TokenClaims
from actors.keystone.tokens.lifetime import is_alive
from actors.keystone.tokens.revocation import RevocableToken


def judge(store: Store, claims: TokenClaims, now: float, window: float = 0) -> Token:
    """Say what a token is good for.

    Args:
        store: the database.
        claims: what the token says.
        now: seconds since 1970 by Keystone's clock.
        window: seconds for which an expired token still counts.

    Raises:
        TokenInvalid: if it is expired or revoked, or its user is disabled.
        NotFound: if its user, project, domain or roles are not there any more.
    """
    if not is_alive(claims, now, window):
        _invalid()
    token = describe(store, claims)
    if store.revocations.hits(
        RevocableToken(
            claims=claims,
            identity_domain_id=token.user.domain_id,
            role_ids=frozenset(role.id for role in token.roles),
        )
    ):
        _invalid()
    return token


def describe(store: Store, claims: TokenClaims) -> Token:
    """Look up what the claims refer to.

    Raises:
        NotFound: if something is not there any more, or is disabled.
    """
    user = store.users.get(UserId(claims.user_id))
    if user is None:
        raise NotFound(f"Could not find user: {claims.user_id}.")
    user_domain = _enabled_domain(store, user.domain_id)
    if not user.enabled:
        _invalid()
    project, project_domain, domain = None, None, None
    if claims.project_id is not None:
        project = store.projects.get(ProjectId(claims.project_id))
        if project is None or not project.enabled:
            raise NotFound(f"Could not find project: {claims.project_id}.")
        project_domain = _enabled_domain(store, project.domain_id)
    elif claims.domain_id is not None:
        domain = _enabled_domain(store, DomainId(claims.domain_id))
    roles = _roles(store, user, project, domain, claims.system)
    return Token(
        user=user,
        user_domain=user_domain,
        methods=claims.methods,
        audit_ids=claims.audit_ids,
        issued_at=claims.issued_at // 1,
        expires_at=claims.expires_at // 1,
        project=project,
        project_domain=project_domain,
        domain=domain,
        system=claims.system,
        roles=roles,
        catalog=tuple(store.endpoints) if roles else (),
    )


def _roles(
    store: Store, user: User, project: Project | None, domain: Domain | None, system: str | None
) -> tuple[Role, ...]:
    target = project.id if project else domain.id if domain else SYSTEM if system else None
    if target is None:
        return ()
    roles = store.roles_on(user.id, target)
    if not roles:
        raise NotFound(f"User {user.id} has no access to {target}.")
    return roles


def _enabled_domain(store: Store, domain_id: DomainId) -> Domain:
    domain = store.domains.get(domain_id)
    if domain is None or not domain.enabled:
        raise NotFound(f"Could not find domain: {domain_id}.")
    return domain


def _invalid() -> NoReturn:
    raise TokenInvalid("Failed to validate token")
