"""What a server and its migration hold in Placement (nova's `conductor/tasks/migrate.py`), and the migration's row."""

from typing import Any

import attrs

from actors.ids import ConsumerId
from actors.nova.errors import NoValidHost
from actors.nova.models import Instance, Migration
from actors.nova.service.base import NovaService
from actors.placement.messages import ListAllocations, ManageAllocations
from actors.placement.models import ConsumerAllocations


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
    """Give the server back what it held before (`revert_allocation_for_migration`); the claim of the new host goes."""
    held = await service.calls.as_nova(ListAllocations(consumer_uuid=ConsumerId(migration.uuid)))
    if held.allocations:
        new = await service.calls.as_nova(ListAllocations(consumer_uuid=ConsumerId(instance.uuid)))
        await _hand_over(service, held, ConsumerId(instance.uuid), new.consumer_generation)


async def _hand_over(service: NovaService, held: ConsumerAllocations, to: ConsumerId, generation: int | None) -> None:
    taker = attrs.evolve(held, consumer_uuid=to, consumer_generation=generation)
    giver = attrs.evolve(held, allocations=())
    await service.calls.as_nova(ManageAllocations(consumers=(giver, taker)))
