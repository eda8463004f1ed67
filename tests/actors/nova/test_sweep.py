"""The sweep: whatever single thing goes wrong at whatever point of an operation, the cloud comes to rest and can be cleaned up."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import anyio
import attrs
import pytest

from actors.cinder.messages import DeleteAttachment, DeleteVolume
from actors.client.session import Session
from actors.cloud import Cloud
from actors.errors import CloudError
from actors.nova.messages.servers import DeleteServer, ShowServer
from actors.testing.operations import OPERATIONS
from actors.testing.sweep import Fault, Point, Striker, points, strike
from bus.errors import BusError
from bus.sim import World
from tests.actors.nova.stage import LOUD, Stage

READS = (ShowServer,)
REST = 1000.0
"""Seconds after which nothing is on its way any more: whoever waits longer is watched by a monitor of a minute or less."""

LEFT_BUSY = {
    "ScheduleAndBuildInstances": "BUILD",
    "BuildAndRunInstance": "BUILD",
    "LiveMigrateInstance": "MIGRATING",
}
"""Casts that nobody sends again: if a process is lost with one in hand, the server stays as it is until somebody deletes it, or an
operator resets its state, as in Nova (whose `instance_build_timeout` is off)."""

LEFT_BEHIND = {
    "BuildVolume": {"volumes"},  # creating for ever: cinder-volume was lost before it had noted the volume as its own
    "RemoveVolume": {"volumes"},  # deleting for ever, likewise
    "UnplugInterface": {"plugged"},  # a stale interface on the bridge, which nobody looks for
    "ManageAllocations": {"allocations"},  # of a migration: only `nova-manage placement audit` looks for them
    "LiveMigration": {"allocations"},
    "DeleteAllocations": {"allocations"},
    "ExternalInstanceEvent": {"allocations", "plugged"},  # the process was lost in the middle of a migration
}
"""What the loss of a message, or of the process that has it in hand, leaves until an operator acts, as in OpenStack."""


@attrs.frozen
class Outcome:
    """What became of an operation, and what could not be cleaned up."""

    busy: tuple[str, ...]
    left: dict[str, list[Any]]


def scenario(operation: str, *, service_tokens: bool) -> Callable[[World, Striker], Awaitable[Outcome]]:
    wanted = OPERATIONS[operation]

    async def program(world: World, striker: Striker) -> Outcome:
        nova = attrs.evolve(LOUD, send_service_user_token=service_tokens)
        cloud = await Cloud(nova=nova).start(world.bus, world.random)
        stage, user = Stage(world, cloud, cloud.session("demo"), cloud.session("admin")), cloud.session(wanted.by)
        await wanted.prepare(cloud, user)
        striker.arm(world)
        with suppress(CloudError, BusError):  # the caller is told; what counts is what is left
            await wanted.act(cloud, user)
        await anyio.sleep(REST)
        striker.disarm()
        rows = cloud.stores.nova.instances.values()
        busy = tuple(f"{row.vm_state}/{row.task_state}" for row in rows if row.task_state or row.vm_state == "building")
        waiting = tuple(
            "accepted" for uuid in cloud.stores.nova.build_requests if uuid not in cloud.stores.nova.instances
        )
        await clean_up(stage, cloud.session(wanted.by))
        return Outcome(busy + waiting, stage.left())

    return program


async def clean_up(stage: Stage, user: Session) -> None:
    """What a user does who wants to have nothing left: delete servers, then attachments, then volumes; twice, if need be."""
    stores = stage.cloud.stores
    for _ in range(2):
        requests = [DeleteServer(server_id=server) for server in stores.nova.mappings]
        await _try_all(user, requests)
        await anyio.sleep(400)
        await _try_all(user, [DeleteAttachment(attachment_id=row.id) for row in stores.cinder.attachments])
        await _try_all(user, [DeleteVolume(volume_id=row.id) for row in stores.cinder.volumes])
        await anyio.sleep(60)


async def _try_all(user: Session, requests: list[Any]) -> None:
    for request in requests:
        with suppress(CloudError, BusError):  # what is still there is seen at the end
            await user.ask(request)


def broken(point: Point, outcome: Outcome) -> str | None:
    """What is wrong with an outcome, but for what is known."""
    if outcome.busy and (point.message not in LEFT_BUSY or point.fault is Fault.EXPIRE):
        return f"{point}: still {', '.join(outcome.busy)}"
    left = outcome.left.keys() - LEFT_BEHIND.get(point.message, set())
    return f"{point}: {outcome.left}" if left else None


@pytest.mark.parametrize("fault", [Fault.EXPIRE, Fault.REFUSE, Fault.CRASH, Fault.CRASH_AFTER])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_whatever_goes_wrong_nothing_stays_in_between_and_all_of_it_can_be_deleted(operation, fault):
    play = scenario(operation, service_tokens=True)
    all_points = points(play, [fault], reads=READS)

    found = [broken(point, strike(play, point, reads=READS)) for point in all_points]

    assert all_points
    assert [text for text in found if text is not None] == []


@pytest.mark.parametrize("operation", ["boot"])
def test_a_token_that_dies_without_service_tokens_leaves_nothing_that_cannot_be_deleted(operation):
    play = scenario(operation, service_tokens=False)

    found = [broken(one, strike(play, one, reads=READS)) for one in points(play, [Fault.EXPIRE], reads=READS)]

    assert [text for text in found if text is not None] == []
