"""A whole cloud in a world, for tests of Nova: somebody who boots servers, and who listens to what Nova notifies."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import anyio
import attrs

from actors.calls import ApiRequest
from actors.client.session import Session
from actors.cloud import Cloud, CloudConfig
from actors.contents import IMAGE
from actors.errors import NotFound
from actors.ids import ServerId
from actors.nova.config import NovaConfig
from actors.nova.messages.servers import CreateServer, DeleteServer, ShowServer
from actors.nova.models import Server
from actors.nova.notifications import (
    ComputeTaskNotification,
    InstanceNotification,
    InstanceUpdate,
    SchedulerNotification,
)
from actors.testing.operations import TINY
from bus.actor import Actor
from bus.middleware import Middleware
from bus.sim import World
from bus.supervisor import Supervisor

R = TypeVar("R")

LOUD = NovaConfig(send_service_user_token=True, notify_on_state_change="vm_and_task_state")
"""Nova that notifies every change of state."""


class Ear(Actor):
    """Writes down what Nova notifies, in order."""

    topic = "ear"

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    @InstanceNotification.handler
    def instance(self, msg: InstanceNotification) -> None:
        if not isinstance(msg, InstanceUpdate):
            self.lines.append(msg.event_type)

    @InstanceUpdate.handler
    def update(self, msg: InstanceUpdate) -> None:
        before = "" if msg.old_state is None else f"{msg.old_state}/{msg.old_task_state} -> "
        self.lines.append(f"{before}{msg.instance.vm_state}/{msg.instance.task_state}")

    @SchedulerNotification.handler
    def scheduler(self, msg: SchedulerNotification) -> None:
        self.lines.append(msg.event_type)

    @ComputeTaskNotification.handler
    def task(self, msg: ComputeTaskNotification) -> None:
        self.lines.append(msg.event_type)


@attrs.define
class Stage:
    """What a test needs at hand.

    Attributes:
        world: where it happens.
        cloud: the cloud.
        demo: a user.
        admin: an administrator.
        heard: what Nova has notified.
    """

    world: World
    cloud: Cloud
    demo: Session
    admin: Session
    heard: list[str] = attrs.field(factory=list)

    async def boot(self, who: Session | None = None, **options: Any) -> ServerId:
        """Ask for one server."""
        wanted = {"name": "one", "flavor_ref": TINY, "image_ref": IMAGE, **options}
        (created,) = await (who or self.demo).ask(CreateServer(**wanted))
        return created.id

    async def settled(self, server: ServerId, within: float = 2000.0) -> Server | None:
        """The server as soon as nothing is being done to it; None if it is gone."""
        deadline = self.world.now + within
        while self.world.now < deadline:
            await anyio.sleep(1)
            try:
                shown = await self.admin.ask(ShowServer(server_id=server))
            except NotFound:
                return None
            if shown.status in {"ACTIVE", "ERROR", "SHUTOFF"} and shown.task_state is None:
                return shown
        raise AssertionError(f"still {shown.vm_state}/{shown.task_state} after {within} s")

    async def active(self, **options: Any) -> Server:
        """A server that runs."""
        shown = await self.settled(await self.boot(**options))
        assert shown is not None
        assert shown.status == "ACTIVE", shown.fault
        return shown

    async def delete(self, server: ServerId) -> None:
        """Delete a server, and wait until it is gone."""
        await self.demo.ask(DeleteServer(server_id=server))
        assert await self.settled(server) is None

    async def ask(self, request: ApiRequest[R]) -> R:
        """Ask as the user."""
        return await self.demo.ask(request)

    def left(self) -> dict[str, list[Any]]:
        """What there is of servers anywhere in the cloud, by kind; nothing of kinds of which there is none."""
        stores = self.cloud.stores
        found = {
            "servers": list(stores.nova.instances),
            "build requests": list(stores.nova.build_requests),
            "mappings": list(stores.nova.mappings),
            "allocations": list(stores.placement.consumers),
            "ports": [port.id for port in stores.neutron.ports.values() if port.device_owner.startswith("compute:")],
            "unbound ports": [port.id for port in stores.neutron.ports.values() if not port.device_owner],
            "attachments": [row.id for row in stores.cinder.attachments],
            "volumes": [row.id for row in stores.cinder.volumes],
            "guests": [server for host in stores.hosts.values() for server in host.guests],
            "plugged": [port for bridge in stores.bridges.values() for port in bridge.plugged],
        }
        return {kind: rows for kind, rows in found.items() if rows}


Story = Callable[[Stage], Awaitable[Any]]


def play(
    story: Story, config: CloudConfig | None = None, *, seed: int | None = None, middleware: Sequence[Middleware] = (),
    **options: Any,
) -> Any:  # fmt: skip
    """Play a story in a cloud; *options* are those of a `CloudConfig`, and Nova is loud unless they say otherwise."""

    async def program(world: World) -> Any:
        cloud = Cloud(config, **{"nova": LOUD, **options} if config is None else options)
        await cloud.start(world.bus, world.random)
        stage = Stage(world, cloud, cloud.session("demo"), cloud.session("admin"))
        await Supervisor(world.bus).start(Ear, stage.heard)
        return await story(stage)

    return World(seed, middleware=middleware).run(program)
