"""What Placement keeps in its database: providers with all that belongs to them, consumers, and sums over both.

Each method is one transaction: it either does all it says or raises and has done nothing.
"""

from collections.abc import Iterable, Mapping

import attrs

from actors.ids import ConsumerId, ProjectId, ProviderId, UserId
from actors.placement.candidates import Candidates, Question, fits
from actors.placement.claims import check_inventories, check_room
from actors.placement.errors import (
    AllocationsNotFound,
    CannotDeleteParentResourceProvider,
    ConcurrentUpdateDetected,
    ConsumerGenerationConflict,
    DuplicateName,
    InvalidInventory,
    InventoryInUse,
    ProviderGenerationConflict,
    ResourceProviderInUse,
    ResourceProviderNotFound,
    UnknownProvider,
)
from actors.placement.models import Allocation, ConsumerAllocations, Inventory, Resources, resources
from actors.placement.records import Consumer, Provider


class PlacementStore:
    """The tables. Make one, and hand it to every member of the service.

    Attributes:
        providers: by uuid, in the order of their creation.
        consumers: by uuid.
        candidates: who could satisfy which request; an index over the providers.
    """

    def __init__(self) -> None:
        self.providers: dict[ProviderId, Provider] = {}
        self.consumers: dict[ConsumerId, Consumer] = {}
        self.candidates = Candidates()
        self._names: dict[str, Provider] = {}
        self._usages: dict[ProjectId, dict[UserId, dict[str, int]]] = {}

    # -- providers -----------------------------------------------------------------------------------------------------

    def provider(self, uuid: ProviderId) -> Provider:
        """The provider *uuid*.

        Raises:
            ResourceProviderNotFound: if there is none.
        """
        found = self.providers.get(uuid)
        if found is None:
            raise ResourceProviderNotFound(f"No resource provider with uuid {uuid} found")
        return found

    def find_providers(
        self, question: Question, *, name: str | None = None, uuid: ProviderId | None = None
    ) -> list[Provider]:
        """The providers that *question* fits, with that *name* and *uuid* if given, in the order of their creation."""
        pool: Iterable[Provider] = self.providers.values()
        if question.in_tree is not None:
            inside = self.providers.get(question.in_tree)
            pool = [] if inside is None else sorted(inside.root.tree(), key=_place)
        if uuid is not None:
            pool = filter(None, [self.providers.get(uuid)])
        if name is not None:
            pool = filter(None, [self._names.get(name)])
        return [one for one in pool if uuid in {None, one.uuid} and fits(one, question)]

    def create_provider(self, uuid: ProviderId, name: str, parent_uuid: ProviderId | None) -> Provider:
        """Create a provider."""
        self._check_name(name)
        if uuid in self.providers:
            raise DuplicateName(f"Conflicting resource provider uuid: {uuid} already exists.")
        parent = None if parent_uuid is None else self.providers.get(parent_uuid)
        if parent is None and parent_uuid is not None:
            raise UnknownProvider(
                f'Unable to create resource provider "{name}", {uuid}: parent provider {parent_uuid} does not exist.'
            )
        provider = Provider(uuid=uuid, name=name, place=self.candidates.next_place, parent=parent)
        if parent is not None:
            parent.children = (*parent.children, provider)
        self.providers[uuid] = self._names[name] = provider
        self.candidates.add(provider)
        return provider

    def rename_provider(self, uuid: ProviderId, name: str) -> Provider:
        """Give a provider another name."""
        provider = self.provider(uuid)
        if name != provider.name:
            self._check_name(name)
            del self._names[provider.name]
            provider.name = name
            self._names[name] = provider
        return provider

    def _check_name(self, name: str) -> None:
        if name in self._names:
            raise DuplicateName(f"Conflicting resource provider name: {name} already exists.")

    def delete_provider(self, uuid: ProviderId) -> None:
        """Delete a provider that nobody uses."""
        provider = self.provider(uuid)
        if provider.children:
            raise CannotDeleteParentResourceProvider(
                f"Unable to delete parent resource provider {uuid}: It has {len(provider.children)} child resource providers."
            )
        if provider.consumers:
            raise ResourceProviderInUse(
                f"Unable to delete resource provider {uuid}: Resource provider has allocations of "
                f"{len(provider.consumers)} consumers."
            )
        if provider.parent is not None:
            provider.parent.children = tuple(child for child in provider.parent.children if child is not provider)
        del self.providers[uuid], self._names[provider.name]
        self.candidates.remove(provider)

    def set_inventories(self, uuid: ProviderId, generation: int, inventories: tuple[Inventory, ...]) -> Provider:
        """Replace what a provider has."""
        new = {one.resource_class: one for one in inventories}
        provider = self._seen(uuid, generation)
        check_inventories(inventories)
        in_use = [name for name in provider.inventories if name not in new and provider.used.get(name, 0)]
        if in_use:
            raise InventoryInUse(
                f"update conflict: Inventory for '{', '.join(in_use)}' on resource provider '{uuid}' in use."
            )
        provider.inventories = new
        provider.generation += 1
        self.candidates.touch(provider)
        return provider

    def set_traits(self, uuid: ProviderId, generation: int, traits: Iterable[str]) -> Provider:
        """Replace what a provider is like. To set what is there already is no write, as in placement."""
        provider = self._seen(uuid, generation)
        new = frozenset(traits)
        if new != provider.traits:
            provider.traits = new
            provider.generation += 1
            for one in provider.tree():  # parts are judged by the traits of their root, too
                self.candidates.touch(one)
        return provider

    def set_aggregates(self, uuid: ProviderId, generation: int, aggregates: Iterable[str]) -> Provider:
        """Replace the groups that a provider is in."""
        provider = self._seen(uuid, generation)
        provider.aggregates = frozenset(aggregates)
        provider.generation += 1
        self.candidates.touch(provider)
        return provider

    def _seen(self, uuid: ProviderId, generation: int) -> Provider:
        """The provider, if *generation* is still its own."""
        provider = self.provider(uuid)
        if provider.generation != generation:
            raise ProviderGenerationConflict(
                f"resource provider generation conflict - expected {provider.generation} but got {generation}. Look at "
                f"resource provider {uuid} again, and repeat with the generation that it has now."
            )
        return provider

    # -- allocations ---------------------------------------------------------------------------------------------------

    def ensure_consumers(self, wanted: tuple[ConsumerAllocations, ...]) -> list[Consumer]:
        """Check the generations of those who ask, and create those that must not exist yet.

        Returns:
            Those that were created.
        """
        for one in wanted:
            consumer = self.consumers.get(one.consumer_uuid)
            expected = None if consumer is None else consumer.generation
            if expected != one.consumer_generation:
                raise ConsumerGenerationConflict(
                    f"consumer generation conflict - expected {'null' if expected is None else expected} "
                    f"but got {'null' if one.consumer_generation is None else one.consumer_generation}"
                )
        created = [
            Consumer(uuid=one.consumer_uuid, project_id=one.project_id, user_id=one.user_id)
            for one in wanted
            if one.consumer_uuid not in self.consumers and one.project_id is not None and one.user_id is not None
        ]
        self.consumers.update((one.uuid, one) for one in created)
        return created

    def forget_consumers(self, created: Iterable[Consumer]) -> None:
        """Delete those of *created* that did not get anything after all."""
        for one in created:
            if not one.allocations and self.consumers.get(one.uuid) is one:
                del self.consumers[one.uuid]

    def generations(self, wanted: tuple[ConsumerAllocations, ...]) -> dict[ProviderId, int]:
        """The generation of each provider that a request would write to, as it is now."""
        found: dict[ProviderId, int] = {}
        for one in wanted:
            for allocation in one.allocations or self.consumers[one.consumer_uuid].allocations:
                provider = self.providers.get(allocation.resource_provider_uuid)
                if provider is None:
                    raise UnknownProvider(
                        f"Allocation for resource provider '{allocation.resource_provider_uuid}' that does not exist."
                    )
                found[provider.uuid] = provider.generation
        return found

    def replace_allocations(self, wanted: tuple[ConsumerAllocations, ...], seen: Mapping[ProviderId, int]) -> bool:
        """Replace all that some consumers take.

        Args:
            wanted: who, and what from now on.
            seen: the providers to write to, with the generations that they must have.

        Returns:
            Whether they still had them; if not, nothing is done.
        """
        consumers = [self._unchanged(one) for one in wanted]
        self._check_rooms(wanted, consumers)
        if any(self.providers[uuid].generation != generation for uuid, generation in seen.items()):
            return False
        for consumer in consumers:
            self._give_back(consumer)
        for consumer, one in zip(consumers, wanted, strict=True):
            self._take(consumer, one)
        for uuid in seen:
            self.providers[uuid].generation += 1
        return True

    def _unchanged(self, wanted: ConsumerAllocations) -> Consumer:
        consumer = self.consumers.get(wanted.consumer_uuid)
        if consumer is None or consumer.generation != (wanted.consumer_generation or 0):
            raise ConcurrentUpdateDetected(
                "Inventory and/or allocations changed while attempting to allocate: somebody else wrote the allocations of "
                f"consumer {wanted.consumer_uuid}. Look at them again, and repeat."
            )
        return consumer

    def _check_rooms(self, wanted: tuple[ConsumerAllocations, ...], consumers: list[Consumer]) -> None:
        returned: dict[tuple[ProviderId, str], int] = {}
        for consumer in consumers:
            for allocation in consumer.allocations:
                for name, amount in allocation.resources:
                    key = allocation.resource_provider_uuid, name
                    returned[key] = returned.get(key, 0) + amount
        taken: dict[tuple[ProviderId, str], int] = {}
        for one in wanted:
            for allocation in one.allocations:
                uuid = allocation.resource_provider_uuid
                provider = self.providers.get(uuid)
                if provider is None:
                    raise InvalidInventory(f"Unable to allocate inventory: resource provider '{uuid}' is gone.")
                for name, amount in allocation.resources:
                    sum_ = taken[uuid, name] = taken.get((uuid, name), 0) + amount
                    check_room(provider, name, amount=amount, taken=sum_, returned=returned.get((uuid, name), 0))

    def delete_allocations(self, uuid: ConsumerId) -> None:
        """Give back all that a consumer takes. Moves no provider's generation, as in placement."""
        consumer = self.consumers.get(uuid)
        if consumer is None or not consumer.allocations:
            raise AllocationsNotFound(f"No allocations for consumer '{uuid}'")
        self._give_back(consumer)
        del self.consumers[uuid]

    def _give_back(self, consumer: Consumer) -> None:
        for allocation in consumer.allocations:
            del self.providers[allocation.resource_provider_uuid].consumers[consumer.uuid]
            self._count(consumer, allocation, -1)

    def _take(self, consumer: Consumer, wanted: ConsumerAllocations) -> None:
        assert wanted.project_id is not None
        assert wanted.user_id is not None
        consumer.project_id = wanted.project_id
        consumer.user_id = wanted.user_id
        consumer.generation += 1
        consumer.allocations = tuple(attrs.evolve(one, generation=None) for one in wanted.allocations)
        for allocation in consumer.allocations:
            self.providers[allocation.resource_provider_uuid].consumers[consumer.uuid] = None
            self._count(consumer, allocation, 1)
        if not consumer.allocations:
            del self.consumers[consumer.uuid]

    def _count(self, consumer: Consumer, allocation: Allocation, sign: int) -> None:
        """Add *allocation* to every sum that it is part of (*sign* 1), or take it away (-1)."""
        provider = self.providers[allocation.resource_provider_uuid]
        users = self._usages.setdefault(consumer.project_id, {})
        usage = users.setdefault(consumer.user_id, {})
        for name, amount in allocation.resources:
            provider.used[name] = provider.used.get(name, 0) + sign * amount
            usage[name] = usage.get(name, 0) + sign * amount
        self.candidates.touch(provider)

    def usages(self, project_id: ProjectId, user_id: UserId | None) -> Resources:
        """What a project takes, or what one user took for it."""
        users = self._usages.get(project_id, {})
        total: dict[str, int] = {}
        for usage in users.values() if user_id is None else [users.get(user_id, {})]:
            for name, amount in usage.items():
                total[name] = total.get(name, 0) + amount
        return resources({name: amount for name, amount in total.items() if amount})


def _place(provider: Provider) -> int:
    return provider.place
