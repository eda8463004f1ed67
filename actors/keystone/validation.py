"""Judging tokens: what Keystone says of claims, given its database and the time.

Everything but the claims is looked up anew at each judgement, as in keystone's `token/provider.py` and `models/token_model.py`:
a Fernet token carries no roles, so a role that was taken away is missing at once, and a disabled user, project or domain makes
the token void. First comes what the claims refer to (`describe`, keystone's `mint`, also done when a token is made), then the time,
the revocation events and the user (`check`).
"""

from typing import NoReturn

import attrs

from actors.errors import Forbidden, NotFound
from actors.ids import DomainId, ProjectId, UserId
from actors.keystone.errors import TokenInvalid, UserDisabled
from actors.keystone.models import (
    ApplicationCredential,
    ApplicationCredentialId,
    Domain,
    Project,
    Role,
    Token,
    TokenApplicationCredential,
    TokenTrust,
    Trust,
    TrustId,
    User,
)  # fmt: skip
from actors.keystone.store import SYSTEM, Store
from actors.keystone.tokens.claims import Scope, TokenClaims
from actors.keystone.tokens.lifetime import is_alive
from actors.keystone.tokens.revocation import RevocableToken
from actors.keystone.trusts import delegated_roles, usable


@attrs.frozen
class Minted:
    """A token that was read and described, but not yet checked."""

    claims: TokenClaims
    token: Token


def check(store: Store, minted: Minted, now: float, window: float = 0) -> Token:
    """Say what a token is good for.

    Args:
        store: the database.
        minted: the token.
        now: seconds since 1970 by Keystone's clock.
        window: seconds for which an expired token still counts.

    Raises:
        TokenInvalid: if it is expired or revoked, or its user is disabled.
        NotFound: if its user or its application credential is gone.
    """
    claims, token = minted.claims, minted.token
    if not is_alive(claims, now, window):
        _invalid()
    user = _user(store, UserId(claims.user_id))
    if store.revocations.hits(
        RevocableToken(
            claims=claims,
            identity_domain_id=user.domain_id,
            role_ids=frozenset(role.id for role in token.roles),
            trustor_id=None if token.trust is None else token.trust.trustor_user_id,
            trustee_id=None if token.trust is None else token.trust.trustee_user_id,
        )
    ):
        _invalid()
    if not user.enabled:
        raise UserDisabled("Failed to validate token")
    if claims.app_cred_id is not None:
        _credential(store, claims.app_cred_id)
    return token


def describe(store: Store, claims: TokenClaims, now: float) -> Token:
    """Look up what the claims refer to.

    Raises:
        NotFound: if something is not there any more, or is disabled.
        TokenInvalid: if the user has no role (any more) in what the token is for.
        Forbidden: if the trust is not the user's, or the trustor may not delegate any more.
    """
    user, project, domain = _user(store, UserId(claims.user_id)), None, None
    if claims.project_id is not None:
        project = _enabled_project(store, ProjectId(claims.project_id))
    trust = None if claims.trust_id is None else _trust(store, claims.trust_id, user, now)
    _enabled_domain(store, user.domain_id)
    if claims.scope is Scope.DOMAIN and claims.domain_id is not None:
        domain = _enabled_domain(store, DomainId(claims.domain_id))
    credential = None if claims.app_cred_id is None else _credential(store, claims.app_cred_id)
    roles = _roles(store, claims, trust, credential, now)
    shown = user if trust is None or not trust.impersonation else _user(store, trust.trustor_user_id)
    return Token(
        user=shown,
        user_domain=store.domains[shown.domain_id],
        methods=claims.methods,
        audit_ids=claims.audit_ids,
        issued_at=claims.issued_at // 1,
        expires_at=claims.expires_at // 1,
        project=project,
        project_domain=None if project is None else store.domains[project.domain_id],
        domain=domain,
        system=claims.system,
        roles=roles,
        catalog=tuple(store.endpoints) if roles else (),
        trust=None if trust is None else _shown_trust(trust),
        application_credential=None if credential is None else _shown_credential(credential),
    )


def _shown_trust(trust: Trust) -> TokenTrust:
    return TokenTrust(
        id=trust.id,
        trustor_user_id=trust.trustor_user_id,
        trustee_user_id=trust.trustee_user_id,
        impersonation=trust.impersonation,
    )


def _shown_credential(credential: ApplicationCredential) -> TokenApplicationCredential:
    return TokenApplicationCredential(id=credential.id, name=credential.name, restricted=not credential.unrestricted)


def _roles(
    store: Store, claims: TokenClaims, trust: Trust | None, credential: ApplicationCredential | None, now: float
) -> tuple[Role, ...]:
    if trust is not None:
        return delegated_roles(store, trust, now)
    target = claims.project_id or claims.domain_id or (claims.system and SYSTEM)
    if target is None:
        return ()
    roles = store.roles_on(UserId(claims.user_id), target)
    if credential is not None:
        roles = tuple(role for role in roles if role.id in credential.roles)
    if not roles:
        raise TokenInvalid(f"Could not find token: user {claims.user_id} has no access to {target}.")
    return roles


def _trust(store: Store, trust_id: str, user: User, now: float) -> Trust:
    trust = usable(store, TrustId(trust_id), now)
    if user.id != trust.trustee_user_id:
        raise Forbidden("User is not a trustee.")
    trustor = _user(store, trust.trustor_user_id)
    for agent in (trustor, user):
        if not store.domains[agent.domain_id].enabled:
            raise TokenInvalid(f"Could not find token: the domain of user {agent.id} is disabled.")
    if not trustor.enabled:
        raise Forbidden("Trustor is disabled.")
    return trust


def _user(store: Store, user_id: UserId) -> User:
    user = store.users.get(user_id)
    if user is None:
        raise NotFound(f"Could not find user: {user_id}.")
    return user


def _credential(store: Store, credential_id: str) -> ApplicationCredential:
    credential = store.application_credentials.get(ApplicationCredentialId(credential_id))
    if credential is None:
        raise NotFound(f"Could not find Application Credential: {credential_id}.")
    return credential


def _enabled_project(store: Store, project_id: ProjectId) -> Project:
    project = store.projects.get(project_id)
    if project is None or not project.enabled:
        raise NotFound(f"Could not find project: {project_id}.")
    _enabled_domain(store, project.domain_id)
    return project


def _enabled_domain(store: Store, domain_id: DomainId) -> Domain:
    domain = store.domains.get(domain_id)
    if domain is None or not domain.enabled:
        raise NotFound(f"Could not find domain: {domain_id}.")
    return domain


def _invalid() -> NoReturn:
    raise TokenInvalid("Failed to validate token")
