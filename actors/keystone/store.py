"""Keystone's database: what all its members share, and what survives each of them."""

import hashlib
import hmac
from collections.abc import Iterable
from random import Random
from typing import NamedTuple, TypeVar

from actors.ids import DomainId, ProjectId, RoleId, UserId
from actors.keystone.models import (
    ApplicationCredential,
    ApplicationCredentialId,
    Domain,
    Endpoint,
    Project,
    Role,
    Trust,
    TrustId,
    User,
)  # fmt: skip
from actors.keystone.tokens.revocation import RevocationList

T = TypeVar("T", Domain, Project, User, Role)


class Grant(NamedTuple):
    """A role of a user on a target: the id of a project or a domain, or ``"system"``."""

    user_id: UserId
    target: str
    role_id: RoleId


SYSTEM = "system"
"""The target of a grant on the whole system."""


class Store:
    """The tables.

    Args:
        password_hash_rounds: rounds of PBKDF2 with SHA-256 for a secret; as `KeystoneConfig` has them.
    """

    def __init__(self, password_hash_rounds: int = 100) -> None:
        self.domains: dict[DomainId, Domain] = {}
        self.projects: dict[ProjectId, Project] = {}
        self.users: dict[UserId, User] = {}
        self.roles: dict[RoleId, Role] = {}
        self.grants: dict[Grant, None] = {}
        self.endpoints: list[Endpoint] = []
        self.trusts: dict[TrustId, Trust] = {}
        self.application_credentials: dict[ApplicationCredentialId, ApplicationCredential] = {}
        self.revocations = RevocationList()
        self._rounds = password_hash_rounds
        self._passwords: dict[str, tuple[bytes, bytes]] = {}  # salt and hash

    def roles_on(self, user_id: UserId, target: str) -> tuple[Role, ...]:
        """The roles of a user on a project, a domain or the system, in the order in which they were given."""
        return tuple(
            self.roles[grant.role_id] for grant in self.grants if grant.user_id == user_id and grant.target == target
        )

    def named(self, table: Iterable[T], name: str | None, domain_id: DomainId | None) -> T | None:
        """The row with *name*, in a domain if rows of its kind are in one."""
        for row in table:
            if row.name == name and getattr(row, "domain_id", None) == domain_id:
                return row
        return None

    def drop_grants(
        self, *, user_id: UserId | None = None, target: str | None = None, role_id: RoleId | None = None
    ) -> None:
        """Delete the grants of a user, on a target, or of a role."""
        self.grants = {
            grant: None
            for grant in self.grants
            if grant.user_id != user_id and grant.target != target and grant.role_id != role_id
        }

    def drop_application_credentials(self, user_id: UserId, project_id: str | None = None) -> None:
        """Delete the application credentials of a user, on a project or all of them."""
        for credential in tuple(self.application_credentials.values()):
            if credential.user_id == user_id and project_id in (None, credential.project_id):
                del self.application_credentials[credential.id]
                self.drop_password(credential.id)

    def set_password(self, owner: str, password: str, chance: Random) -> None:
        """Keep a salted hash of the password of a user, or of the secret of an application credential."""
        salt = chance.randbytes(16)
        self._passwords[owner] = (salt, self._hash(password, salt))

    def has_password(self, owner: str, password: str) -> bool:
        """Whether this is the password; how long it takes says neither how much of it is right, nor who exists."""
        salt, expected = self._passwords.get(owner, (bytes(16), b""))
        return hmac.compare_digest(self._hash(password, salt), expected)

    def drop_password(self, owner: str) -> None:
        """Forget a password."""
        self._passwords.pop(owner, None)

    def _hash(self, password: str, salt: bytes) -> bytes:
        return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, self._rounds)
