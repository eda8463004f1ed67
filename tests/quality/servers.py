"""Mistakes in Nova: boots, deletes, snapshots."""

from contextlib import asynccontextmanager, suppress

import anyio
import attrs

from actors.errors import CloudError
from actors.locks import Locks
from actors.nova.models import CELL0
from actors.nova.service import server_actions
from actors.nova.service.base import NovaService
from actors.nova.service.builds import Builds
from actors.nova.service.conductor import NovaConductor
from actors.nova.service.guests import Guests
from actors.nova.service.host import ComputeHost
from actors.nova.service.server_actions import ServerActions
from actors.nova.service.snapshots import Snapshots
from actors.nova.states import TaskState
from actors.nova.store import ANY, NovaStore
from actors.testing.faults import Late
from actors.testing.workloads import Boot, Delete, Migrate, Reboot, Snapshot, StopAndStart
from tests.quality.mistakes import BOOT, END, ONE_HOST, WITH_VOLUMES, Mistake, left_out


def unchecked(*states):
    """The save that expects these task states takes any."""

    def wrong(right):
        def save(self, uuid, now, *, expected_task_state=ANY, **changes):
            expected = ANY if expected_task_state == states else expected_task_state
            return right(self, uuid, now, expected_task_state=expected, **changes)

        return save

    return wrong


def begin_unchecked(_):
    async def begin(self, instance, action, state, **_):
        await self.save(instance.uuid, task_state=state)

    return begin


def no_lock(_):
    @asynccontextmanager
    async def hold(self, name):
        yield

    return hold


def no_limit(right):
    async def build(self, msg, context):
        self.builds = anyio.Semaphore(100)
        await right(self, msg, context)

    return build


def never(message):
    """The hypervisor is not sent what is of this class."""

    def wrong(right):
        async def driver(self, call, context, **options):
            if type(call).__name__ != message:
                return await right(self, call, context, **options)
            return None

        return driver

    return wrong


def unplugged_only(_):
    async def destroy(self, instance, context):
        await self.unplug(instance.info_cache)

    return destroy


def kept_allocation(_):
    async def failed(self, msg, error, context):
        await self.to_error(msg.server, error, host=None, node=None, task_state=None)
        self.store.fail_action(msg.server, context.request_id)

    return failed


def kept_build_request(_):
    async def bury(self, request, error):
        self.store.insert_instance(request.instance, ())
        self._into(CELL0, request)
        await self._give_up(request.instance.uuid, error, "build_instances")

    return bury


def kept_member(_):
    def forget(self, uuid):
        self.mappings.pop(uuid, None)
        self.request_specs.pop(uuid, None)

    return forget


def once(right):
    async def report(self):
        with anyio.move_on_after(self.config.report_interval / 2):
            await right(self)

    return report


def not_reverted(_):
    @asynccontextmanager
    async def reverting(self, uuid, context):
        with suppress(CloudError):
            yield

    return reverting


LATE_END = Delete(at=70, server="a")
SNAPSHOT = Snapshot(at=10, server="a", ready=True)
ONE_BUILD = attrs.evolve(ONE_HOST, nova=attrs.evolve(ONE_HOST.nova, max_concurrent_builds=1))

FOUND = (
    Mistake(
        "build-ends-unchecked", "the last save of a build compares the task state",
        NovaStore, "save", unchecked(TaskState.SPAWNING), (BOOT, Delete(at=4, server="a")), ("S19",), runs=20,
    ),
    Mistake(
        "stop-ends-unchecked", "the last save of a stop compares the task state",
        NovaStore, "save", unchecked(TaskState.POWERING_OFF, None),
        (BOOT, StopAndStart(at=10, server="a", ready=True), Delete(at=12, server="a")), ("S19",),
    ),
    Mistake(
        "copy-ends-unchecked", "the save after the copying of a snapshot compares the task state",
        NovaStore, "save", unchecked(TaskState.IMAGE_SNAPSHOT), (BOOT, SNAPSHOT, Delete(at=12.5, server="a")), ("S19",),
    ),
    Mistake(
        "snapshot-begins-unchecked", "nova-api compares the task state when a snapshot's image is made",
        ServerActions, "_begin", begin_unchecked, (BOOT, SNAPSHOT, Delete(at=10.2, server="a")), ("S19",),
        faults=(Late(message="CreateImage", seconds=0.5),),
    ),
    Mistake(
        "image-lock-kept", "the lock of a base image is given back when its download fails",
        Guests, "driver", never("UnlockImage"), (BOOT, Boot(at=0.5, server="b")), ("L1",), refused={"DownloadImage": (1,)},
    ),
    Mistake(
        "no-server-lock", "a delete waits for the build of the same server",
        Locks, "hold", no_lock, (BOOT, Delete(at=1, server="a")), ("L2",),
    ),
    Mistake(
        "failed-spawn-stays", "what was spawned is taken down when a build fails",
        Builds, "_undo_spawn", left_out, (BOOT,), ("S11", "L2"), refused={"ChangePower": (1,)},
    ),
    Mistake(
        "guest-stays", "the guest of a deleted server is destroyed",
        ComputeHost, "driver", never("DestroyGuest"), (BOOT, END), ("S11", "L2"),
    ),
    Mistake("interfaces-stay", "a guest's interfaces are unplugged", Guests, "unplug", left_out, (BOOT, END), ("L2",)),
    Mistake(
        "buried-for-ever", "the build request of a server that no host can have is destroyed",
        NovaConductor, "_bury_in_cell0", kept_build_request,
        (Boot(server="a", apart=True), Boot(at=6, server="b", apart=True)), ("L1",), ONE_HOST,
    ),
    Mistake(
        "member-for-ever", "a deleted server is taken out of its group",
        NovaStore, "forget", kept_member, (Boot(server="a", apart=True), END), ("L2",),
    ),
    Mistake("one-report", "services report again", NovaService, "report", once, (BOOT, LATE_END), ("L7", "L2")),
    Mistake(
        "task-state-stays", "the task state is set back when a task fails",
        ComputeHost, "reverting", not_reverted, (BOOT, Reboot(at=10, server="a", ready=True)), ("L1",),
        refused={"ChangePower": (2,)},
    ),
    Mistake(
        "reboot-ends-unchecked", "the last save of a reboot compares the task state",
        NovaStore, "save", unchecked(TaskState.REBOOT_STARTED_HARD),
        (BOOT, Reboot(at=10, server="a", ready=True, hard=True), Delete(at=10.5, server="a")), ("S19",),
    ),
    Mistake(
        "migration-overwritten", "nova-api compares the task state when a snapshot's image is made",
        ServerActions, "_begin", begin_unchecked, (BOOT, SNAPSHOT, Migrate(at=10.2, server="a", ready=True)), ("S19",),
        faults=(Late(message="CreateImage", seconds=0.5),),
    ),
    Mistake(
        "no-build-limit", "max_concurrent_builds builds at once", Builds, "_locked_build", no_limit,
        (BOOT, Boot(at=0.3, server="b")), ("S10",), ONE_BUILD,
    ),
    Mistake(
        "failed-build-keeps-allocation", "the allocation of a build that failed is given back",
        Builds, "_failed", kept_allocation, (Boot(server="a", volume=True),), ("S11",), WITH_VOLUMES,
        refused={"CreateVolume": (1,)},
    ),
    Mistake(
        "guest-left-to-the-janitor", "the guest of a deleted server is destroyed at once",
        Guests, "destroy", unplugged_only, (BOOT, END), ("S11",),
    ),
    Mistake(
        "image-stays", "the image of a snapshot that failed is deleted",
        Snapshots, "_delete_image", left_out, (BOOT, SNAPSHOT), ("L1",), refused={"UploadImage": (2,)},
    ),
    Mistake(
        "image-of-nothing-stays", "the image of a snapshot whose server is deleted before it begins is deleted",
        server_actions, "InstanceNotFound", lambda _: ZeroDivisionError, (BOOT, SNAPSHOT, Delete(at=10.2, server="a")), ("L1",),
        faults=(Late(message="CreateImage", seconds=20, answer=True),),
    ),
)  # fmt: skip
