"""Keystone: roles and who has them (keystone's `api/roles.py`, `api/role_assignments.py`, `assignment/core.py`)."""

from actors.errors import BadRequest, NotFound
from actors.ids import DomainId, ProjectId, RoleId
from actors.keystone.messages import (
    CreateRole,
    DeleteRole,
    GrantRole,
    ListRoleAssignments,
    ListRoles,
    RevokeRole,
    ShowRole,
    UpdateRole,
)  # fmt: skip
from actors.keystone.models import Role, RoleAssignment
from actors.keystone.service.base import KeystonePart, changed, fitting
from actors.keystone.store import SYSTEM, Grant


class Roles(KeystonePart):
    """The handlers for roles."""

    @CreateRole.handler
    async def create_role(self, msg: CreateRole) -> Role:
        self.free(self.store.roles.values(), msg.name, None)
        role = Role(id=RoleId(self.ids.hex()), name=msg.name)
        self.store.roles[role.id] = role
        return role

    @ShowRole.handler
    async def show_role(self, msg: ShowRole) -> Role:
        return self.role(msg.role_id)

    @ListRoles.handler
    async def list_roles(self, msg: ListRoles) -> tuple[Role, ...]:
        return fitting(self.store.roles.values(), name=msg.name)

    @UpdateRole.handler
    async def update_role(self, msg: UpdateRole) -> Role:
        role = self.role(msg.role_id)
        self.free(self.store.roles.values(), msg.name, None, but=role)
        self.store.roles[role.id] = changed(role, name=msg.name)
        return self.store.roles[role.id]

    @DeleteRole.handler
    async def delete_role(self, msg: DeleteRole) -> None:
        role = self.role(msg.role_id)
        for grant in self.store.grants:
            if grant.role_id == role.id:
                self.store.drop_application_credentials(grant.user_id, grant.target)
                self.forget(user_id=grant.user_id)
        self.store.drop_grants(role_id=role.id)
        del self.store.roles[role.id]

    @GrantRole.handler
    async def grant_role(self, msg: GrantRole) -> None:
        """Give a role; giving it twice is giving it once."""
        self.store.grants[self._grant(msg)] = None

    @RevokeRole.handler
    async def revoke_role(self, msg: RevokeRole) -> None:
        grant = self._grant(msg)
        if grant not in self.store.grants:
            raise NotFound(f"Could not find role assignment: {msg.role_id} of {msg.user_id} on {grant.target}.")
        del self.store.grants[grant]
        self.forget(user_id=grant.user_id)

    @ListRoleAssignments.handler
    async def list_role_assignments(self, msg: ListRoleAssignments) -> tuple[RoleAssignment, ...]:
        given = [scope for scope in (msg.project_id, msg.domain_id, msg.system) if scope is not None]
        if len(given) > 1:
            raise BadRequest(f"Specify one of system, domain and project, not {len(given)}: {', '.join(given)}")
        return fitting(
            map(self._assignment, self.store.grants), user_id=msg.user_id, role_id=msg.role_id,
            project_id=msg.project_id, domain_id=msg.domain_id, system=msg.system,
        )  # fmt: skip

    def _assignment(self, grant: Grant) -> RoleAssignment:
        target = grant.target
        return RoleAssignment(
            role_id=grant.role_id,
            user_id=grant.user_id,
            project_id=ProjectId(target) if target in self.store.projects else None,
            domain_id=DomainId(target) if target in self.store.domains else None,
            system="all" if target == SYSTEM else None,
        )

    def _grant(self, msg: GrantRole | RevokeRole) -> Grant:
        target: str = SYSTEM
        if msg.project_id is not None:
            target = self.project(msg.project_id).id
        elif msg.domain_id is not None:
            target = self.domain(msg.domain_id).id
        return Grant(self.user(msg.user_id).id, target, self.role(msg.role_id).id)
