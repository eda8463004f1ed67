"""Claiming a host in Placement (nova's `scheduler/client/report.py` and `scheduler/utils.py`)."""

from typing import Final

import anyio

from actors.ids import ConsumerId, ServerId
from actors.nova.models import RequestSpec, Selection
from actors.nova.service.base import NovaService
from actors.placement.errors import ConcurrentUpdateDetected, ConsumerGenerationConflict, InvalidInventory
from actors.placement.messages import ListAllocations, UpdateAllocations
from actors.placement.models import Allocation

ATTEMPTS: Final = 4
"""How often a claim is sent while others are faster."""


async def claim_resources(service: NovaService, server: ServerId, spec: RequestSpec, selection: Selection) -> bool:
    """Claim what a server takes on the host that is selected. False if it cannot be had there.

    Args:
        service: who claims.
        server: for which.
        spec: on whose account.
        selection: where, and what.

    Raises:
        ConsumerGenerationConflict: if somebody else has claimed, or given back, for the same server meanwhile.
        CloudError: what else Placement answers.
        BusError: if it does not answer.
    """
    consumer = ConsumerId(server)
    current = await service.calls.as_nova(ListAllocations(consumer_uuid=consumer))
    claim = UpdateAllocations(
        consumer_uuid=consumer,
        allocations=(Allocation(resource_provider_uuid=selection.provider, resources=selection.resources),),
        project_id=spec.project_id,
        user_id=spec.user_id,
        consumer_generation=current.consumer_generation,
    )
    for attempt in range(ATTEMPTS):
        if attempt:
            await anyio.sleep(service.chance.uniform(0, 2 * attempt))
        try:
            await service.calls.as_nova(claim)
        except ConsumerGenerationConflict:
            raise
        except ConcurrentUpdateDetected:
            continue
        except InvalidInventory:
            return False
        return True
    return False
