"""Placement as an actor: every call is checked, done in one transaction, and answered."""

from collections.abc import Iterable
from random import Random

from anyio.lowlevel import checkpoint

from actors.calls import admin_or_service
from actors.errors import BadRequest, Forbidden
from actors.ids import Ids, ProviderId
from actors.placement.candidates import Question
from actors.placement.claims import check_request, check_resources
from actors.placement.config import PlacementConfig
from actors.placement.errors import ResourceProviderConcurrentUpdateDetected
from actors.placement.messages import (
    CreateResourceProvider,
    DeleteAllocations,
    DeleteResourceProvider,
    ListAllocationCandidates,
    ListAllocations,
    ListInventories,
    ListProviderAggregates,
    ListProviderAllocations,
    ListProviderTraits,
    ListResourceProviders,
    ListUsages,
    ManageAllocations,
    ShowProviderUsages,
    ShowResourceProvider,
    UpdateAllocations,
    UpdateInventories,
    UpdateProviderAggregates,
    UpdateProviderTraits,
    UpdateResourceProvider,
)
from actors.placement.models import (
    Allocation,
    AllocationCandidates,
    ConsumerAllocations,
    ConsumerUsage,
    ProviderAggregates,
    ProviderAllocations,
    ProviderInventories,
    ProviderTraits,
    ProviderUsages,
    ResourceProvider,
    Resources,
    resources,
)
from actors.placement.names import check_classes, check_traits
from actors.placement.records import Provider
from actors.placement.store import PlacementStore
from actors.service import Gate, Service, request_context


class PlacementService(Service):
    """One member of Placement. All members share one store, and keep nothing of their own.

    Args:
        store: the database.
        config: the options.
        ids: names new providers.
        gate: checks who asks.
        chance: draws samples of candidates, if the options say so.
    """

    topic = "placement"

    def __init__(self, *, store: PlacementStore, config: PlacementConfig, ids: Ids, gate: Gate, chance: Random) -> None:
        self.gate = gate
        self._store = store
        self._config = config
        self._ids = ids
        self._chance = chance

    # -- resource providers --------------------------------------------------------------------------------------------

    @CreateResourceProvider.handler
    def create_provider(self, msg: CreateResourceProvider) -> ResourceProvider:
        uuid = msg.uuid or ProviderId(self._ids.uuid())
        return self._store.create_provider(uuid, msg.name, msg.parent_provider_uuid).shown()

    @ListResourceProviders.handler
    def list_providers(self, msg: ListResourceProviders) -> tuple[ResourceProvider, ...]:
        check_classes(name for name, _ in msg.resources)
        check_traits(msg.required)
        question = Question(
            resources=msg.resources,
            required=frozenset(msg.required),
            member_of=_groups(msg.member_of),
            in_tree=msg.in_tree,
        )
        return tuple(one.shown() for one in self._store.find_providers(question, name=msg.name, uuid=msg.uuid))

    @ShowResourceProvider.handler
    def show_provider(self, msg: ShowResourceProvider) -> ResourceProvider:
        return self._store.provider(msg.uuid).shown()

    @UpdateResourceProvider.handler
    def update_provider(self, msg: UpdateResourceProvider) -> ResourceProvider:
        return self._store.rename_provider(msg.uuid, msg.name).shown()

    @DeleteResourceProvider.handler
    def delete_provider(self, msg: DeleteResourceProvider) -> None:
        self._store.delete_provider(msg.uuid)

    # -- what belongs to a provider ------------------------------------------------------------------------------------

    @ListInventories.handler
    def list_inventories(self, msg: ListInventories) -> ProviderInventories:
        return _inventories(self._store.provider(msg.uuid))

    @UpdateInventories.handler
    def update_inventories(self, msg: UpdateInventories) -> ProviderInventories:
        return _inventories(self._store.set_inventories(msg.uuid, msg.resource_provider_generation, msg.inventories))

    @ListProviderTraits.handler
    def list_traits(self, msg: ListProviderTraits) -> ProviderTraits:
        return _traits(self._store.provider(msg.uuid))

    @UpdateProviderTraits.handler
    def update_traits(self, msg: UpdateProviderTraits) -> ProviderTraits:
        check_traits(msg.traits)
        return _traits(self._store.set_traits(msg.uuid, msg.resource_provider_generation, msg.traits))

    @ListProviderAggregates.handler
    def list_aggregates(self, msg: ListProviderAggregates) -> ProviderAggregates:
        return _aggregates(self._store.provider(msg.uuid))

    @UpdateProviderAggregates.handler
    def update_aggregates(self, msg: UpdateProviderAggregates) -> ProviderAggregates:
        return _aggregates(self._store.set_aggregates(msg.uuid, msg.resource_provider_generation, msg.aggregates))

    @ShowProviderUsages.handler
    def show_usages(self, msg: ShowProviderUsages) -> ProviderUsages:
        provider = self._store.provider(msg.uuid)
        return ProviderUsages(
            usages=resources({name: provider.used.get(name, 0) for name in provider.inventories}),
            resource_provider_generation=provider.generation,
        )

    @ListProviderAllocations.handler
    def list_provider_allocations(self, msg: ListProviderAllocations) -> ProviderAllocations:
        provider = self._store.provider(msg.uuid)
        consumers = [self._store.consumers[uuid] for uuid in provider.consumers]
        return ProviderAllocations(
            allocations=tuple(
                ConsumerUsage(
                    consumer_uuid=consumer.uuid,
                    resources=allocation.resources,
                    consumer_generation=consumer.generation,
                )
                for consumer in consumers
                for allocation in consumer.allocations
                if allocation.resource_provider_uuid == provider.uuid
            ),
            resource_provider_generation=provider.generation,
        )

    # -- candidates and allocations ------------------------------------------------------------------------------------

    @ListAllocationCandidates.handler
    def list_candidates(self, msg: ListAllocationCandidates) -> AllocationCandidates:
        check_resources(msg.resources)
        if msg.limit is not None and msg.limit < 1:
            raise BadRequest(f"limit is {msg.limit}: ask for 1 candidate or more, or leave it out for all")
        check_traits((*msg.required, *msg.forbidden, *msg.root_required, *msg.root_forbidden))
        question = Question(
            resources=msg.resources,
            required=frozenset(msg.required),
            forbidden=frozenset(msg.forbidden),
            member_of=_groups(msg.member_of),
            forbidden_aggregates=frozenset(msg.forbidden_aggregates),
            in_tree=msg.in_tree,
            root_required=frozenset(msg.root_required),
            root_forbidden=frozenset(msg.root_forbidden),
        )
        if self._config.randomize_allocation_candidates:
            return self._store.candidates.sample(question, msg.limit, self._chance)
        return self._store.candidates.find(question, msg.limit)

    @ListAllocations.handler
    def list_allocations(self, msg: ListAllocations) -> ConsumerAllocations:
        consumer = self._store.consumers.get(msg.consumer_uuid)
        if consumer is None or not consumer.allocations:
            return ConsumerAllocations(consumer_uuid=msg.consumer_uuid)
        return ConsumerAllocations(
            consumer_uuid=consumer.uuid,
            allocations=tuple(
                Allocation(
                    resource_provider_uuid=one.resource_provider_uuid,
                    resources=one.resources,
                    generation=self._store.providers[one.resource_provider_uuid].generation,
                )
                for one in consumer.allocations
            ),
            project_id=consumer.project_id,
            user_id=consumer.user_id,
            consumer_generation=consumer.generation,
        )

    @UpdateAllocations.handler
    async def update_allocations(self, msg: UpdateAllocations) -> None:
        wanted = ConsumerAllocations(
            consumer_uuid=msg.consumer_uuid,
            allocations=msg.allocations,
            project_id=msg.project_id,
            user_id=msg.user_id,
            consumer_generation=msg.consumer_generation,
        )
        await self._replace((wanted,))

    @ManageAllocations.handler
    async def manage_allocations(self, msg: ManageAllocations) -> None:
        await self._replace(msg.consumers)

    async def _replace(self, wanted: tuple[ConsumerAllocations, ...]) -> None:
        """Write allocations as placement's `replace_all` does: read the providers, write, and start anew if they changed.

        Each attempt is two transactions, and others may write between the two. A member that dies there leaves a consumer
        without allocations behind, as placement does.
        """
        check_request(wanted)
        created = self._store.ensure_consumers(wanted)
        attempts = self._config.allocation_conflict_retry_count
        try:
            for _ in range(attempts):
                seen = self._store.generations(wanted)
                await checkpoint()
                if self._store.replace_allocations(wanted, seen):
                    return
            raise ResourceProviderConcurrentUpdateDetected(
                "Inventory and/or allocations changed while attempting to allocate: another thread concurrently updated the "
                f"resource provider data, {attempts} times in a row (allocation_conflict_retry_count). Retry your update."
            )
        except Exception:
            self._store.forget_consumers(created)
            raise

    @DeleteAllocations.handler
    def delete_allocations(self, msg: DeleteAllocations) -> None:
        self._store.delete_allocations(msg.consumer_uuid)

    @ListUsages.handler
    def list_usages(self, msg: ListUsages) -> Resources:
        context = request_context()
        if not admin_or_service(context) and context.project_id != msg.project_id:
            raise Forbidden(f"policy does not allow to list the usages of project {msg.project_id}")
        return self._store.usages(msg.project_id, msg.user_id)


def _groups(member_of: Iterable[Iterable[str]]) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(group) for group in member_of)


def _inventories(provider: Provider) -> ProviderInventories:
    return ProviderInventories(
        inventories=tuple(provider.inventories.values()), resource_provider_generation=provider.generation
    )


def _traits(provider: Provider) -> ProviderTraits:
    return ProviderTraits(traits=tuple(sorted(provider.traits)), resource_provider_generation=provider.generation)


def _aggregates(provider: Provider) -> ProviderAggregates:
    return ProviderAggregates(
        aggregates=tuple(sorted(provider.aggregates)), resource_provider_generation=provider.generation
    )
