"""What people do with their tokens, and administrators with people."""

from collections.abc import Awaitable
from typing import Any

import anyio
import attrs
from attrs.validators import ge

from actors.calls import ApiRequest
from actors.context import Credentials
from actors.keystone.messages import (
    Authenticate,
    ChangePassword,
    GrantRole,
    RevokeRole,
    RevokeToken,
    UpdateProject,
    UpdateUser,
)
from actors.keystone.models import Project, ProjectScope, Role, User
from actors.nova.messages.servers import ListServers, ShowServer
from actors.testing.stage import Stage
from actors.testing.workloads.base import Operation


@attrs.frozen(kw_only=True, repr=False)
class Poll(Operation):
    """The user looks at all servers, again and again.

    Attributes:
        seconds: for so long.
        every: seconds between two looks.
    """

    seconds: float = 30.0
    every: float = attrs.field(default=2.0, validator=ge(0.1))

    async def run(self, stage: Stage) -> None:
        """Look."""
        with anyio.move_on_after(self.seconds):
            while True:
                servers = await stage.attempt(stage.demo.ask(ListServers()))
                for server in servers or ():
                    await stage.attempt(stage.demo.ask(ShowServer(server_id=server.id)))
                await anyio.sleep(self.every)


@attrs.frozen(kw_only=True, repr=False)
class SignOut(Operation):
    """The user signs out, which makes the token void; whatever the user does next begins with signing in.

    Attributes:
        elsewhere: at another terminal, so that the token is used once more, and refused.
    """

    elsewhere: bool = False

    async def run(self, stage: Stage) -> None:
        """Revoke the token with itself."""
        held = stage.demo.token
        if not self.elsewhere:
            stage.demo.token = None
        if held is not None:
            call = stage.world.bus.ask(RevokeToken(subject=held.id), context=Credentials(token=held.id))
            await stage.attempt(call)


@attrs.frozen(kw_only=True, repr=False)
class Exchange(Operation):
    """The user exchanges the token for another one."""

    async def run(self, stage: Stage) -> None:
        """Do it, and use that one from then on."""
        held = stage.demo.token
        if held is not None and held.token.project is not None:
            request = Authenticate(token=held.id, scope=ProjectScope(id=held.token.project.id))
            issued = await stage.attempt(stage.world.bus.ask(request))
            stage.demo.token = issued or stage.demo.token


@attrs.frozen(kw_only=True, repr=False)
class NewPassword(Operation):
    """The user changes the password, which makes all the user's tokens void.

    Attributes:
        password: the new one.
    """

    password: str = attrs.field(default="new-secret", repr=False)

    async def run(self, stage: Stage) -> None:
        """Ask for it, and sign in with the new one from then on."""
        old = stage.demo.account.password or ""
        call = ChangePassword(original_password=old, password=self.password)
        if old != self.password and await stage.attempt(_done(stage.demo.ask(call))):
            stage.demo.sign_in_with(self.password)


async def _done(what: Awaitable[Any]) -> bool:
    await what
    return True


@attrs.frozen(kw_only=True, repr=False)
class Withdrawal(Operation):
    """Base of what an administrator takes from the user, and gives back.

    Attributes:
        seconds: in between.
    """

    seconds: float = 10.0

    async def run(self, stage: Stage) -> None:
        """Do both; an administrator insists on the second."""
        take, give = self.requests(stage)
        await stage.attempt(stage.admin.ask(take))
        await anyio.sleep(self.seconds)
        await stage.insist(lambda: stage.admin.ask(give))

    def requests(self, stage: Stage) -> tuple[ApiRequest[Any], ApiRequest[Any]]:
        """What takes it, and what gives it back."""
        raise NotImplementedError


@attrs.frozen(kw_only=True, repr=False)
class LoseRole(Withdrawal):
    """An administrator takes the user's role away, and gives it back."""

    def requests(self, stage: Stage) -> tuple[ApiRequest[Any], ApiRequest[Any]]:
        """In the user's project."""
        user, project, role = _demo(stage)
        return (
            RevokeRole(user_id=user.id, project_id=project.id, role_id=role.id),
            GrantRole(user_id=user.id, project_id=project.id, role_id=role.id),
        )


@attrs.frozen(kw_only=True, repr=False)
class Suspend(Withdrawal):
    """An administrator disables the user, and enables the user again."""

    def requests(self, stage: Stage) -> tuple[ApiRequest[Any], ApiRequest[Any]]:
        """Two updates."""
        user, _, _ = _demo(stage)
        return UpdateUser(user_id=user.id, enabled=False), UpdateUser(user_id=user.id, enabled=True)


@attrs.frozen(kw_only=True, repr=False)
class CloseProject(Withdrawal):
    """An administrator disables the project, and enables it again."""

    def requests(self, stage: Stage) -> tuple[ApiRequest[Any], ApiRequest[Any]]:
        """Two updates."""
        _, project, _ = _demo(stage)
        return (
            UpdateProject(project_id=project.id, enabled=False),
            UpdateProject(project_id=project.id, enabled=True),
        )


def _demo(stage: Stage) -> tuple[User, Project, Role]:
    """The user, the user's project and the role there."""
    store = stage.cloud.stores.keystone
    return (
        next(one for one in store.users.values() if one.name == "demo"),
        next(one for one in store.projects.values() if one.name == "demo"),
        next(one for one in store.roles.values() if one.name == "member"),
    )
