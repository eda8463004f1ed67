"""`task-state-500`: who loses a race that is allowed to be lost is told that the cloud is broken.

Two things are asked of one server at about the same time. Both find it idle; while the first prepares its snapshot, the second sets the
task state. The first one's own write is then refused, as it must be; and instead of 409, "something else is being done to the server",
its user read 500, and the operator a stack trace.

Sources: nova a423d8b277 (LP 1850694).
"""

import anyio

from actors.errors import InternalError
from actors.nova.errors import InstanceInvalidState
from actors.nova.messages.servers import CreateServerImage, StopServer
from actors.nova.models import Instance
from actors.nova.service.api import NovaApi
from actors.nova.states import TaskState
from actors.races.base import Race, Stage
from actors.races.boots import active_server, open_small


class SurprisedApi(NovaApi):
    """Does not expect that somebody was faster."""

    async def _begin(
        self, instance: Instance, action: str, state: TaskState, *, expected: tuple[TaskState | None, ...] = (None,)
    ) -> None:
        try:
            await super()._begin(instance, action, state, expected=expected)
        except InstanceInvalidState as error:
            raise InternalError("Unexpected API Error.") from error


async def scenario(stage: Stage) -> None:
    """A snapshot of a server is taken, and about then the server is stopped."""
    demo = (await open_small(stage)).session("demo")
    one = await active_server(demo)

    async def stop() -> None:
        await anyio.sleep(stage.choose("seconds later", (2.0, 1.5, 1.0, 0.5, 0.2, 0.1, 0.0)))
        await demo.ask(StopServer(server_id=one))

    await stage.together(lambda: demo.ask(CreateServerImage(server_id=one, name="snapshot")), stop)
    await stage.rest()


RACE = Race(
    name="task-state-500", invariants=("S24",), min_operations=2, variant={NovaApi: SurprisedApi}, scenario=scenario
)
program, counterpart = RACE.programs()
