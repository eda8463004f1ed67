"""What a token says, whatever its format."""

from enum import StrEnum
from typing import Self

from attrs import evolve, frozen


class Scope(StrEnum):
    """What a token is good for; the words are those of Keystone's `/v3/auth/tokens`."""

    UNSCOPED = "unscoped"
    DOMAIN = "domain"
    PROJECT = "project"
    SYSTEM = "system"
    TRUST = "OS-TRUST:trust"


@frozen(kw_only=True, slots=False)  # without slots it is made twice as fast
class TokenClaims:
    """What a token says, with the names of keystone's `token/token_formatters.py`.

    Times are seconds since the epoch of the cloud's clock. A claim that is not made is None.
    """

    user_id: str
    methods: tuple[str, ...]
    """How the user signed in, such as `password`; the order has no meaning."""
    audit_ids: tuple[str, ...]
    """The token's own audit id and, if it was exchanged for another token, that of the first one of its chain."""
    issued_at: float
    """Seconds since the epoch; every format keeps whole seconds only."""
    expires_at: float
    """Seconds since the epoch from which on the token is expired; read back in whole seconds."""
    system: str | None = None
    """`all`, if the scope is the system."""
    domain_id: str | None = None
    project_id: str | None = None
    trust_id: str | None = None
    federated_group_ids: tuple[str, ...] | None = None
    identity_provider_id: str | None = None
    protocol_id: str | None = None
    access_token_id: str | None = None
    """The OAuth1 access token that was used to sign in."""
    app_cred_id: str | None = None
    """The application credential that was used to sign in."""
    thumbprint: str | None = None
    """SHA-256 of the client certificate that an OAuth2 token is bound to."""

    @property
    def scope(self) -> Scope:
        """What the token is good for. A trust outweighs the project that it is for."""
        if self.trust_id is not None:
            return Scope.TRUST
        if self.project_id is not None:
            return Scope.PROJECT
        if self.domain_id is not None:
            return Scope.DOMAIN
        return Scope.UNSCOPED if self.system is None else Scope.SYSTEM

    @property
    def is_federated(self) -> bool:
        """Whether another identity provider vouched for the user."""
        return self.identity_provider_id is not None and self.protocol_id is not None

    @property
    def audit_id(self) -> str:
        """The token's own audit id."""
        return self.audit_ids[0]

    @property
    def parent_audit_id(self) -> str | None:
        """The audit id of the first token of the chain, or None if this is that token."""
        return self.audit_ids[1] if len(self.audit_ids) > 1 else None

    def child_audit_ids(self, own: str) -> tuple[str, str]:
        """Give the audit ids of a token that is exchanged for this one; the root of the chain stays the root.

        Args:
            own: The new token's audit id.
        """
        return own, self.parent_audit_id or self.audit_id

    def in_whole_seconds(self) -> Self:
        """Cut both times to the second, as every format does when it is read back."""
        return evolve(self, issued_at=self.issued_at // 1, expires_at=self.expires_at // 1)
