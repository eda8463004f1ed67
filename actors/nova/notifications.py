"""What Nova notifies, with the names of its versioned notifications (nova's `notifications/objects/`).

One class for each kind of payload; the event type is the subject. Listen to ``instance.>``, or to one of them. Each is sent after
the row that it reports was saved, by whoever saved it. In order, for a boot and a delete::

    scheduler.select_destinations.start, .end       nova-scheduler
    instance.update                                 at each change of state, with `notify_on_state_change`
    instance.create.start, .end or .error           nova-compute
    compute_task.build_instances.error              nova-conductor: no host for it, or none left
    instance.delete.start, instance.shutdown.start, .end, instance.delete.end
"""

from typing import ClassVar

import attrs

from actors.ids import ServerId
from actors.nova.models import Instance, RequestSpec
from actors.nova.states import TaskState, VmState
from bus.message import Event, message


@message
class InstanceNotification(Event):
    """Something about a server.

    Attributes:
        event_type: such as ``"instance.create.start"``.
        publisher_id: the service that sent it, such as ``"nova-compute:host1"``.
        instance: its row, as it was then.
        fault: what went wrong; None unless something did.
    """

    subject: ClassVar[str] = "instance.>"
    event_type: str
    publisher_id: str
    instance: Instance
    fault: str | None = None


@message
class InstanceUpdate(InstanceNotification):
    """The state of a server has changed.

    Attributes:
        old_state: its `vm_state` before; None if it is new.
        old_task_state: its `task_state` before.
    """

    subject: ClassVar[str] = "instance.update"
    old_state: VmState | None
    old_task_state: TaskState | None


@message
class SchedulerNotification(Event):
    """A scheduler chooses hosts, or has.

    Attributes:
        event_type: ``"scheduler.select_destinations.start"`` or ``".end"``.
        publisher_id: the scheduler.
        spec: what was asked for.
        servers: for which.
    """

    subject: ClassVar[str] = "scheduler.>"
    event_type: str
    publisher_id: str
    spec: RequestSpec = attrs.field(repr=False)
    servers: tuple[ServerId, ...]


@message
class ComputeTaskNotification(Event):
    """A server is given up.

    Attributes:
        event_type: ``"compute_task.build_instances.error"`` or ``"compute_task.migrate_server.error"``.
        publisher_id: the conductor.
        server: which.
        state: its `vm_state` now.
        reason: why.
    """

    subject: ClassVar[str] = "compute_task.>"
    event_type: str
    publisher_id: str
    server: ServerId
    state: VmState
    reason: str
