"""A host's resource provider in Placement, which its nova-compute alone writes (nova's `compute/resource_tracker.py`)."""

from actors.errors import NotFound
from actors.ids import ConsumerId, ServerId
from actors.nova.models import ComputeNode
from actors.nova.rpc import DISABLED_TRAIT
from actors.nova.service.deletion import Deletion
from actors.placement.messages import (
    CreateResourceProvider,
    DeleteAllocations,
    ListInventories,
    ListProviderAllocations,
    ListProviderTraits,
    UpdateInventories,
    UpdateProviderTraits,
)
from actors.placement.models import Inventory


class Provider(Deletion):
    """Keeps Placement's view of the host right."""

    async def update_provider(self) -> None:
        """Write what the host has, if Placement does not know, or thinks otherwise.

        Raises:
            CloudError: what Placement answers.
            BusError: if it does not.
        """
        node = self.node
        wanted = self._inventories(node)
        try:
            known = await self.calls.as_nova(ListInventories(uuid=node.uuid))
            generation, current = known.resource_provider_generation, known.inventories
        except NotFound:
            created = await self.calls.as_nova(CreateResourceProvider(name=node.host, uuid=node.uuid))
            generation, current = created.generation, ()
        if sorted(current, key=_kind) != sorted(wanted, key=_kind):
            update = UpdateInventories(uuid=node.uuid, resource_provider_generation=generation, inventories=wanted)
            await self.calls.as_nova(update)
        await self._update_traits(node)

    async def _update_traits(self, node: ComputeNode) -> None:
        """Let Placement know whether the service is disabled."""
        service = self.store.services.get((self.binary, self.host))
        disabled = service is not None and service.disabled
        if disabled == self.trait_disabled:
            return
        known = await self.calls.as_nova(ListProviderTraits(uuid=node.uuid))
        traits = tuple(trait for trait in known.traits if trait != DISABLED_TRAIT)
        if disabled:
            traits = (*traits, DISABLED_TRAIT)
        if traits != known.traits:
            generation = known.resource_provider_generation
            await self.calls.as_nova(
                UpdateProviderTraits(uuid=node.uuid, resource_provider_generation=generation, traits=traits)
            )
        self.trait_disabled = disabled

    async def audit_allocations(self) -> None:
        """Give back what servers hold here that are deleted (`_remove_deleted_instances_allocations`).

        What is held for a server that nobody has ever seen may belong to one that is just being placed: it stays.
        """
        held = await self.calls.as_nova(ListProviderAllocations(uuid=self.node.uuid))
        for usage in held.allocations:
            if ServerId(usage.consumer_uuid) in self.store.deleted:
                await self.calls.as_nova(DeleteAllocations(consumer_uuid=ConsumerId(usage.consumer_uuid)))

    def _inventories(self, node: ComputeNode) -> tuple[Inventory, ...]:
        config = self.config
        amounts = (
            ("VCPU", node.vcpus, config.reserved_host_cpus, node.cpu_allocation_ratio),
            ("MEMORY_MB", node.memory_mb, config.reserved_host_memory_mb, node.ram_allocation_ratio),
            ("DISK_GB", node.local_gb, -(-config.reserved_host_disk_mb // 1024), node.disk_allocation_ratio),
        )
        return tuple(
            Inventory(resource_class=kind, total=total, reserved=reserved, max_unit=total, allocation_ratio=ratio)
            for kind, total, reserved, ratio in amounts
            if total
        )


def _kind(inventory: Inventory) -> str:
    return inventory.resource_class
