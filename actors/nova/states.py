"""The states of a server, as nova's `compute/vm_states.py`, `task_states.py` and `api/openstack/common.py` have them.

A server has three: `vm_state` says what it is when nothing is being done to it, `task_state` what is being done to it, and
`power_state` (`actors.hypervisor.models.PowerState`) what the hypervisor says of its guest. What a user sees as *status*
follows from the first two.

`task_state` is the lock: a step saves its change only if the task state is what it expects (compare and swap), and so learns
that somebody else, such as a delete, was faster.
"""

from enum import StrEnum
from typing import Final

from actors.nova.errors import InstanceInvalidState, UnexpectedDeletingTaskState, UnexpectedTaskState


class VmState(StrEnum):
    """What a server is when nothing is being done to it."""

    ACTIVE = "active"
    BUILDING = "building"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    STOPPED = "stopped"
    RESCUED = "rescued"
    RESIZED = "resized"
    SOFT_DELETED = "soft-delete"
    DELETED = "deleted"
    ERROR = "error"
    SHELVED = "shelved"
    SHELVED_OFFLOADED = "shelved_offloaded"


class TaskState(StrEnum):
    """What is being done to a server."""

    SCHEDULING = "scheduling"
    BLOCK_DEVICE_MAPPING = "block_device_mapping"
    NETWORKING = "networking"
    SPAWNING = "spawning"
    IMAGE_SNAPSHOT_PENDING = "image_snapshot_pending"
    IMAGE_SNAPSHOT = "image_snapshot"
    IMAGE_PENDING_UPLOAD = "image_pending_upload"
    IMAGE_UPLOADING = "image_uploading"
    REBOOTING = "rebooting"
    REBOOT_PENDING = "reboot_pending"
    REBOOT_STARTED = "reboot_started"
    REBOOTING_HARD = "rebooting_hard"
    REBOOT_PENDING_HARD = "reboot_pending_hard"
    REBOOT_STARTED_HARD = "reboot_started_hard"
    POWERING_OFF = "powering-off"
    POWERING_ON = "powering-on"
    MIGRATING = "migrating"
    DELETING = "deleting"
    SOFT_DELETING = "soft-deleting"


DEFAULT: Final = None
"""The key of the status that a server has whatever is being done to it."""

STATUS: Final[dict[VmState, dict[TaskState | None, str]]] = {
    VmState.ACTIVE: {
        DEFAULT: "ACTIVE",
        TaskState.REBOOTING: "REBOOT",
        TaskState.REBOOT_PENDING: "REBOOT",
        TaskState.REBOOT_STARTED: "REBOOT",
        TaskState.REBOOTING_HARD: "HARD_REBOOT",
        TaskState.REBOOT_PENDING_HARD: "HARD_REBOOT",
        TaskState.REBOOT_STARTED_HARD: "HARD_REBOOT",
        TaskState.MIGRATING: "MIGRATING",
    },
    VmState.BUILDING: {DEFAULT: "BUILD"},
    VmState.STOPPED: {DEFAULT: "SHUTOFF", TaskState.REBOOTING_HARD: "HARD_REBOOT"},
    VmState.RESIZED: {DEFAULT: "VERIFY_RESIZE"},
    VmState.PAUSED: {DEFAULT: "PAUSED", TaskState.MIGRATING: "MIGRATING"},
    VmState.SUSPENDED: {DEFAULT: "SUSPENDED"},
    VmState.RESCUED: {DEFAULT: "RESCUE"},
    VmState.ERROR: {DEFAULT: "ERROR"},
    VmState.DELETED: {DEFAULT: "DELETED"},
    VmState.SOFT_DELETED: {DEFAULT: "SOFT_DELETED"},
    VmState.SHELVED: {DEFAULT: "SHELVED"},
    VmState.SHELVED_OFFLOADED: {DEFAULT: "SHELVED_OFFLOADED"},
}
"""The status that users see, from `vm_state` and `task_state`."""


def status(vm_state: VmState, task_state: TaskState | None) -> str:
    """What users see, in capitals."""
    known = STATUS[vm_state]
    return known.get(task_state, known[DEFAULT])


def check_task_state(server_id: str, actual: TaskState | None, expected: tuple[TaskState | None, ...]) -> None:
    """The comparison of a compare and swap.

    Args:
        server_id: for the message.
        actual: the task state that is stored.
        expected: those that whoever saves can go on from.

    Raises:
        UnexpectedDeletingTaskState: if the server is being deleted meanwhile.
        UnexpectedTaskState: if something else is being done to it.
    """
    if actual in expected:
        return
    wanted = ", ".join(str(state) for state in expected)
    text = f"Conflict updating instance {server_id}. Expected: {{'task_state': [{wanted}]}}. Actual: {{'task_state': {actual}}}"
    raise (UnexpectedDeletingTaskState if actual is TaskState.DELETING else UnexpectedTaskState)(text)


# -- what the API lets begin -------------------------------------------------------------------------------------------

ALLOWED: Final[dict[str, tuple[tuple[VmState, ...], tuple[TaskState | None, ...]]]] = {
    "reboot": ((VmState.ACTIVE,), (None,)),
    "reboot hard": (
        (VmState.ACTIVE, VmState.STOPPED, VmState.PAUSED, VmState.SUSPENDED, VmState.ERROR),
        (None, TaskState.REBOOTING, TaskState.REBOOT_PENDING, TaskState.REBOOT_STARTED),
    ),
    "stop": ((VmState.ACTIVE, VmState.ERROR), (None,)),
    "start": ((VmState.STOPPED,), (None,)),
    "snapshot": ((VmState.ACTIVE, VmState.STOPPED, VmState.PAUSED, VmState.SUSPENDED), (None,)),
    "live_migrate": ((VmState.ACTIVE, VmState.PAUSED), (None,)),
    "attach_volume": (
        (VmState.ACTIVE, VmState.PAUSED, VmState.STOPPED, VmState.SHELVED, VmState.SHELVED_OFFLOADED),
        (None,),
    ),
    "detach_volume": ((VmState.ACTIVE, VmState.PAUSED, VmState.STOPPED, VmState.SUSPENDED), (None,)),
}
"""What can be begun in which vm and task states (the `check_instance_state` decorators of nova's `compute/api.py`)."""


def check_allowed(server_id: str, action: str, vm_state: VmState, task_state: TaskState | None) -> None:
    """Whether an action can begin.

    Raises:
        InstanceInvalidState: if the server is in a state in which it cannot.
    """
    vm_states, task_states = ALLOWED[action]
    for name, state, fine in (
        ("vm_state", vm_state, vm_state in vm_states),
        ("task_state", task_state, task_state in task_states),
    ):
        if not fine:
            raise InstanceInvalidState(f"Cannot '{action}' instance {server_id} while it is in {name} {state}")
