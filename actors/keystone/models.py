"""What Keystone knows: domains, projects, users, roles and who has which; and what it says of a token.

Field names are those of the Identity API v3.
"""

import attrs

from actors.ids import DomainId, ProjectId, RoleId, UserId


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
class Endpoint:
    """Where a service is reached. In this cloud the address is a topic of the bus."""

    service_type: str
    service_name: str
    topic: str
    interface: str = "public"
    region: str = "RegionOne"


@attrs.frozen(kw_only=True)
class ProjectScope:
    """Ask for a token of a project, by id, or by name and the id of its domain."""

    id: ProjectId | None = None
    name: str | None = None
    domain_id: DomainId | None = None


@attrs.frozen(kw_only=True)
class DomainScope:
    """Ask for a token of a domain, by id or by name."""

    id: DomainId | None = None
    name: str | None = None


@attrs.frozen(kw_only=True)
class SystemScope:
    """Ask for a token of the whole system."""


Scope = ProjectScope | DomainScope | SystemScope | None


@attrs.frozen(kw_only=True)
class Token:
    """What Keystone says of a token: the body of `GET /v3/auth/tokens`.

    Attributes:
        user: whose it is.
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

    @property
    def role_names(self) -> tuple[str, ...]:
        """Names of the roles."""
        return tuple(role.name for role in self.roles)


@attrs.frozen(kw_only=True)
class IssuedToken:
    """A new token: the header X-Subject-Token and the body beside it."""

    id: str = attrs.field(repr=False)
    token: Token
