"""Workloads: what people do with a cloud at the same time, as values.

A workload is a tuple of operations, each with the second at which it begins. Operations on a server or a volume name it, and wait until
whoever makes it has got its id: so *delete at 2* means two seconds after the beginning, or as soon as there is something to delete. The cloud
may refuse any of it.
"""

from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any

import anyio
import attrs
from attrs.validators import ge

from actors.cinder.messages import CreateVolume, DeleteVolume
from actors.contents import IMAGE
from actors.context import Credentials
from actors.ids import FlavorId, ServerId, VolumeId
from actors.keystone.messages import (
    TOPIC as KEYSTONE,
)
from actors.keystone.messages import (
    Authenticate,
    ChangePassword,
    DistributeKeys,
    FlushTokens,
    GrantRole,
    RevokeRole,
    RevokeToken,
    RotateKeys,
    UpdateProject,
    UpdateUser,
)
from actors.keystone.models import Project, ProjectScope, Role, User
from actors.nova.messages.server_groups import CreateServerGroup
from actors.nova.messages.servers import (
    AttachVolume,
    CreateServer,
    CreateServerImage,
    DeleteServer,
    DetachVolume,
    ListServers,
    LiveMigrateServer,
    RebootServer,
    ShowServer,
    StartServer,
    StopServer,
)
from actors.nova.models import BlockDevice
from actors.testing.brief import brief
from actors.testing.operations import ROOT_VOLUME
from actors.testing.stage import OPERATOR, Stage
from bus.broker import Bus
from bus.topic import Target

PATIENCE = 120.0
"""Seconds that an operation waits until the thing it is about is ready."""


@attrs.frozen(kw_only=True, repr=False)
class Operation:
    """Something that somebody does.

    Attributes:
        at: seconds after the beginning of the workload.
    """

    at: float = attrs.field(default=0.0, validator=ge(0))

    def __repr__(self) -> str:
        return brief(self)

    def announce(self, stage: Stage) -> None:
        """Say what it is going to make, before anything begins."""

    async def run(self, stage: Stage) -> None:
        """Do it."""
        raise NotImplementedError


Workload = tuple[Operation, ...]


async def run_workload(workload: Sequence[Operation], stage: Stage) -> None:
    """Do everything, each at its time, and return when all have ended."""

    async def run(operation: Operation) -> None:
        await anyio.sleep(operation.at)
        await operation.run(stage)

    for operation in workload:
        operation.announce(stage)
    async with anyio.create_task_group() as group:
        for operation in workload:
            group.start_soon(run, operation, name=f"{type(operation).__name__}@{operation.at}")


# -- servers -----------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True, repr=False)
class Boot(Operation):
    """The user boots a server.

    Attributes:
        server: its name.
        volume: whether it boots from a new volume, which goes with it.
        apart: whether it belongs to the group of those that must be on different hosts.
        disk: a volume that is there, by its name, and is to be its second disk; None for none.
    """

    server: str
    volume: bool = False
    apart: bool = False
    disk: str | None = None

    def announce(self, stage: Stage) -> None:
        """Whoever wants to do something with the server waits for this."""
        stage.servers.announce(self.server)

    async def run(self, stage: Stage) -> None:
        """Ask for it, and put it on the stage as soon as it is accepted."""
        group = await self._group(stage) if self.apart else None
        request = CreateServer(
            name=self.server, flavor_ref=FlavorId("1"), image_ref=None if self.volume else IMAGE, group=group,
            block_devices=(*((ROOT_VOLUME,) if self.volume else ()), *await self._disk(stage)),
        )  # fmt: skip
        made = await stage.attempt(stage.demo.ask(request))
        stage.servers.put(self.server, None if made is None else made[0].id)

    async def _disk(self, stage: Stage) -> tuple[BlockDevice, ...]:
        volume = None if self.disk is None else await stage.volumes.get(self.disk)
        if volume is None:
            return ()
        await stage.wait_until(lambda: _status(stage, volume) != "creating", PATIENCE)
        return (BlockDevice(source_type="volume", destination_type="volume", volume_id=volume),)

    async def _group(self, stage: Stage) -> str | None:
        groups = stage.cloud.stores.nova.server_groups
        there = next((one.id for one in groups.values() if one.name == APART), None)
        if there is None:
            made = await stage.attempt(stage.demo.ask(CreateServerGroup(name=APART, group_policy="anti-affinity")))
            there = None if made is None else made.id
        return there


APART = "apart"
"""Name of the group whose members must be on different hosts."""


@attrs.frozen(kw_only=True, repr=False)
class OnServer(Operation):
    """Base of what is done to a server.

    Attributes:
        server: its name.
        ready: whether to wait until it is ACTIVE.
    """

    server: str
    ready: bool = False

    async def run(self, stage: Stage) -> None:
        """Do it as soon as the server can be named."""
        server = await stage.servers.get(self.server)
        if server is None:
            return
        if self.ready:
            rows = stage.cloud.stores.nova.instances
            await stage.wait_until(lambda: server not in rows or rows[server].status in ENDS, PATIENCE)
        await self.act(stage, server)

    async def act(self, stage: Stage, server: ServerId) -> None:
        """Do it."""
        raise NotImplementedError


ENDS = ("ACTIVE", "ERROR")


@attrs.frozen(kw_only=True, repr=False)
class Delete(OnServer):
    """The user deletes a server."""

    async def act(self, stage: Stage, server: ServerId) -> None:
        """Ask for it."""
        await stage.attempt(stage.demo.ask(DeleteServer(server_id=server)))


@attrs.frozen(kw_only=True, repr=False)
class Snapshot(OnServer):
    """The user makes an image of a server."""

    async def act(self, stage: Stage, server: ServerId) -> None:
        """Ask for it."""
        await stage.attempt(stage.demo.ask(CreateServerImage(server_id=server, name=f"{self.server}-image")))


@attrs.frozen(kw_only=True, repr=False)
class Migrate(OnServer):
    """An administrator moves a server to another host while it runs."""

    async def act(self, stage: Stage, server: ServerId) -> None:
        """Ask for it."""
        await stage.attempt(stage.admin.ask(LiveMigrateServer(server_id=server)))


@attrs.frozen(kw_only=True, repr=False)
class Reboot(OnServer):
    """The user reboots a server.

    Attributes:
        hard: without asking the guest.
    """

    hard: bool = False

    async def act(self, stage: Stage, server: ServerId) -> None:
        """Ask for it."""
        kind = "HARD" if self.hard else "SOFT"
        await stage.attempt(stage.demo.ask(RebootServer(server_id=server, type=kind)))


@attrs.frozen(kw_only=True, repr=False)
class StopAndStart(OnServer):
    """The user stops a server, and starts it again.

    Attributes:
        pause: seconds in between.
    """

    pause: float = 10.0

    async def act(self, stage: Stage, server: ServerId) -> None:
        """Ask for it."""
        await stage.attempt(stage.demo.ask(StopServer(server_id=server)))
        await anyio.sleep(self.pause)
        await stage.attempt(stage.demo.ask(StartServer(server_id=server)))


# -- volumes -----------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True, repr=False)
class MakeVolume(Operation):
    """The user creates a volume of 1 GB.

    Attributes:
        volume: its name.
    """

    volume: str

    def announce(self, stage: Stage) -> None:
        """Whoever wants to do something with the volume waits for this."""
        stage.volumes.announce(self.volume)

    async def run(self, stage: Stage) -> None:
        """Ask for it, and put it on the stage as soon as it is accepted."""
        made = await stage.attempt(stage.demo.ask(CreateVolume(name=self.volume, size=1)))
        stage.volumes.put(self.volume, None if made is None else made.id)


@attrs.frozen(kw_only=True, repr=False)
class RemoveVolume(Operation):
    """The user deletes a volume."""

    volume: str

    async def run(self, stage: Stage) -> None:
        """Ask for it."""
        volume = await stage.volumes.get(self.volume)
        if volume is not None:
            await stage.attempt(stage.demo.ask(DeleteVolume(volume_id=volume)))


@attrs.frozen(kw_only=True, repr=False)
class Attach(OnServer):
    """The user attaches a volume to a server.

    Attributes:
        volume: its name.
    """

    volume: str
    ready: bool = True

    async def act(self, stage: Stage, server: ServerId) -> None:
        """Wait for the volume, and ask for it."""
        volume = await stage.volumes.get(self.volume)
        if volume is not None:
            await stage.wait_until(lambda: _status(stage, volume) != "creating", PATIENCE)
            await stage.attempt(stage.demo.ask(AttachVolume(server_id=server, volume_id=volume)))


@attrs.frozen(kw_only=True, repr=False)
class Detach(OnServer):
    """The user detaches a volume from a server, once it is attached.

    Attributes:
        volume: its name.
    """

    volume: str
    ready: bool = True

    async def act(self, stage: Stage, server: ServerId) -> None:
        """Wait for the attachment for a while, and ask for it."""
        volume = await stage.volumes.get(self.volume)
        if volume is not None:
            await stage.wait_until(lambda: _status(stage, volume) == "in-use", PATIENCE)
            await stage.attempt(stage.demo.ask(DetachVolume(server_id=server, volume_id=volume)))


def _status(stage: Stage, volume: VolumeId) -> str:
    row = stage.cloud.stores.cinder.volumes.get(volume)
    return "deleted" if row is None else row.status


# -- users and their tokens --------------------------------------------------------------------------------------------


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
class LoseRole(Operation):
    """An administrator takes the user's role away, and gives it back.

    Attributes:
        seconds: in between.
    """

    seconds: float = 10.0

    async def run(self, stage: Stage) -> None:
        """Do both; an administrator insists."""
        user, project, role = _demo(stage)
        take = RevokeRole(user_id=user.id, project_id=project.id, role_id=role.id)
        give = GrantRole(user_id=user.id, project_id=project.id, role_id=role.id)
        await stage.attempt(stage.admin.ask(take))
        await anyio.sleep(self.seconds)
        await stage.insist(lambda: stage.admin.ask(give))


@attrs.frozen(kw_only=True, repr=False)
class Suspend(Operation):
    """An administrator disables the user, and enables the user again.

    Attributes:
        seconds: in between.
    """

    seconds: float = 10.0

    async def run(self, stage: Stage) -> None:
        """Do both; an administrator insists."""
        user, _, _ = _demo(stage)
        await stage.attempt(stage.admin.ask(UpdateUser(user_id=user.id, enabled=False)))
        await anyio.sleep(self.seconds)
        await stage.insist(lambda: stage.admin.ask(UpdateUser(user_id=user.id, enabled=True)))


@attrs.frozen(kw_only=True, repr=False)
class CloseProject(Operation):
    """An administrator disables the project, and enables it again.

    Attributes:
        seconds: in between.
    """

    seconds: float = 10.0

    async def run(self, stage: Stage) -> None:
        """Do both; an administrator insists."""
        _, project, _ = _demo(stage)
        await stage.attempt(stage.admin.ask(UpdateProject(project_id=project.id, enabled=False)))
        await anyio.sleep(self.seconds)
        await stage.insist(lambda: stage.admin.ask(UpdateProject(project_id=project.id, enabled=True)))


def _demo(stage: Stage) -> tuple[User, Project, Role]:
    """The user, the user's project and the role there."""
    store = stage.cloud.stores.keystone
    return (
        next(one for one in store.users.values() if one.name == "demo"),
        next(one for one in store.projects.values() if one.name == "demo"),
        next(one for one in store.roles.values() if one.name == "member"),
    )


# -- operators ---------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True, repr=False)
class Rotate(Operation):
    """An operator rotates the keys of the first Keystone, and distributes them to the others.

    One rotation at a time: keys that are rotated again before the others have them are unknown there (Keystone's FAQ on Fernet tokens, and
    `actors.races.fernet_double_rotation`).
    """

    async def run(self, stage: Stage) -> None:
        """Do both, and insist on the second."""
        if stage.cloud.config.keystone.provider == "fernet":
            async with stage.rotating:
                await self._rotate(stage.world.bus, stage)

    async def _rotate(self, bus: Bus, stage: Stage) -> None:
        first, *others = bus.targets(KEYSTONE)
        if await stage.insist(lambda: bus.ask(RotateKeys(), to=first, context=OPERATOR), attempts=1) is None:
            return
        for other in others:
            push = DistributeKeys(server=str(other.server))
            await stage.insist(partial(self._push, bus, push, first))

    async def _push(self, bus: Bus, push: DistributeKeys, first: Target) -> bool:
        await bus.ask(push, to=first, context=OPERATOR)
        return True


@attrs.frozen(kw_only=True, repr=False)
class Flush(Operation):
    """An operator deletes expired tokens from Keystone's table."""

    async def run(self, stage: Stage) -> None:
        """Do it."""
        await stage.attempt(stage.world.bus.ask(FlushTokens(), context=OPERATOR))
