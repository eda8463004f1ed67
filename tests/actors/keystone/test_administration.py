"""Managing domains, projects, users, roles and who has which."""

from typing import Any

import pytest

from actors.errors import BadRequest, Conflict, Forbidden, NotFound, Unauthorized
from actors.ids import DomainId, ProjectId, RoleId, UserId
from actors.keystone.messages import (
    CreateDomain,
    CreateProject,
    CreateRole,
    CreateUser,
    DeleteDomain,
    DeleteProject,
    DeleteRole,
    DeleteUser,
    GrantRole,
    ListDomains,
    ListProjects,
    ListRoleAssignments,
    ListRoles,
    ListUsers,
    ShowDomain,
    ShowProject,
    ShowRole,
    ShowUser,
    UpdateDomain,
    UpdateProject,
    UpdateRole,
    UpdateUser,
    ValidateToken,
)  # fmt: skip
from actors.keystone.models import Domain, DomainScope, Project, ProjectScope, Role, RoleAssignment, SystemScope, User
from actors.keystone.store import SYSTEM, Grant
from tests.actors.town import DEFAULT, Town, play

DEMO, MEMBER, PROJECT = UserId("demo"), RoleId("member"), ProjectId("demo")
CREATE = {
    "domain": CreateDomain(name="new"),
    "project": CreateProject(name="new", domain_id=DEFAULT),
    "user": CreateUser(name="new", domain_id=DEFAULT),
    "role": CreateRole(name="new"),
}
SHOW = {"domain": ShowDomain, "project": ShowProject, "user": ShowUser, "role": ShowRole}
CHANGE = {"domain": UpdateDomain, "project": UpdateProject, "user": UpdateUser, "role": UpdateRole}
DELETE = {"domain": DeleteDomain, "project": DeleteProject, "user": DeleteUser, "role": DeleteRole}
LIST = {"domain": ListDomains, "project": ListProjects, "user": ListUsers, "role": ListRoles}


def about(messages: dict[str, Any], kind: str, row_id: str, **fields: Any) -> Any:
    """One of *messages* about the row with this id."""
    return messages[kind](**{f"{kind}_id": row_id}, **fields)


KINDS = pytest.mark.parametrize("kind", list(CREATE))


@KINDS
def test_a_row_comes_is_shown_renamed_and_goes(kind):
    async def story(town: Town):
        admin = town.session("admin")
        row = await admin.ask(CREATE[kind])
        assert await admin.ask(about(SHOW, kind, row.id)) == row
        assert row in await admin.ask(LIST[kind]())
        renamed = await admin.ask(about(CHANGE, kind, row.id, name="other"))
        assert (renamed.id, renamed.name) == (row.id, "other")
        assert await admin.ask(LIST[kind](name="other")) == (renamed,)
        assert await admin.ask(LIST[kind](name="new")) == ()
        if kind == "domain":
            await admin.ask(UpdateDomain(domain_id=row.id, enabled=False))
        await admin.ask(about(DELETE, kind, row.id))
        for gone in (about(SHOW, kind, row.id), about(DELETE, kind, row.id), about(CHANGE, kind, row.id, name="x")):
            with pytest.raises(NotFound, match=row.id):
                await admin.ask(gone)

    play(story)


@KINDS
def test_a_name_is_taken_once_and_may_be_kept(kind):
    async def story(town: Town):
        admin = town.session("admin")
        row = await admin.ask(CREATE[kind])
        with pytest.raises(Conflict, match="new"):
            await admin.ask(CREATE[kind])
        assert await admin.ask(about(CHANGE, kind, row.id, name="new")) == row
        taken = (await admin.ask(LIST[kind]()))[0]
        with pytest.raises(Conflict, match=taken.name):
            await admin.ask(about(CHANGE, kind, row.id, name=taken.name))
        assert await admin.ask(about(SHOW, kind, row.id)) == row

    play(story)


def test_the_same_name_is_free_in_another_domain():
    async def story(town: Town):
        admin = town.session("admin")
        domain = await admin.ask(CreateDomain(name="Other"))
        await admin.ask(CreateUser(name="demo", domain_id=domain.id))
        await admin.ask(CreateProject(name="demo", domain_id=domain.id))
        for message in (
            CreateUser(name="x", domain_id=DomainId("none")), CreateProject(name="x", domain_id=DomainId("none")),
        ):  # fmt: skip
            with pytest.raises(NotFound, match="none"):
                await admin.ask(message)

    play(story)


@KINDS
def test_only_administrators_create_change_and_delete(kind):
    async def story(town: Town):
        for message in (CREATE[kind], about(CHANGE, kind, "demo", name="x"), about(DELETE, kind, "demo"), LIST[kind]()):
            with pytest.raises(Forbidden):
                await town.session("demo").ask(message)

    play(story)


def test_readers_of_the_system_see_all_and_change_nothing():
    async def story(town: Town):
        town.store.roles[RoleId("reader")] = Role(id=RoleId("reader"), name="reader")
        town.store.grants[Grant(DEMO, SYSTEM, RoleId("reader"))] = None
        reader = (await town.sign_in(scope=SystemScope())).id
        for kind, row_id in (("domain", DEFAULT), ("project", "service"), ("user", "nova"), ("role", "admin")):
            await town.ask(LIST[kind](), reader)
            await town.ask(about(SHOW, kind, row_id), reader)
            with pytest.raises(Forbidden):
                await town.ask(about(DELETE, kind, row_id), reader)
        await town.ask(ListRoleAssignments(), reader)

    play(story)


def test_users_see_themselves_their_project_and_its_domain_and_no_others():
    async def story(town: Town):
        demo = town.session("demo")
        assert isinstance(await demo.ask(ShowUser(user_id=DEMO)), User)
        assert isinstance(await demo.ask(ShowProject(project_id=PROJECT)), Project)
        assert isinstance(await demo.ask(ShowDomain(domain_id=DEFAULT)), Domain)
        other = await town.session("admin").ask(CreateDomain(name="Other"))
        for message in (
            ShowUser(user_id=UserId("nova")), ShowProject(project_id=ProjectId("service")),
            ShowDomain(domain_id=other.id), ShowRole(role_id=MEMBER), ListRoleAssignments(user_id=DEMO),
        ):  # fmt: skip
            with pytest.raises(Forbidden):
                await demo.ask(message)

    play(story)


def test_lists_take_every_filter_and_all_must_fit():
    async def story(town: Town):
        admin = town.session("admin")
        other = await admin.ask(CreateDomain(name="Other", enabled=False))
        user = await admin.ask(CreateUser(name="demo", domain_id=other.id, enabled=False))
        project = await admin.ask(CreateProject(name="demo", domain_id=other.id, enabled=False))
        assert await admin.ask(ListDomains(enabled=False)) == (other,)
        for kind, row in ((ListUsers, user), (ListProjects, project)):
            for filters in ({"domain_id": other.id}, {"enabled": False}, {"name": "demo", "enabled": False}):
                assert await admin.ask(kind(**filters)) == (row,)
            assert len(await admin.ask(kind(name="demo"))) == 2
            assert await admin.ask(kind(domain_id=other.id, enabled=True)) == ()

    play(story)


# -- domains -----------------------------------------------------------------------------------------------------------


def test_a_domain_must_be_disabled_before_it_is_deleted_and_takes_all_that_is_in_it_along():
    async def story(town: Town):
        admin = town.session("admin")
        domain = await admin.ask(CreateDomain(name="Other"))
        user = await admin.ask(CreateUser(name="u", domain_id=domain.id, password="pw"))
        project = await admin.ask(CreateProject(name="p", domain_id=domain.id))
        for target in ({"project_id": project.id}, {"domain_id": domain.id}, {"project_id": PROJECT}):
            await admin.ask(GrantRole(user_id=user.id, role_id=MEMBER, **target))
        await admin.ask(GrantRole(user_id=DEMO, role_id=MEMBER, project_id=project.id))
        issued = await town.sign_in("demo", scope=ProjectScope(id=project.id))
        before = dict(town.store.grants)
        with pytest.raises(Forbidden, match="disable it first"):
            await admin.ask(DeleteDomain(domain_id=domain.id))
        assert town.store.grants == before
        await admin.ask(UpdateDomain(domain_id=domain.id, enabled=False))
        await admin.ask(DeleteDomain(domain_id=domain.id))
        assert set(town.store.users) == {"admin", "nova", "demo"}
        assert set(town.store.projects) == {"service", "demo"}
        assert len(town.store.grants) == 3
        with pytest.raises(NotFound):
            await admin.ask(ValidateToken(subject=issued.id))

    play(story)


def test_nobody_signs_in_to_a_disabled_domain_by_any_scope():
    async def story(town: Town):
        admin = town.session("admin")
        domain = await admin.ask(CreateDomain(name="Other"))
        user = await admin.ask(CreateUser(name="u", domain_id=domain.id, password="pw"))
        await admin.ask(GrantRole(user_id=user.id, role_id=MEMBER, project_id=PROJECT))
        await admin.ask(GrantRole(user_id=DEMO, role_id=MEMBER, domain_id=domain.id))
        await admin.ask(UpdateDomain(domain_id=domain.id, enabled=False))
        with pytest.raises(Unauthorized):
            await town.sign_in(user_name="u", user_domain_id=domain.id, password="pw", scope=ProjectScope(id=PROJECT))
        with pytest.raises(Unauthorized):
            await town.sign_in(scope=DomainScope(id=domain.id))

    play(story)


# -- role assignments --------------------------------------------------------------------------------------------------


def test_role_assignments_are_listed_by_user_role_and_scope():
    async def story(town: Town):
        admin = town.session("admin")
        for target in ({"domain_id": DEFAULT}, {}):
            await admin.ask(GrantRole(user_id=DEMO, role_id=RoleId("service"), **target))
        on_project = RoleAssignment(role_id=MEMBER, user_id=DEMO, project_id=PROJECT)
        on_domain = RoleAssignment(role_id=RoleId("service"), user_id=DEMO, domain_id=DEFAULT)
        on_system = RoleAssignment(role_id=RoleId("service"), user_id=DEMO, system="all")
        for filters, expected in (
            ({"user_id": DEMO}, (on_project, on_domain, on_system)),
            ({"role_id": MEMBER}, (on_project,)),
            ({"project_id": PROJECT}, (on_project,)),
            ({"domain_id": DEFAULT}, (on_domain,)),
            ({"system": "all"}, (on_system,)),
            ({"user_id": DEMO, "role_id": MEMBER, "domain_id": DEFAULT}, ()),
        ):
            assert await admin.ask(ListRoleAssignments(**filters)) == expected
        assert len(await admin.ask(ListRoleAssignments())) == 5

    play(story)


@pytest.mark.parametrize(
    "scopes", [{"project_id": PROJECT, "domain_id": DEFAULT}, {"project_id": PROJECT, "system": "all"}], ids=str
)
def test_role_assignments_are_listed_by_one_scope_only(scopes):
    async def story(town: Town):
        with pytest.raises(BadRequest, match="Specify one of"):
            await town.session("admin").ask(ListRoleAssignments(**scopes))

    play(story)


def test_a_deleted_role_is_missing_in_tokens_at_once():
    async def story(town: Town):
        admin, demo = town.session("admin"), await town.sign_in()
        await admin.ask(GrantRole(user_id=DEMO, role_id=RoleId("service"), project_id=PROJECT))
        await admin.ask(DeleteRole(role_id=MEMBER))
        return (await admin.ask(ValidateToken(subject=demo.id))).role_names

    assert play(story) == ("service",)


def test_a_grant_needs_its_user_role_and_target():
    async def story(town: Town):
        good = {"user_id": DEMO, "role_id": MEMBER, "project_id": PROJECT}
        for wrong in ({"user_id": "none"}, {"role_id": "none"}, {"project_id": "none"}):
            with pytest.raises(NotFound, match="none"):
                await town.session("admin").ask(GrantRole(**good | wrong))

    play(story)
