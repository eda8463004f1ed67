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
from actors.nova.messages.servers import DeleteServer, ResetServerState, ShowServer
from actors.testing.invariants import Watch
from actors.testing.operations import OPERATIONS
from actors.testing.sweep import Fault, Point, Striker, points, strike
from bus.errors import BusError
from bus.sim import World
from tests.actors.nova.stage import LOUD, Stage

READS = (ShowServer,)
REST = 1000.0
"""Seconds after which nothing is on its way any more: whoever waits longer is watched by a monitor of a minute or less."""

LOST = frozenset(Fault) - {Fault.EXPIRE}
LEFT_BUSY = {
    "ScheduleAndBuildInstances": LOST,
    "BuildAndRunInstance": LOST,
    "LiveMigrateInstance": LOST,
    # A nova-compute puts right at its start what it had in hand when it died; it does not start because a message is lost.
    "LiveMigration": {Fault.DROP},
    "RebootInstance": {Fault.DROP},
    "SnapshotInstance": {Fault.DROP},
    "TerminateInstance": {Fault.DROP},
    # Placement is silent for minutes, and so it is, too, when a build that has failed for it gives back its host to be sent to another one:
    # nova has saved by then that the server is scheduling, and has not told a conductor.
    "ListAllocations": {Fault.DELAY},
}
"""Casts that nobody sends again, and what else leaves a server busy, as in Nova (whose `instance_build_timeout` is off): it stays as it is
until its user deletes it, or an operator resets its state."""

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

KNOWN_UNSAFE = {
    # cinder-api answers 500 if a backend is silent (its `api/v3/attachments.py`): nobody has lost a race.
    "ConnectAttachment": {"S24"},
    "DisconnectAttachment": {"S24"},
    # Neutron cannot reach Nova, which S23 takes for granted: the boot waits in vain, as in OpenStack.
    "CreateExternalEvents": {"S23"},
}
"""Invariants of safety that say nothing of it if this goes wrong."""

LEFT_BY_DELAY = {
    # The new host prepares itself when the migration has been given up, and rolled back there.
    "PreLiveMigration": {"plugged"},
    "PrepareMigration": {"plugged"},
}
"""What a message leaves that comes when nobody waits for it any more."""


@attrs.frozen
class Outcome:
    """What became of an operation, what could not be cleaned up, and which invariants of safety broke meanwhile, with what was seen."""

    busy: tuple[str, ...]
    left: dict[str, list[Any]]
    unsafe: dict[str, str]


def scenario(operation: str, *, service_tokens: bool) -> Callable[[World, Striker], Awaitable[Outcome]]:
    wanted = OPERATIONS[operation]

    async def program(world: World, striker: Striker) -> Outcome:
        nova = attrs.evolve(LOUD, send_service_user_token=service_tokens)
        cloud = Cloud(nova=nova)
        watch = Watch(cloud, world)
        await cloud.start(world.bus, world.random)
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
        watch.at_rest()
        unsafe = {one.invariant: str(one) for one in watch.violations if one.invariant.startswith("S")}
        return Outcome(busy + waiting, stage.left(), unsafe)

    return program


async def clean_up(stage: Stage, user: Session) -> None:
    """What a user does who wants to have nothing left: delete servers, then attachments, then volumes; twice, if need be.

    In between an operator resets the state of servers that are still there.
    """
    stores = stage.cloud.stores
    for again in (False, True):
        if again:
            await _try_all(
                stage.admin, [ResetServerState(server_id=uuid, state="error") for uuid in stores.nova.instances]
            )
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
    if outcome.busy and point.fault not in LEFT_BUSY.get(point.message, ()):
        return f"{point}: still {', '.join(outcome.busy)}"
    unsafe = [text for name, text in outcome.unsafe.items() if name not in KNOWN_UNSAFE.get(point.message, ())]
    if unsafe:
        return f"{point}: {'; '.join(unsafe)}"
    known = LEFT_BEHIND.get(point.message, set())
    if point.fault is Fault.DELAY:
        known = known | LEFT_BY_DELAY.get(point.message, set())
    left = outcome.left.keys() - known
    return f"{point}: {outcome.left}" if left else None


AT_ONCE = (Fault.EXPIRE, Fault.REFUSE, Fault.CRASH, Fault.CRASH_AFTER)
"""Faults that are swept each time, over all operations; the others over boots alone, and over all by `make soak`."""


POINTLESS = (("reboot", Fault.DUPLICATE), ("snapshot", Fault.DUPLICATE))
"""Operations without a message with which that can go wrong."""


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        pytest.param(name, fault, marks=() if fault in AT_ONCE or name == "boot" else pytest.mark.hunt)
        for fault in Fault
        for name in OPERATIONS
        if (name, fault) not in POINTLESS
    ],
)
def test_whatever_goes_wrong_nothing_unsafe_happens_nothing_stays_in_between_and_all_can_be_deleted(operation, fault):
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
