"""What people do with servers."""

import anyio
import attrs

from actors.contents import IMAGE
from actors.ids import FlavorId, ServerId
from actors.nova.messages.server_groups import CreateServerGroup
from actors.nova.messages.servers import (
    CreateServer,
    CreateServerImage,
    DeleteServer,
    LiveMigrateServer,
    RebootServer,
    StartServer,
    StopServer,
)
from actors.nova.models import BlockDevice
from actors.testing.operations import ROOT_VOLUME
from actors.testing.stage import Stage
from actors.testing.workloads.base import PATIENCE, Operation, volume_status


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
        await stage.wait_until(lambda: volume_status(stage, volume) != "creating", PATIENCE)
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
