"""What a server and its migration hold in Placement (nova's `conductor/tasks/migrate.py`), and the migration's row."""

from typing import Any

import attrs

from actors.ids import ConsumerId, ServerId
from actors.nova.errors import NoValidHost
from actors.nova.models import UNDER_WAY, Instance, Migration
from actors.nova.service.base import NovaService
from actors.nova.states import TaskState, VmState
from actors.placement.errors import ConcurrentUpdateDetected
from actors.placement.messages import ListAllocations, ManageAllocations
from actors.placement.models import ConsumerAllocations


def under_way(service: NovaService, server: ServerId) -> list[Migration]:
    """The migrations of a server that have not come to their end; one at most."""
    return [row for row in service.store.migrations.values() if row.instance_uuid == server and row.status in UNDER_WAY]


def is_ending(row: Instance | None) -> bool:
    """Whether a server is being deleted, or is no more: its host clears the task state before the row goes."""
    return row is None or row.task_state is TaskState.DELETING or row.vm_state is VmState.DELETED


def set_migration(service: NovaService, uuid: str, **changes: Any) -> Migration:
    """Save columns of a migration."""
    row = attrs.evolve(service.store.migrations[uuid], updated_at=service.now, **changes)
    service.store.migrations[uuid] = row
    return row


async def move_allocation(service: NovaService, instance: Instance, to: Migration) -> None:
    """Let the migration hold what the server held, so that the server can claim its new host (`replace_allocation_with_migration`).

    Raises:
        NoValidHost: if the server holds nothing.
    """
    held = await service.calls.as_nova(ListAllocations(consumer_uuid=ConsumerId(instance.uuid)))
    if not held.allocations:
        raise NoValidHost(f"Instance {instance.uuid} has no allocations")
    await _hand_over(service, held, ConsumerId(to.uuid), None)


async def revert_allocation(service: NovaService, instance: Instance, migration: Migration) -> None:
    """Give the server back what it held before (`revert_allocation_for_migration`); the claim of the new host goes.

    If the server is deleted meanwhile, what the migration holds is given back to nobody; in nova it stays until an operator audits Placement.

    Raises:
        ConcurrentUpdateDetected: if somebody else has changed what the server holds.
    """
    held = await service.calls.as_nova(ListAllocations(consumer_uuid=ConsumerId(migration.uuid)))
    if not held.allocations:
        return
    new = await service.calls.as_nova(ListAllocations(consumer_uuid=ConsumerId(instance.uuid)))
    try:
        await _hand_over(service, held, ConsumerId(instance.uuid), new.consumer_generation)
    except ConcurrentUpdateDetected:
        if not is_ending(service.store.instances.get(instance.uuid)):
            raise
        await service.delete_allocation(migration.uuid)


async def _hand_over(service: NovaService, held: ConsumerAllocations, to: ConsumerId, generation: int | None) -> None:
    taker = attrs.evolve(held, consumer_uuid=to, consumer_generation=generation)
    giver = attrs.evolve(held, allocations=())
    await service.calls.as_nova(ManageAllocations(consumers=(giver, taker)))
