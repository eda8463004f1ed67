"""Keystone's API: signing in, asking about tokens, and managing who there is (Identity API v3)."""

from typing import ClassVar

import attrs

from actors.calls import ApiRequest, Rpc, admin
from actors.ids import DomainId, ProjectId, RoleId, UserId
from actors.keystone.models import Domain, IssuedToken, Project, Role, Scope, Token, User
from bus.message import Event, message

TOPIC = "keystone"


@message
class Authenticate(ApiRequest[IssuedToken]):
    """Sign in (`POST /v3/auth/tokens`): with a password, or with a token that is exchanged for one of another scope.

    Raises (all 401 `Unauthorized`): an unknown user, a wrong password, a disabled user, domain or project, a scope in which the
    user has no role, a token that is not valid. 403 `Forbidden` if a scoped token may not be exchanged.

    Attributes:
        user_id: who signs in; or *user_name* with *user_domain_id*.
        user_name: name of the user.
        user_domain_id: domain of that name.
        password: the password, for the method ``password``.
        token: a token, for the method ``token``.
        scope: what the new token is to be good for; None for an unscoped one.
    """

    topic: ClassVar[str] = TOPIC
    needs_token: ClassVar[bool] = False
    user_id: UserId | None = None
    user_name: str | None = None
    user_domain_id: DomainId | None = None
    password: str | None = attrs.field(default=None, repr=False)
    token: str | None = attrs.field(default=None, repr=False)
    scope: Scope = None


@message
class ValidateToken(ApiRequest[Token]):
    """Ask about a token (`GET /v3/auth/tokens`). 404 if it is not valid.

    Administrators and services may ask about any token, users about their own.

    Attributes:
        subject: the token asked about.
        allow_expired: whether one that has expired still counts, for `allow_expired_window` seconds.
        nocatalog: leave the catalog out.
    """

    topic: ClassVar[str] = TOPIC
    subject: str = attrs.field(repr=False)
    allow_expired: bool = False
    nocatalog: bool = False


@message
class RevokeToken(ApiRequest[None]):
    """Make a token void (`DELETE /v3/auth/tokens`). 404 if it is not valid (any more).

    Attributes:
        subject: the token.
        cascade: whether the tokens that it was exchanged for go with it.
    """

    topic: ClassVar[str] = TOPIC
    subject: str = attrs.field(repr=False)
    cascade: bool = True


@message
class CreateDomain(ApiRequest[Domain]):
    """Create a domain. 409 if the name is taken."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    name: str
    enabled: bool = True


@message
class CreateProject(ApiRequest[Project]):
    """Create a project. 404 if there is no such domain, 409 if the name is taken in it."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    name: str
    domain_id: DomainId
    enabled: bool = True
    description: str = ""


@message
class ListProjects(ApiRequest[tuple[Project, ...]]):
    """List projects that fit every filter that is given."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    name: str | None = None
    domain_id: DomainId | None = None
    enabled: bool | None = None


@message
class UpdateProject(ApiRequest[Project]):
    """Change what is not None. Disabling writes no revocation event: each validation looks at the project anew."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    project_id: ProjectId
    name: str | None = None
    enabled: bool | None = None
    description: str | None = None


@message
class DeleteProject(ApiRequest[None]):
    """Delete a project, and revoke all tokens for it."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    project_id: ProjectId


@message
class CreateUser(ApiRequest[User]):
    """Create a user. 404 if there is no such domain, 409 if the name is taken in it."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    name: str
    domain_id: DomainId
    password: str | None = attrs.field(default=None, repr=False)
    enabled: bool = True
    default_project_id: ProjectId | None = None


@message
class ListUsers(ApiRequest[tuple[User, ...]]):
    """List users that fit every filter that is given."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    name: str | None = None
    domain_id: DomainId | None = None
    enabled: bool | None = None


@message
class UpdateUser(ApiRequest[User]):
    """Change what is not None. Disabling the user, or setting a password, revokes all the user's tokens."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    user_id: UserId
    name: str | None = None
    enabled: bool | None = None
    password: str | None = attrs.field(default=None, repr=False)


@message
class ChangePassword(ApiRequest[None]):
    """Change one's own password, which revokes all one's tokens. 401 if the original password is wrong."""

    topic: ClassVar[str] = TOPIC
    original_password: str = attrs.field(repr=False)
    password: str = attrs.field(repr=False)


@message
class DeleteUser(ApiRequest[None]):
    """Delete a user, with all role assignments, and revoke all the user's tokens."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    user_id: UserId


@message
class CreateRole(ApiRequest[Role]):
    """Create a role. 409 if the name is taken."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    name: str


@message
class ListRoles(ApiRequest[tuple[Role, ...]]):
    """List roles, or those of one name."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    name: str | None = None


@message
class GrantRole(ApiRequest[None]):
    """Give a user a role on a project, a domain, or (with neither) the system. 404 if one of them does not exist."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    user_id: UserId
    role_id: RoleId
    project_id: ProjectId | None = None
    domain_id: DomainId | None = None


@message
class RevokeRole(ApiRequest[None]):
    """Take a role away. Writes no revocation event: each validation looks at the roles anew. 404 if it was not given."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    user_id: UserId
    role_id: RoleId
    project_id: ProjectId | None = None
    domain_id: DomainId | None = None


@message
class RotateKeys(Rpc[int]):
    """Rotate the Fernet keys of this node (`keystone-manage fernet_rotate`). Answers the number of the new primary key."""

    topic: ClassVar[str] = TOPIC


@message
class TokenRevoked(Event):
    """A token was revoked by its audit id.

    Attributes:
        audit_id: the token's own audit id, which is no secret.
    """

    subject: ClassVar[str] = "notifications.identity.token.revoked"
    audit_id: str
