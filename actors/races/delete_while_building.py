"""`delete-while-building`: nobody owns a server that is half built, and its allocation stays behind.

The scheduler has claimed a host for a new server when its user deletes it. There is no server in any cell yet, so the API deletes the
build request, and that is all. The conductor then finds the request gone, and stops; and it forgot that the scheduler's claim was for
nobody now. The host seems fuller than it is, until an operator compares Placement with Nova.

Sources: nova f35930eef8 (LP 1859496), 57a3af6921 (LP 1679750), 123f6262f6 (LP 1914777), ea9d0af313 (LP 1679750), 42d7ff980e, f7dd550a70
(LP 2088066: the volume stays reserved), d1baa9fe7e (LP 1404867, LP 1408527). Fixed by cleaning up in each of the branches that stop.
"""

import anyio

from actors.ids import ServerId
from actors.nova.messages.servers import DeleteServer
from actors.nova.models import BuildRequest
from actors.nova.service.conductor import NovaConductor
from actors.races.base import Race, Stage
from actors.races.boots import open_small, server


class ForgetfulConductor(NovaConductor):
    """Stops, and leaves the allocation."""

    async def _enter_cell(self, request: BuildRequest) -> bool:
        uuid = request.instance.uuid
        if uuid not in self.store.build_requests:
            self.store.forget(uuid)
            return False
        return await super()._enter_cell(request)


async def scenario(stage: Stage) -> None:
    """A server is booted, and deleted soon after that."""
    demo = (await open_small(stage)).session("demo")
    made: list[ServerId] = []
    accepted = anyio.Event()

    async def boot() -> None:
        try:
            made.extend(one.id for one in await demo.ask(server("one")))
        finally:
            accepted.set()

    async def delete() -> None:
        await accepted.wait()
        await anyio.sleep(stage.choose("seconds later", (5.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.0)))
        for one in made:
            await demo.ask(DeleteServer(server_id=one))

    await stage.together(boot, delete)
    await stage.rest(bound=300.0)


RACE = Race(
    name="delete-while-building", invariants=("L2", "L3"), min_operations=2, variant={NovaConductor: ForgetfulConductor},
    scenario=scenario,
)  # fmt: skip
program, counterpart = RACE.programs()
