"""Signing in: who is it, and what is the new token to be good for."""

from typing import NoReturn

import attrs

from actors.errors import Forbidden, NotFound, Unauthorized
from actors.ids import DomainId
from actors.keystone.messages import Authenticate
from actors.keystone.models import DomainScope, ProjectScope, Scope, SystemScope, User
from actors.keystone.store import Store
from actors.keystone.tokens.claims import TokenClaims
from actors.keystone.validation import describe


@attrs.frozen(kw_only=True)
class Identity:
    """Who signs in.

    Attributes:
        user: the user.
        methods: how they proved it, with the methods of the token that they exchanged.
        source: what the exchanged token says; None for a password.
    """

    user: User
    methods: tuple[str, ...]
    source: TokenClaims | None = None


def identify_by_password(store: Store, request: Authenticate) -> Identity:
    """Find the user and check the password.

    Raises:
        Unauthorized: if there is no such user, the password is wrong, or the user or the user's domain is disabled. All look
            alike from outside.
    """
    user = None
    if request.user_id is not None:
        user = store.users.get(request.user_id)
    elif request.user_name is not None:
        user = store.named(store.users.values(), request.user_name, request.user_domain_id)
    fits = store.has_password("" if user is None else user.id, request.password or "")
    if user is None or not fits or not user.enabled or not store.domains[user.domain_id].enabled:
        _refuse()
    return Identity(user=user, methods=("password",))


def identify_by_token(store: Store, claims: TokenClaims, *, may_rescope: bool) -> Identity:
    """Take a valid token for proof, as keystone's `auth/plugins/token.py` does.

    Raises:
        Forbidden: if this token may not be exchanged.
    """
    if claims.trust_id is not None or claims.access_token_id is not None or claims.app_cred_id is not None:
        raise Forbidden("Rescoping a delegated token is not allowed: sign in again.")
    if not may_rescope and (claims.project_id or claims.domain_id or claims.system):
        raise Forbidden("rescope a scoped token")
    user = next(user for user in store.users.values() if user.id == claims.user_id)
    methods = ("token", *(method for method in claims.methods if method != "token"))
    return Identity(user=user, methods=methods, source=claims)


def claims_for(
    store: Store, identity: Identity, scope: Scope, *, audit_id: str, issued_at: float, expires_at: float
) -> TokenClaims:
    """Say what the new token is to say, once everything was found that it refers to.

    Raises:
        Unauthorized: if the scope does not exist or is disabled, or the user has no role in it.
    """
    source = identity.source
    if isinstance(scope, ProjectScope | DomainScope) and source is not None and source.system is not None:
        raise Forbidden("A system-scoped token cannot be exchanged for one of a project or a domain.")
    claims = TokenClaims(
        user_id=identity.user.id,
        methods=identity.methods,
        audit_ids=(audit_id,) if source is None else source.child_audit_ids(audit_id),
        issued_at=issued_at,
        expires_at=expires_at,
        project_id=_project_id(store, scope) if isinstance(scope, ProjectScope) else None,
        domain_id=_domain_id(store, scope) if isinstance(scope, DomainScope) else None,
        system="all" if isinstance(scope, SystemScope) else None,
    )
    try:
        describe(store, claims)
    except NotFound:
        _refuse()
    return claims


def _project_id(store: Store, scope: ProjectScope) -> str:
    if scope.id is not None:
        return scope.id
    project = store.named(store.projects.values(), scope.name, scope.domain_id)
    return _refuse() if project is None else project.id


def _domain_id(store: Store, scope: DomainScope) -> DomainId:
    if scope.id is not None:
        return scope.id
    found = next((domain.id for domain in store.domains.values() if domain.name == scope.name), None)
    return _refuse() if found is None else found


def _refuse() -> NoReturn:
    raise Unauthorized("The request you have made requires authentication.")
