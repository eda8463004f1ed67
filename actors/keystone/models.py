"""What Keystone knows: domains, projects, users, roles and who has which; and what it says of a token.

Field names are those of the Identity API v3. Times are seconds since 1970.
"""

from typing import NewType

import attrs

from actors.ids import DomainId, ProjectId, RoleId, UserId

TrustId = NewType("TrustId", str)
ApplicationCredentialId = NewType("ApplicationCredentialId", str)


@attrs.frozen(kw_only=True)
class Domain:
    """A container of users and projects."""

    id: DomainId
    name: str
    enabled: bool = True


@attrs.frozen(kw_only=True)
class Project:
    """What owns servers, volumes and networks."""

    id: ProjectId
    name: str
    domain_id: DomainId
    enabled: bool = True
    description: str = ""


@attrs.frozen(kw_only=True)
class User:
    """Who signs in. The password is not here but with the `Store`."""

    id: UserId
    name: str
    domain_id: DomainId
    enabled: bool = True
    default_project_id: ProjectId | None = None


@attrs.frozen(kw_only=True)
class Role:
    """A name for what one may do."""

    id: RoleId
    name: str


@attrs.frozen(kw_only=True)
class RoleAssignment:
    """A role of a user on a project, a domain or the system: exactly one of the three is not None."""

    role_id: RoleId
    user_id: UserId
    project_id: ProjectId | None = None
    domain_id: DomainId | None = None
    system: str | None = None


@attrs.frozen(kw_only=True)
class Endpoint:
    """Where a service is reached. In this cloud the address is a topic of the bus."""

    service_type: str
    service_name: str
    topic: str
    interface: str = "public"
    region: str = "RegionOne"
    id: str = ""
    service_id: str = ""


@attrs.frozen(kw_only=True)
class Trust:
    """What a trustor lets a trustee do: have some of the trustor's roles on a project.

    Attributes:
        id: a UUID without dashes.
        trustor_user_id: who delegates.
        trustee_user_id: who may ask for tokens of the trust.
        impersonation: whether such a token names the trustor as its user.
        project_id: where the roles are held.
        roles: the roles.
        expires_at: when the trust ends; None for never.
        remaining_uses: how many tokens may still be made; None for any number.
        redelegation_count: how many more trusts may follow from this one, one from the other.
        redelegated_trust_id: the trust that this one follows from.
        deleted_at: when it was deleted; the row stays.
    """

    id: TrustId
    trustor_user_id: UserId
    trustee_user_id: UserId
    impersonation: bool
    project_id: ProjectId | None = None
    roles: tuple[RoleId, ...] = ()
    expires_at: float | None = None
    remaining_uses: int | None = None
    redelegation_count: int = 0
    redelegated_trust_id: TrustId | None = None
    deleted_at: float | None = None


@attrs.frozen(kw_only=True)
class ApplicationCredential:
    """What a program signs in with instead of its user's password. The secret is not here but with the `Store`.

    Attributes:
        id: its id.
        name: unique among those of its user.
        user_id: whose it is.
        project_id: the project that its tokens are for.
        roles: the roles that its tokens give, as long as the user has them too.
        description: any text.
        expires_at: when it ends, and its tokens with it; None for never.
        unrestricted: whether its tokens may manage application credentials.
    """

    id: ApplicationCredentialId
    name: str
    user_id: UserId
    project_id: ProjectId
    roles: tuple[RoleId, ...]
    description: str = ""
    expires_at: float | None = None
    unrestricted: bool = False


@attrs.frozen(kw_only=True)
class NewApplicationCredential:
    """A new application credential, and its secret, which is never shown again."""

    application_credential: ApplicationCredential
    secret: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class ProjectScope:
    """Ask for a token of a project, by id, or by name and the id or name of its domain."""

    id: ProjectId | None = None
    name: str | None = None
    domain_id: DomainId | None = None
    domain_name: str | None = None


@attrs.frozen(kw_only=True)
class DomainScope:
    """Ask for a token of a domain, by id or by name."""

    id: DomainId | None = None
    name: str | None = None


@attrs.frozen(kw_only=True)
class SystemScope:
    """Ask for a token of the whole system."""


@attrs.frozen(kw_only=True)
class TrustScope:
    """Ask for a token of a trust."""

    id: TrustId


@attrs.frozen(kw_only=True)
class Unscoped:
    """Ask for a token of nothing, also where the user has a default project."""


Scope = ProjectScope | DomainScope | SystemScope | TrustScope | Unscoped | None


@attrs.frozen(kw_only=True)
class TokenTrust:
    """What a token says of its trust (`OS-TRUST:trust`)."""

    id: TrustId
    trustor_user_id: UserId
    trustee_user_id: UserId
    impersonation: bool


@attrs.frozen(kw_only=True)
class TokenApplicationCredential:
    """What a token says of the application credential that it was made with."""

    id: ApplicationCredentialId
    name: str
    restricted: bool


@attrs.frozen(kw_only=True)
class Token:
    """What Keystone says of a token: the body of `GET /v3/auth/tokens`.

    Attributes:
        user: whose it is; the trustor, where a trust lets the trustee impersonate.
        user_domain: the user's domain.
        methods: how the user signed in.
        audit_ids: its own audit id, and that of the first token of its chain.
        issued_at: whole seconds since 1970.
        expires_at: whole seconds since 1970.
        project: the project it is for.
        project_domain: that project's domain.
        domain: the domain it is for.
        system: ``"all"`` if it is for the system.
        roles: the roles that it gives, as they are at the time of the answer.
        catalog: where the services are; empty for an unscoped token and where it was not asked for.
        trust: the trust it was made from.
        application_credential: the application credential it was made with.
    """

    user: User
    user_domain: Domain
    methods: tuple[str, ...]
    audit_ids: tuple[str, ...]
    issued_at: float
    expires_at: float
    project: Project | None = None
    project_domain: Domain | None = None
    domain: Domain | None = None
    system: str | None = None
    roles: tuple[Role, ...] = ()
    catalog: tuple[Endpoint, ...] = attrs.field(default=(), repr=False)
    trust: TokenTrust | None = None
    application_credential: TokenApplicationCredential | None = None

    @property
    def role_names(self) -> tuple[str, ...]:
        """Names of the roles."""
        return tuple(role.name for role in self.roles)


@attrs.frozen(kw_only=True)
class IssuedToken:
    """A new token: the header X-Subject-Token and the body beside it."""

    id: str = attrs.field(repr=False)
    token: Token


@attrs.frozen(kw_only=True)
class Certificates:
    """What it takes to verify PKI tokens and revocation lists; public, both in PEM.

    Attributes:
        signing: of the key that signs (`GET /v3/OS-SIMPLE-CERT/certificates`).
        ca: of the authority that issued it (`GET /v3/OS-SIMPLE-CERT/ca`).
    """

    signing: str
    ca: str
