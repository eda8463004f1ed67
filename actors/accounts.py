"""Who is there in a new cloud: domains, projects, users and roles, as DevStack makes them."""

from random import Random
from typing import Final

import attrs

from actors.ids import DomainId, Ids, ProjectId, RoleId, UserId
from actors.keystone.messages import Authenticate
from actors.keystone.models import Domain, Endpoint, Project, ProjectScope, Role, User
from actors.keystone.store import Grant, Store

ENDPOINTS: Final = (
    Endpoint(service_type="identity", service_name="keystone", topic="keystone"),
    Endpoint(service_type="image", service_name="glance", topic="glance"),
    Endpoint(service_type="compute", service_name="nova", topic="nova-api"),
    Endpoint(service_type="placement", service_name="placement", topic="placement"),
    Endpoint(service_type="network", service_name="neutron", topic="neutron"),
    Endpoint(service_type="block-storage", service_name="cinder", topic="cinder-api"),
)


@attrs.frozen
class Account:
    """A user with one project.

    Attributes:
        name: of the user.
        project: name of the project.
        roles: what the user may do there.
    """

    name: str
    project: str
    roles: tuple[str, ...]

    def sign_in(self, domain: DomainId) -> Authenticate:
        """How it signs in. In a cloud to play with, passwords are no secret."""
        return Authenticate(
            user_name=self.name, user_domain_id=domain, password=f"{self.name}-secret",
            scope=ProjectScope(name=self.project, domain_id=domain),
        )  # fmt: skip


ACCOUNTS: Final = {
    account.name: account
    for account in (
        Account("admin", "admin", ("admin",)),
        Account("demo", "demo", ("member",)),
        *(
            Account(name, "service", ("admin", "service"))
            for name in ("nova", "neutron", "cinder", "glance", "placement")
        ),
    )
}
"""By name of the user. As in DevStack, the services' accounts are administrators too."""


def fill(store: Store, ids: Ids, chance: Random, domain: DomainId) -> None:
    """Put the accounts, their projects and roles, and the catalog into an empty Keystone.

    Args:
        store: Keystone's database.
        ids: makes the ids.
        chance: where salts come from.
        domain: id of the default domain.
    """
    store.domains[domain] = Domain(id=domain, name="Default")
    store.endpoints.extend(ENDPOINTS)
    roles: dict[str, Role] = {}
    projects: dict[str, Project] = {}
    for account in ACCOUNTS.values():
        if account.project not in projects:
            project = Project(id=ProjectId(ids.hex()), name=account.project, domain_id=domain)
            projects[account.project] = store.projects[project.id] = project
        user = User(id=UserId(ids.hex()), name=account.name, domain_id=domain)
        store.users[user.id] = user
        store.set_password(user.id, f"{account.name}-secret", chance)
        for name in account.roles:
            if name not in roles:
                roles[name] = Role(id=RoleId(ids.hex()), name=name)
                store.roles[roles[name].id] = roles[name]
            store.grants[Grant(user.id, projects[account.project].id, roles[name].id)] = None
