"""Keystone: domains and projects (keystone's `api/domains.py`, `api/projects.py`, `resource/core.py`)."""

import attrs

from actors.errors import Forbidden
from actors.ids import DomainId, ProjectId
from actors.keystone.messages import (
    CreateDomain,
    CreateProject,
    DeleteDomain,
    DeleteProject,
    ListDomains,
    ListProjects,
    ShowDomain,
    ShowProject,
    UpdateDomain,
    UpdateProject,
    admin_or_reader,
)  # fmt: skip
from actors.keystone.models import Domain, Project
from actors.keystone.service.base import changed, fitting
from actors.keystone.service.users import Users
from actors.service import request_context


class Projects(Users):
    """The handlers for domains and projects; with a domain go its users."""

    @CreateDomain.handler
    async def create_domain(self, msg: CreateDomain) -> Domain:
        self.free(self.store.domains.values(), msg.name, None)
        domain = Domain(id=DomainId(self.ids.hex()), name=msg.name, enabled=msg.enabled)
        self.store.domains[domain.id] = domain
        return domain

    @ShowDomain.handler
    async def show_domain(self, msg: ShowDomain) -> Domain:
        context = request_context()
        self.demand(admin_or_reader(context) or context.project_domain_id == msg.domain_id)
        return self.domain(msg.domain_id)

    @ListDomains.handler
    async def list_domains(self, msg: ListDomains) -> tuple[Domain, ...]:
        return fitting(self.store.domains.values(), name=msg.name, enabled=msg.enabled)

    @UpdateDomain.handler
    async def update_domain(self, msg: UpdateDomain) -> Domain:
        domain = self.domain(msg.domain_id)
        self.free(self.store.domains.values(), msg.name, None, but=domain)
        new = changed(domain, name=msg.name, enabled=msg.enabled)
        self.store.domains[domain.id] = new
        self.forget()
        if domain.enabled and not new.enabled:
            for user in fitting(self.store.users.values(), domain_id=domain.id):
                self.forget(user_id=user.id)
            for project in fitting(self.store.projects.values(), domain_id=domain.id):
                self.forget(project_id=project.id)
        return new

    @DeleteDomain.handler
    async def delete_domain(self, msg: DeleteDomain) -> None:
        domain = self.domain(msg.domain_id)
        if domain.enabled:
            raise Forbidden(f"Cannot delete domain {domain.id} that is enabled, please disable it first.")
        for project in fitting(self.store.projects.values(), domain_id=domain.id):
            self._remove_project(project)
        for user in fitting(self.store.users.values(), domain_id=domain.id):
            self.remove_user(user)
        del self.store.domains[domain.id]
        self.store.drop_grants(target=domain.id)
        self.forget()

    @CreateProject.handler
    async def create_project(self, msg: CreateProject) -> Project:
        self.free(self.store.projects.values(), msg.name, self.domain(msg.domain_id).id)
        project = Project(
            id=ProjectId(self.ids.hex()), name=msg.name, domain_id=msg.domain_id, enabled=msg.enabled,
            description=msg.description,
        )  # fmt: skip
        self.store.projects[project.id] = project
        return project

    @ShowProject.handler
    async def show_project(self, msg: ShowProject) -> Project:
        context = request_context()
        self.demand(admin_or_reader(context) or context.project_id == msg.project_id)
        return self.project(msg.project_id)

    @ListProjects.handler
    async def list_projects(self, msg: ListProjects) -> tuple[Project, ...]:
        return fitting(self.store.projects.values(), name=msg.name, domain_id=msg.domain_id, enabled=msg.enabled)

    @UpdateProject.handler
    async def update_project(self, msg: UpdateProject) -> Project:
        project = self.project(msg.project_id)
        self.free(self.store.projects.values(), msg.name, project.domain_id, but=project)
        new = changed(project, name=msg.name, enabled=msg.enabled, description=msg.description)
        self.store.projects[project.id] = new
        self.forget(project_id=project.id if project.enabled and not new.enabled else None)
        return new

    @DeleteProject.handler
    async def delete_project(self, msg: DeleteProject) -> None:
        self._remove_project(self.project(msg.project_id))

    def _remove_project(self, project: Project) -> None:
        del self.store.projects[project.id]
        self.store.drop_grants(target=project.id)
        for trust in fitting(self.store.trusts.values(), project_id=project.id, deleted_at=None):
            self.store.trusts[trust.id] = attrs.evolve(trust, deleted_at=self.now)
        self.revoke(project_id=project.id)
