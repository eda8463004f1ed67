"""`reschedule-over-delete`: a host sends a server on to the next host, and overwrites that its user is deleting it.

A build that fails on a host lets the server go, deletes its ports, and then saves that it is to be scheduled anew. It does not look what the
server is doing by then. Its user deletes it meanwhile: as it has no host, the API deletes it at once, and says so in its task state, `deleting`;
which the host turns into `scheduling`. A conductor claims the next host for a server that is as good as gone.

Found by these invariants, not reported: nova 34.0.0 saves without `expected_task_state` here (`compute/manager.py`,
`_do_build_and_run_instance`, where it handles `RescheduledException`), unlike in the other steps of a build. The counterpart saves only
if nobody deletes the server, as it does in the other steps.
"""

from typing import Any

import anyio

from actors.ids import ServerId
from actors.nova.messages.servers import DeleteServer
from actors.nova.models import Instance
from actors.nova.service.compute import NovaCompute
from actors.nova.states import TaskState
from actors.nova.store import ANY
from actors.races.base import Race, Stage
from actors.races.boots import open_overbooked, server


class Heedless(NovaCompute):
    """Sends on whatever it could not build."""

    async def save(
        self, uuid: ServerId, *, expected_task_state: tuple[TaskState | None, ...] = ANY, **changes: Any
    ) -> Instance:
        if changes.get("task_state") is TaskState.SCHEDULING:
            expected_task_state = ANY
        return await super().save(uuid, expected_task_state=expected_task_state, **changes)


async def scenario(stage: Stage) -> None:
    """Two servers are booted on two hosts with room for one each, and deleted some seconds later."""
    demo = (await open_overbooked(stage)).session("demo")

    async def boot_and_delete(name: str) -> None:
        await anyio.sleep(stage.choose(f"{name} boot", (5.0, 2.0, 1.0, 0.5, 0.0)))
        (made,) = await demo.ask(server(name))
        await anyio.sleep(stage.choose(f"{name} delete", (30.0, 5.0, 4.5, 4.0, 3.5, 3.0, 2.5, 2.0, 1.0)))
        await demo.ask(DeleteServer(server_id=made.id))

    await stage.together(lambda: boot_and_delete("first"), lambda: boot_and_delete("second"))
    await stage.rest()


RACE = Race(
    name="reschedule-over-delete", invariants=("S19",), min_operations=2, variant={NovaCompute: Heedless},
    scenario=scenario, today=True,
)  # fmt: skip
program, counterpart = RACE.programs()
