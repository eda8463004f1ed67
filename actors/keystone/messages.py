"""Keystone's API: signing in, asking about tokens, and managing who there is (Identity API v3).

Every call but those without a token answers 401 for a token that is not good, 403 if policy does not allow it, and 404 for what
does not exist. In an update, None keeps a field as it is. Lists give what fits every filter that is given. Times are seconds since
1970. The members of Keystone call each other by the RPCs at the end.
"""

from typing import ClassVar

import attrs

from actors.calls import ApiRequest, Policy, Rpc, admin, admin_or_service
from actors.ids import DomainId, ProjectId, RoleId, UserId
from actors.keystone.models import (
    ApplicationCredential,
    ApplicationCredentialId,
    Certificates,
    Domain,
    IssuedToken,
    NewApplicationCredential,
    Project,
    Role,
    RoleAssignment,
    Scope,
    Token,
    Trust,
    TrustId,
    User,
)  # fmt: skip
from actors.keystone.tokens.rotation import PushOrder, Step
from bus.message import Event, message

TOPIC = "keystone"

admin_or_reader = Policy(
    "admin or reader of the system",
    lambda context: context.is_admin or (context.system_scope is not None and "reader" in context.roles),
)
"""Administrators, and whoever has the role ``reader`` on the system."""


# -- tokens ------------------------------------------------------------------------------------------------------------


@message
class Authenticate(ApiRequest[IssuedToken]):
    """Sign in (`POST /v3/auth/tokens`).

    With a password, with an application credential and its secret, or with a token that is exchanged for one of another scope.

    Raises: 401 `Unauthorized` for an unknown user, a wrong password or secret, a disabled user, domain or project, a scope in which
    the user has no role, a token that is not valid, a trust or an application credential that is over. 403 `Forbidden` if a token
    may not be exchanged, or a trust does not allow it. 404 if there is no application credential of this id.

    Attributes:
        user_id: who signs in; or *user_name* with *user_domain_id* or *user_domain_name*.
        user_name: name of the user.
        user_domain_id: domain of that name.
        user_domain_name: name of that domain.
        password: the password, for the method ``password``.
        token: a token, for the method ``token``.
        application_credential_id: for the method ``application_credential``; or the user and
            *application_credential_name*. It brings its own scope.
        application_credential_name: its name, unique among those of its user.
        application_credential_secret: its secret.
        scope: what the new token is to be good for; None for the user's default project, or nothing if there is none.
    """

    topic: ClassVar[str] = TOPIC
    needs_token: ClassVar[bool] = False
    user_id: UserId | None = None
    user_name: str | None = None
    user_domain_id: DomainId | None = None
    user_domain_name: str | None = None
    password: str | None = attrs.field(default=None, repr=False)
    token: str | None = attrs.field(default=None, repr=False)
    application_credential_id: ApplicationCredentialId | None = None
    application_credential_name: str | None = None
    application_credential_secret: str | None = attrs.field(default=None, repr=False)
    scope: Scope = None


@message
class ValidateToken(ApiRequest[Token]):
    """Ask about a token (`GET /v3/auth/tokens`). 404 if it is not valid, also to those who may not know.

    Administrators, readers of the system and services may ask about any token, users about their own.

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
class CheckToken(ApiRequest[None]):
    """Ask whether a token is valid (`HEAD /v3/auth/tokens`): as `ValidateToken`, but not for services, and nothing is said of it.

    Attributes:
        subject: the token asked about.
        allow_expired: as in `ValidateToken`.
    """

    topic: ClassVar[str] = TOPIC
    subject: str = attrs.field(repr=False)
    allow_expired: bool = False


@message
class RevokeToken(ApiRequest[None]):
    """Make a token void (`DELETE /v3/auth/tokens`), one's own or, for administrators, any. 404 if it is not valid (any more).

    Attributes:
        subject: the token.
        cascade: whether the tokens that it was exchanged for go with it.
    """

    topic: ClassVar[str] = TOPIC
    subject: str = attrs.field(repr=False)
    cascade: bool = True


@message
class RevokeUserTokens(ApiRequest[None]):
    """Make all tokens of a user void (`DELETE /v3/users/{user_id}/tokens`), for the user and for administrators."""

    topic: ClassVar[str] = TOPIC
    user_id: UserId


@message
class FetchRevocationList(ApiRequest[str]):
    """Fetch the signed list of revoked PKI tokens (`GET /v3/auth/tokens/OS-PKI/revoked`, what it answers under `signed`).

    403 if the tokens of this cloud are not PKI tokens, as Keystone answers since Rocky.
    """

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin_or_service


@message
class FetchCertificates(ApiRequest[Certificates]):
    """Fetch the certificates that PKI tokens are verified with (`GET /v3/OS-SIMPLE-CERT/certificates` and `/ca`).

    404 if the tokens of this cloud are not PKI tokens.
    """

    topic: ClassVar[str] = TOPIC
    needs_token: ClassVar[bool] = False


# -- domains and projects ----------------------------------------------------------------------------------------------


@message
class CreateDomain(ApiRequest[Domain]):
    """Create a domain. 409 if the name is taken."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    name: str
    enabled: bool = True


@message
class ShowDomain(ApiRequest[Domain]):
    """Show a domain, to those too whose token is for one of its projects."""

    topic: ClassVar[str] = TOPIC
    domain_id: DomainId


@message
class ListDomains(ApiRequest[tuple[Domain, ...]]):
    """List domains."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin_or_reader
    name: str | None = None
    enabled: bool | None = None


@message
class UpdateDomain(ApiRequest[Domain]):
    """Change a domain. While it is disabled, nobody signs in to it, and the tokens of its users and projects are not valid."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    domain_id: DomainId
    name: str | None = None
    enabled: bool | None = None


@message
class DeleteDomain(ApiRequest[None]):
    """Delete a domain with its projects and users, and revoke all their tokens. 403 unless it was disabled before."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    domain_id: DomainId


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
class ShowProject(ApiRequest[Project]):
    """Show a project, to those too whose token is for it."""

    topic: ClassVar[str] = TOPIC
    project_id: ProjectId


@message
class ListProjects(ApiRequest[tuple[Project, ...]]):
    """List projects."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin_or_reader
    name: str | None = None
    domain_id: DomainId | None = None
    enabled: bool | None = None


@message
class UpdateProject(ApiRequest[Project]):
    """Change a project. Disabling writes no revocation event: each validation looks at the project anew."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    project_id: ProjectId
    name: str | None = None
    enabled: bool | None = None
    description: str | None = None


@message
class DeleteProject(ApiRequest[None]):
    """Delete a project with its role assignments and trusts, and revoke all tokens for it."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    project_id: ProjectId


# -- users -------------------------------------------------------------------------------------------------------------


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
class ShowUser(ApiRequest[User]):
    """Show a user, to the user too."""

    topic: ClassVar[str] = TOPIC
    user_id: UserId


@message
class ListUsers(ApiRequest[tuple[User, ...]]):
    """List users."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin_or_reader
    name: str | None = None
    domain_id: DomainId | None = None
    enabled: bool | None = None


@message
class UpdateUser(ApiRequest[User]):
    """Change a user. Disabling revokes all the user's tokens and deletes the application credentials; a password revokes too."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    user_id: UserId
    name: str | None = None
    enabled: bool | None = None
    password: str | None = attrs.field(default=None, repr=False)
    default_project_id: ProjectId | None = None


@message
class ChangePassword(ApiRequest[None]):
    """Change one's own password, which revokes all one's tokens. 401 if the original password is wrong."""

    topic: ClassVar[str] = TOPIC
    original_password: str = attrs.field(repr=False)
    password: str = attrs.field(repr=False)


@message
class DeleteUser(ApiRequest[None]):
    """Delete a user with all role assignments, trusts and application credentials, and revoke all the user's tokens."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    user_id: UserId


# -- roles -------------------------------------------------------------------------------------------------------------


@message
class CreateRole(ApiRequest[Role]):
    """Create a role. 409 if the name is taken."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    name: str


@message
class ShowRole(ApiRequest[Role]):
    """Show a role."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin_or_reader
    role_id: RoleId


@message
class ListRoles(ApiRequest[tuple[Role, ...]]):
    """List roles."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin_or_reader
    name: str | None = None


@message
class UpdateRole(ApiRequest[Role]):
    """Rename a role. 409 if the name is taken."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    role_id: RoleId
    name: str


@message
class DeleteRole(ApiRequest[None]):
    """Delete a role with its assignments, and the application credentials of those who had it, where they had it.

    Writes no revocation event: each validation looks at the roles anew.
    """

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin
    role_id: RoleId


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
class ListRoleAssignments(ApiRequest[tuple[RoleAssignment, ...]]):
    """List who has which role where (`GET /v3/role_assignments`).

    Attributes:
        user_id: of this user.
        role_id: of this role.
        project_id: on this project.
        domain_id: on this domain.
        system: ``"all"`` for those on the system.
    """

    topic: ClassVar[str] = TOPIC
    policy: ClassVar = admin_or_reader
    user_id: UserId | None = None
    role_id: RoleId | None = None
    project_id: ProjectId | None = None
    domain_id: DomainId | None = None
    system: str | None = None


# -- trusts ------------------------------------------------------------------------------------------------------------


@message
class CreateTrust(ApiRequest[Trust]):
    """Let another user have some of one's own roles on a project (`POST /v3/OS-TRUST/trusts`).

    Raises: 400 for a *remaining_uses* below 1, or beside redelegation, or an *expires_at* that is past; 403 if the caller is
    not the trustor or came by an application credential, if roles are missing, or for what the trust that the caller's token
    was made from does not allow; 404 if there is no such trustee or project, or the trustor lacks a role; 409 for a trust
    that exists already.

    Attributes:
        trustor_user_id: the caller.
        trustee_user_id: who may ask for tokens of the trust.
        impersonation: whether such a token names the trustor as its user.
        project_id: where the roles are held; None for a trust that gives none.
        roles: the roles.
        expires_at: when the trust ends; None for never.
        remaining_uses: how many tokens may be made; None for any number.
        allow_redelegation: whether the trustee may make a trust of a token of this one.
        redelegation_count: how many may so follow, one from the other; None for as many as are allowed.
    """

    topic: ClassVar[str] = TOPIC
    trustor_user_id: UserId
    trustee_user_id: UserId
    impersonation: bool
    project_id: ProjectId | None = None
    roles: tuple[RoleId, ...] = ()
    expires_at: float | None = None
    remaining_uses: int | None = None
    allow_redelegation: bool = False
    redelegation_count: int | None = None


@message
class ShowTrust(ApiRequest[Trust]):
    """Show a trust, to its trustor and trustee too. 404 if it is over or used up."""

    topic: ClassVar[str] = TOPIC
    trust_id: TrustId


@message
class ListTrusts(ApiRequest[tuple[Trust, ...]]):
    """List the trusts of a trustor or of a trustee, to that user too, or all; also those that are over or used up."""

    topic: ClassVar[str] = TOPIC
    trustor_user_id: UserId | None = None
    trustee_user_id: UserId | None = None


@message
class DeleteTrust(ApiRequest[None]):
    """Delete a trust and those that follow from it, and revoke their tokens: for its trustor and administrators."""

    topic: ClassVar[str] = TOPIC
    trust_id: TrustId


# -- application credentials -------------------------------------------------------------------------------------------


@message
class CreateApplicationCredential(ApiRequest[NewApplicationCredential]):
    """Make a credential for the project of the caller's token (`POST /v3/users/{user_id}/application_credentials`).

    Raises: 400 for a role that the token does not give, an *expires_at* that is past, or a token without a project; 403 for
    another user, or if the token was made from a trust or from an application credential that is restricted; 409 if the user has
    one of this name.

    Attributes:
        user_id: the caller.
        name: its name.
        secret: its secret; None to have one made.
        roles: what its tokens give; none for all the roles of the caller's token.
        description: any text.
        expires_at: when it ends; None for never.
        unrestricted: whether its tokens may manage application credentials.
    """

    topic: ClassVar[str] = TOPIC
    user_id: UserId
    name: str
    secret: str | None = attrs.field(default=None, repr=False)
    roles: tuple[RoleId, ...] = ()
    description: str = ""
    expires_at: float | None = None
    unrestricted: bool = False


@message
class ShowApplicationCredential(ApiRequest[ApplicationCredential]):
    """Show an application credential, to its user, administrators and readers of the system."""

    topic: ClassVar[str] = TOPIC
    user_id: UserId
    application_credential_id: ApplicationCredentialId


@message
class ListApplicationCredentials(ApiRequest[tuple[ApplicationCredential, ...]]):
    """List the application credentials of a user, to that user, administrators and readers of the system."""

    topic: ClassVar[str] = TOPIC
    user_id: UserId
    name: str | None = None


@message
class DeleteApplicationCredential(ApiRequest[None]):
    """Delete an application credential, which makes its tokens void: for its user and administrators."""

    topic: ClassVar[str] = TOPIC
    user_id: UserId
    application_credential_id: ApplicationCredentialId


# -- among the members of Keystone -------------------------------------------------------------------------------------


@message
class FlushTokens(Rpc[int]):
    """Delete the stored tokens that have expired (`keystone-manage token_flush`). Answers how many.

    Attributes:
        batch: rows of one statement at most, between which others may work: 1000 for MySQL; None for all in one.
    """

    topic: ClassVar[str] = TOPIC
    batch: int | None = None


@message
class RotateKeys(Rpc[int]):
    """Rotate the Fernet keys of this node (`keystone-manage fernet_rotate`). Answers the number of the new primary key."""

    topic: ClassVar[str] = TOPIC


@message
class DistributeKeys(Rpc[None]):
    """Copy the Fernet keys of this node to another, file by file: until the last one is there, that node is behind.

    Attributes:
        server: the other member.
        order: which file goes first.
    """

    topic: ClassVar[str] = TOPIC
    server: str
    order: PushOrder = PushOrder.PRIMARY_FIRST


@message
class ListKeyFiles(Rpc[tuple[str, ...]]):
    """Name the files in the folder of this node's Fernet keys."""

    topic: ClassVar[str] = TOPIC


@message
class ChangeKeyFile(Rpc[None]):
    """Do one operation on the folder of this node's Fernet keys."""

    topic: ClassVar[str] = TOPIC
    step: Step


@message
class TokenRevoked(Event):
    """A token was revoked by its audit id.

    Attributes:
        audit_id: the token's own audit id, which is no secret.
    """

    subject: ClassVar[str] = "notifications.identity.token.revoked"
    audit_id: str
