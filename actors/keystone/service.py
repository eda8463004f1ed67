"""Keystone: one member of the service. All members share the `Store`; each has key files of its own."""

from collections.abc import Callable
from random import Random
from typing import Any, ClassVar, TypeVar

import attrs

from actors.auth_token import context_of
from actors.context import Credentials, RequestContext
from actors.errors import Conflict, Forbidden, InternalError, NotFound, Unauthorized
from actors.ids import DomainId, Ids, ProjectId, RoleId, UserId
from actors.keystone.authentication import claims_for, identify_by_password, identify_by_token
from actors.keystone.config import KeystoneConfig
from actors.keystone.errors import TokenInvalid
from actors.keystone.messages import (
    TOPIC,
    Authenticate,
    ChangePassword,
    CreateDomain,
    CreateProject,
    CreateRole,
    CreateUser,
    DeleteProject,
    DeleteUser,
    GrantRole,
    ListProjects,
    ListRoles,
    ListUsers,
    RevokeRole,
    RevokeToken,
    RotateKeys,
    TokenRevoked,
    UpdateProject,
    UpdateUser,
    ValidateToken,
)  # fmt: skip
from actors.keystone.models import Domain, IssuedToken, Project, Role, Token, User
from actors.keystone.store import SYSTEM, Grant, Store
from actors.keystone.tokens.claims import TokenClaims
from actors.keystone.tokens.directory import Directory
from actors.keystone.tokens.errors import TokenError
from actors.keystone.tokens.keys import read_key_ring
from actors.keystone.tokens.lifetime import expiry
from actors.keystone.tokens.provider import Provider
from actors.keystone.tokens.randomness import random_audit_id
from actors.keystone.tokens.revocation import RevocationEvent, revoke_token
from actors.keystone.tokens.rotation import rotate, run
from actors.keystone.validation import describe, judge
from actors.service import Service, request_context

T = TypeVar("T")


class KeystoneService(Service):
    """Signs users in, says what tokens are good for, and manages who there is.

    Args:
        store: the database.
        config: the options.
        ids: makes ids.
        chance: where salts, audit ids and keys come from.
        provider: the format of the tokens.
        keys: the folder of this node's Fernet keys, for rotation; None for a format without.
    """

    topic: ClassVar[str] = TOPIC

    def __init__(
        self, *, store: Store, config: KeystoneConfig, ids: Ids, chance: Random, provider: Provider,
        keys: Directory | None = None,
    ) -> None:  # fmt: skip
        self.store = store
        self.config = config
        self.ids = ids
        self.chance = chance
        self.provider = provider
        self.keys = keys
        self.guard = self

    async def started(self) -> None:
        """Begin; Keystone is its own guard."""

    async def admit(self, credentials: Credentials) -> RequestContext:
        """Check the caller's own token: without any window, whatever service token comes along.

        Raises:
            Unauthorized: if there is none, or it is not valid.
            NotFound: if its user, project or domain is gone.
        """
        if credentials.token is None:
            raise Unauthorized("The request you have made requires authentication.")
        try:
            token = judge(self.store, self._read(credentials.token), self.clock.time())
        except TokenInvalid as error:
            raise Unauthorized("The request you have made requires authentication.") from error
        return context_of(token, credentials)

    # -- tokens --------------------------------------------------------------------------------------------------------

    @Authenticate.handler
    async def authenticate(self, msg: Authenticate) -> IssuedToken:
        """Prove who it is, find the scope, make the token."""
        now = self.clock.time()
        if msg.token is not None:
            try:
                source = self._read(msg.token)
                judge(self.store, source, now)
            except NotFound as error:
                raise Unauthorized("The request you have made requires authentication.") from error
            identity = identify_by_token(self.store, source, may_rescope=self.config.allow_rescope_scoped_token)
        else:
            identity = identify_by_password(self.store, msg)
        cap = None if identity.source is None else identity.source.expires_at
        claims = claims_for(
            self.store,
            identity,
            msg.scope,
            audit_id=random_audit_id(self.chance.randbytes),
            issued_at=now,
            expires_at=expiry(now, self.config.expiration, caps=(cap,)),
        )
        self.clock.critical(claims.expires_at, "token expiry")
        return IssuedToken(id=self.provider.issue(claims, ""), token=describe(self.store, claims))

    @ValidateToken.handler
    async def validate_token(self, msg: ValidateToken) -> Token:
        """Judge the subject, then ask whether the caller may know: so that 404 comes before 403."""
        context = request_context()
        window = self.config.allow_expired_window if msg.allow_expired else 0
        token = judge(self.store, self._read(msg.subject), self.clock.time(), window)
        allowed = context.is_admin or "service" in context.roles or token.user.id == context.user_id
        if not allowed and not (context.system_scope is not None and "reader" in context.roles):
            raise Forbidden("You are not authorized to perform the requested action: identity:validate_token.")
        return attrs.evolve(token, catalog=()) if msg.nocatalog else token

    @RevokeToken.handler
    async def revoke_token(self, msg: RevokeToken) -> None:
        """Record the events, and forget the token if it is stored."""
        context = request_context()
        claims = self._read(msg.subject)
        now = self.clock.time()
        token = judge(self.store, claims, now)
        if not context.is_admin and token.user.id != context.user_id:
            raise Forbidden("You are not authorized to perform the requested action: identity:revoke_token.")
        for event in revoke_token(claims, now, cascade=msg.cascade):
            self._revoke(event)
        self.provider.revoke(msg.subject)
        await self.bus.publish(TokenRevoked(audit_id=claims.audit_id))

    @RotateKeys.handler
    async def rotate_keys(self, msg: RotateKeys) -> int:
        """Rotate the keys of this node."""
        del msg
        if self.keys is None:
            raise Conflict("the tokens of this cloud have no keys to rotate")
        run(rotate(self.keys, self.chance.randbytes, self.config.max_active_keys), self.keys)
        return read_key_ring(self.keys).primary

    def _read(self, text: str) -> TokenClaims:
        try:
            return self.provider.read(text, self.clock.time())
        except TokenError as error:
            if error.subject_status == NotFound.status:
                raise TokenInvalid(str(error)) from error
            raise InternalError(str(error)) from error

    def _revoke(self, event: RevocationEvent) -> None:
        self.store.revocations.revoke(event, self.clock.time(), self.config.expiration, self.config.expiration_buffer)

    def _revoke_all_of(self, user_id: UserId) -> None:
        self._revoke(RevocationEvent(revoked_at=self.clock.time(), user_id=user_id))

    # -- domains, projects, users --------------------------------------------------------------------------------------

    @CreateDomain.handler
    async def create_domain(self, msg: CreateDomain) -> Domain:
        """Create a domain."""
        _free(msg.name, self.store.named(self.store.domains.values(), msg.name, None), "domain")
        domain = Domain(id=DomainId(self.ids.hex()), name=msg.name, enabled=msg.enabled)
        self.store.domains[domain.id] = domain
        return domain

    @CreateProject.handler
    async def create_project(self, msg: CreateProject) -> Project:
        """Create a project."""
        self._domain(msg.domain_id)
        _free(msg.name, self.store.named(self.store.projects.values(), msg.name, msg.domain_id), "project")
        project = Project(
            id=ProjectId(self.ids.hex()), name=msg.name, domain_id=msg.domain_id, enabled=msg.enabled,
            description=msg.description,
        )  # fmt: skip
        self.store.projects[project.id] = project
        return project

    @ListProjects.handler
    async def list_projects(self, msg: ListProjects) -> tuple[Project, ...]:
        """List projects."""
        fits = _filter(name=msg.name, domain_id=msg.domain_id, enabled=msg.enabled)
        return tuple(filter(fits, self.store.projects.values()))

    @UpdateProject.handler
    async def update_project(self, msg: UpdateProject) -> Project:
        """Change a project."""
        project = self._project(msg.project_id)
        if msg.name is not None and msg.name != project.name:
            _free(msg.name, self.store.named(self.store.projects.values(), msg.name, project.domain_id), "project")
        changed = attrs.evolve(project, **_given(name=msg.name, enabled=msg.enabled, description=msg.description))
        self.store.projects[project.id] = changed
        return changed

    @DeleteProject.handler
    async def delete_project(self, msg: DeleteProject) -> None:
        """Delete a project, its grants and all tokens for it."""
        project = self._project(msg.project_id)
        del self.store.projects[project.id]
        self.store.drop_grants(target=project.id)
        self._revoke(RevocationEvent(revoked_at=self.clock.time(), project_id=project.id))

    @CreateUser.handler
    async def create_user(self, msg: CreateUser) -> User:
        """Create a user."""
        self._domain(msg.domain_id)
        _free(msg.name, self.store.named(self.store.users.values(), msg.name, msg.domain_id), "user")
        user = User(
            id=UserId(self.ids.hex()), name=msg.name, domain_id=msg.domain_id, enabled=msg.enabled,
            default_project_id=msg.default_project_id,
        )  # fmt: skip
        self.store.users[user.id] = user
        if msg.password is not None:
            self.store.set_password(user.id, msg.password, self.chance)
        return user

    @ListUsers.handler
    async def list_users(self, msg: ListUsers) -> tuple[User, ...]:
        """List users."""
        fits = _filter(name=msg.name, domain_id=msg.domain_id, enabled=msg.enabled)
        return tuple(filter(fits, self.store.users.values()))

    @UpdateUser.handler
    async def update_user(self, msg: UpdateUser) -> User:
        """Change a user; disabling and a new password make all the user's tokens void."""
        user = self._user(msg.user_id)
        if msg.name is not None and msg.name != user.name:
            _free(msg.name, self.store.named(self.store.users.values(), msg.name, user.domain_id), "user")
        changed = attrs.evolve(user, **_given(name=msg.name, enabled=msg.enabled))
        self.store.users[user.id] = changed
        if msg.password is not None:
            self.store.set_password(user.id, msg.password, self.chance)
        if msg.password is not None or (user.enabled and not changed.enabled):
            self._revoke_all_of(user.id)
        return changed

    @ChangePassword.handler
    async def change_password(self, msg: ChangePassword) -> None:
        """Change the caller's password."""
        user_id = request_context().user_id
        if not self.store.has_password(user_id, msg.original_password):
            raise Unauthorized("Error when changing user password: the original password is wrong.")
        self.store.set_password(user_id, msg.password, self.chance)
        self._revoke_all_of(user_id)

    @DeleteUser.handler
    async def delete_user(self, msg: DeleteUser) -> None:
        """Delete a user with grants and password, and make all tokens void."""
        user = self._user(msg.user_id)
        del self.store.users[user.id]
        self.store.drop_grants(user_id=user.id)
        self.store.drop_password(user.id)
        self._revoke_all_of(user.id)

    # -- roles ---------------------------------------------------------------------------------------------------------

    @CreateRole.handler
    async def create_role(self, msg: CreateRole) -> Role:
        """Create a role."""
        _free(msg.name, self.store.named(self.store.roles.values(), msg.name, None), "role")
        role = Role(id=RoleId(self.ids.hex()), name=msg.name)
        self.store.roles[role.id] = role
        return role

    @ListRoles.handler
    async def list_roles(self, msg: ListRoles) -> tuple[Role, ...]:
        """List roles."""
        return tuple(filter(_filter(name=msg.name), self.store.roles.values()))

    @GrantRole.handler
    async def grant_role(self, msg: GrantRole) -> None:
        """Give a role; giving it twice is giving it once."""
        self.store.grants[self._grant(msg)] = None

    @RevokeRole.handler
    async def revoke_role(self, msg: RevokeRole) -> None:
        """Take a role away."""
        grant = self._grant(msg)
        if grant not in self.store.grants:
            raise NotFound(f"Could not find role assignment: {msg.role_id} of {msg.user_id} on {grant.target}.")
        del self.store.grants[grant]

    def _grant(self, msg: GrantRole | RevokeRole) -> Grant:
        target: str = SYSTEM
        if msg.project_id is not None:
            target = self._project(msg.project_id).id
        elif msg.domain_id is not None:
            target = self._domain(msg.domain_id).id
        if msg.role_id not in self.store.roles:
            raise NotFound(f"Could not find role: {msg.role_id}.")
        return Grant(self._user(msg.user_id).id, target, msg.role_id)

    # -- rows ----------------------------------------------------------------------------------------------------------

    def _domain(self, domain_id: DomainId) -> Domain:
        return _found(self.store.domains.get(domain_id), "domain", domain_id)

    def _project(self, project_id: ProjectId) -> Project:
        return _found(self.store.projects.get(project_id), "project", project_id)

    def _user(self, user_id: UserId) -> User:
        return _found(self.store.users.get(user_id), "user", user_id)


def _found(row: T | None, kind: str, wanted: str) -> T:
    if row is None:
        raise NotFound(f"Could not find {kind}: {wanted}.")
    return row


def _free(name: str, taken: object, kind: str) -> None:
    if taken is not None:
        raise Conflict(f"Conflict occurred attempting to store {kind} - Duplicate entry found with name {name}.")


def _given(**values: object) -> dict[str, Any]:
    """The values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def _filter(**values: object) -> Callable[[object], bool]:
    """Whether a row has all the values that are given."""
    wanted = _given(**values)
    return lambda row: all(getattr(row, name) == value for name, value in wanted.items())
