"""Signing in: who is it, and what is the new token to be good for."""

from typing import Any, NoReturn

import attrs

from actors.errors import Forbidden, NotFound, Unauthorized
from actors.ids import DomainId, UserId
from actors.keystone.config import KeystoneConfig
from actors.keystone.errors import TokenInvalid
from actors.keystone.messages import Authenticate
from actors.keystone.models import (
    ApplicationCredential,
    Domain,
    DomainScope,
    Project,
    ProjectScope,
    Scope,
    SystemScope,
    TrustId,
    TrustScope,
    Unscoped,
    User,
)  # fmt: skip
from actors.keystone.store import Store
from actors.keystone.tokens.claims import TokenClaims
from actors.keystone.tokens.lifetime import expiry
from actors.keystone.trusts import usable
from actors.keystone.validation import Minted, describe

PRIMARY_METHODS = frozenset({"external", "kerberos", "mapped", "openid", "password", "saml2", "token", "totp", "x509"})
"""Methods by which users themselves sign in; whoever used another has only a part of the user's rights (keystone's
`api/_shared/delegation.py`)."""


@attrs.frozen(kw_only=True)
class Identity:
    """Who signs in.

    Attributes:
        user: the user.
        methods: how they proved it, with the methods of the token that they exchanged.
        source: what the exchanged token says.
        credential: the application credential that they used.
    """

    user: User
    methods: tuple[str, ...]
    source: TokenClaims | None = None
    credential: ApplicationCredential | None = None


def is_delegated(claims: TokenClaims) -> bool:
    """Whether a token was made with something that has only a part of its user's rights; one without methods may be."""
    return not claims.methods or not PRIMARY_METHODS.issuperset(claims.methods)


def identify_by_password(store: Store, request: Authenticate) -> Identity:
    """Find the user and check the password.

    Raises:
        Unauthorized: if there is no such user, the password is wrong, or the user or the user's domain is disabled. All look
            alike from outside.
    """
    user = _find_user(store, request)
    fits = store.has_password("" if user is None else user.id, request.password or "")
    return Identity(user=_enabled(store, user if fits else None), methods=("password",))


def identify_by_application_credential(store: Store, request: Authenticate, now: float) -> Identity:
    """Find the application credential, by id or by its user and name, and check the secret.

    Raises:
        NotFound: if there is none of this id, as Keystone tells.
        Unauthorized: if there is none of this name, the secret is wrong, it has expired (which it does *at* its
            `expires_at`), or a scope was asked for.
    """
    if request.scope is not None:
        raise Unauthorized("Error authenticating with application credential: it cannot request a scope.")
    credential = _find_credential(store, request)
    fits = store.has_password(credential.id, request.application_credential_secret or "")
    if not fits or (credential.expires_at is not None and now >= credential.expires_at):
        _refuse()
    user = _enabled(store, store.users.get(credential.user_id))
    return Identity(user=user, methods=("application_credential",), credential=credential)


def identify_by_token(store: Store, claims: TokenClaims, scope: Scope, *, may_rescope: bool) -> Identity:
    """Take a valid token for proof, as keystone's `auth/plugins/token.py` does; a federated one is not asked what it is for.

    Raises:
        Forbidden: if this token may not be exchanged.
    """
    methods = ("token", *(method for method in claims.methods if method != "token"))
    identity = Identity(user=_enabled(store, store.users.get(UserId(claims.user_id))), methods=methods, source=claims)
    if claims.is_federated:
        return identity
    if claims.access_token_id is not None or claims.trust_id is not None:
        raise Forbidden("Using a trust- or OAuth-scoped token to create another token is not allowed: sign in again.")
    if claims.system is not None and isinstance(scope, ProjectScope | DomainScope):
        raise Forbidden("Using a system-scoped token to create a project-scoped or domain-scoped token is not allowed.")
    if is_delegated(claims):
        raise Forbidden("Using a delegated token to create another token is not allowed: sign in again.")
    if not may_rescope and (claims.project_id or claims.domain_id or claims.system):
        raise Forbidden("rescope a scoped token")
    return identity


def mint(
    store: Store, config: KeystoneConfig, identity: Identity, scope: Scope, *, audit_id: str, now: float
) -> Minted:
    """Say what the new token is to say, once everything was found that it refers to.

    Raises:
        Unauthorized: if the scope does not exist or is disabled, or the user has no role in it.
        NotFound: if the project of an application credential is gone or disabled, as Keystone tells.
        Forbidden: if a trust is not the user's, or its trustor may not delegate any more.
    """
    source, credential = identity.source, identity.credential
    try:
        asked = _scope_claims(store, identity, scope, now) | _inherited_claims(identity)
        trust = store.trusts.get(TrustId(asked.get("trust_id", "")))
        caps = [cap.expires_at for cap in (source, credential, trust) if cap is not None]
        claims = TokenClaims(
            user_id=identity.user.id,
            methods=identity.methods,
            audit_ids=_audit_ids(source, audit_id),
            issued_at=now,
            expires_at=expiry(now, config.expiration, caps=tuple(caps)),
            **asked,
        )
        return Minted(claims, describe(store, claims, now))
    except NotFound as error:
        if credential is not None and not isinstance(error, TokenInvalid):
            raise
        _refuse()


def _audit_ids(source: TokenClaims | None, own: str) -> tuple[str, ...]:
    """A federated token begins a new chain whenever it is exchanged (keystone's `auth/plugins/mapped.py`)."""
    return (own,) if source is None or source.is_federated else source.child_audit_ids(own)


def _inherited_claims(identity: Identity) -> dict[str, Any]:
    """What the new token takes over from the way in which its user signed in."""
    source, credential = identity.source, identity.credential
    if credential is not None:
        return {"app_cred_id": credential.id, "project_id": credential.project_id}
    if source is None or not source.is_federated:
        return {}
    return {name: getattr(source, name) for name in ("federated_group_ids", "identity_provider_id", "protocol_id")}


def _scope_claims(store: Store, identity: Identity, scope: Scope, now: float) -> dict[str, Any]:
    match scope:
        case ProjectScope():
            domain_id = _domain_id(store, scope.domain_id, scope.domain_name)
            return {"project_id": scope.id or _id_of(store.named(store.projects.values(), scope.name, domain_id))}
        case DomainScope():
            return {"domain_id": scope.id or _id_of(store.named(store.domains.values(), scope.name, None))}
        case SystemScope():
            return {"system": "all"}
        case TrustScope():
            trust = usable(store, scope.id, now)
            return {"trust_id": trust.id, "project_id": trust.project_id}
        case Unscoped():
            return {}
        case None:
            return {} if _inherited_claims(identity) else _default_scope(store, identity)


def _default_scope(store: Store, identity: Identity) -> dict[str, Any]:
    """The user's default project, if it can be had; a token of nothing otherwise."""
    project_id = identity.user.default_project_id
    project = None if project_id is None else store.projects.get(project_id)
    if project is None or not project.enabled or not store.domains[project.domain_id].enabled:
        return {}
    return {"project_id": project.id} if store.roles_on(identity.user.id, project.id) else {}


def _id_of(row: Domain | Project | None) -> str:
    return _refuse() if row is None else row.id


def _find_user(store: Store, request: Authenticate) -> User | None:
    if request.user_id is not None:
        return store.users.get(request.user_id)
    domain_id = _domain_id(store, request.user_domain_id, request.user_domain_name)
    return store.named(store.users.values(), request.user_name, domain_id)


def _domain_id(store: Store, domain_id: DomainId | None, name: str | None) -> DomainId | None:
    """The id of a domain that is given by either; None, which nothing is in, if there is none of this name."""
    named = None if name is None else store.named(store.domains.values(), name, None)
    return domain_id if named is None else named.id


def _find_credential(store: Store, request: Authenticate) -> ApplicationCredential:
    if (credential_id := request.application_credential_id) is not None:
        if credential_id not in store.application_credentials:
            raise NotFound(f"Could not find Application Credential: {credential_id}.")
        return store.application_credentials[credential_id]
    user = _find_user(store, request)
    wanted = None if user is None else (user.id, request.application_credential_name)
    rows = store.application_credentials.values()
    found = next((row for row in rows if (row.user_id, row.name) == wanted), None)
    return _refuse() if found is None else found


def _enabled(store: Store, user: User | None) -> User:
    return _refuse() if user is None or not user.enabled or not store.domains[user.domain_id].enabled else user


def _refuse() -> NoReturn:
    raise Unauthorized("The request you have made requires authentication.")
