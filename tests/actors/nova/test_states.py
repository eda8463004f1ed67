"""The states of a server."""

import pytest

from actors.nova.errors import UnexpectedDeletingTaskState, UnexpectedTaskState
from actors.nova.states import STATUS, TaskState, VmState, check_task_state, status


def test_every_vm_state_has_a_status_whatever_is_being_done():
    assert set(STATUS) == set(VmState)
    assert all(status(vm_state, task).isupper() for vm_state in VmState for task in (None, *TaskState))


@pytest.mark.parametrize(
    ("vm_state", "task_state", "shown"),
    [
        (VmState.BUILDING, TaskState.SPAWNING, "BUILD"),
        (VmState.ACTIVE, None, "ACTIVE"),
        (VmState.ACTIVE, TaskState.DELETING, "ACTIVE"),
        (VmState.ACTIVE, TaskState.REBOOTING, "REBOOT"),
        (VmState.ACTIVE, TaskState.REBOOTING_HARD, "HARD_REBOOT"),
        (VmState.ACTIVE, TaskState.MIGRATING, "MIGRATING"),
        (VmState.STOPPED, None, "SHUTOFF"),
        (VmState.ERROR, None, "ERROR"),
    ],
)
def test_users_see_what_nova_shows(vm_state, task_state, shown):
    assert status(vm_state, task_state) == shown


def test_a_save_that_expects_another_task_state_is_refused():
    check_task_state("s", TaskState.SPAWNING, (TaskState.SPAWNING, None))
    with pytest.raises(UnexpectedTaskState, match="'task_state': spawning"):
        check_task_state("s", TaskState.SPAWNING, (None,))
    with pytest.raises(UnexpectedDeletingTaskState):
        check_task_state("s", TaskState.DELETING, (None,))
