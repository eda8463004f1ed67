"""The rows of Placement's tables, each changed only by its store."""

from collections.abc import Iterator

import attrs

from actors.ids import ConsumerId, ProjectId, ProviderId, UserId
from actors.placement.models import (
    Allocation,
    Inventory,
    ProviderSummary,
    ResourceProvider,
    ResourceSummary,
)


@attrs.define(kw_only=True, eq=False)
class Provider:
    """A resource provider with all that belongs to it.

    Attributes:
        uuid: its key.
        name: unique.
        generation: counts its writes.
        place: how many providers were created before it.
        parent: what it is a part of.
        inventories: what it has, by resource class.
        used: what is taken, by resource class, as the sum of all allocations.
        traits: what it is like.
        aggregates: the groups that it is in.
        consumers: who takes from it, in the order of their first claims.
        children: its parts.
    """

    uuid: ProviderId
    name: str
    generation: int = 0
    place: int
    parent: "Provider | None" = None
    inventories: dict[str, Inventory] = attrs.field(factory=dict[str, Inventory])
    used: dict[str, int] = attrs.field(factory=dict[str, int])
    traits: frozenset[str] = frozenset()
    aggregates: frozenset[str] = frozenset()
    consumers: dict[ConsumerId, None] = attrs.field(factory=dict[ConsumerId, None])
    children: "tuple[Provider, ...]" = ()
    _summary: ProviderSummary | None = attrs.field(default=None, init=False)

    @property
    def root(self) -> "Provider":
        """The top of its tree."""
        return self if self.parent is None else self.parent.root

    def tree(self) -> "Iterator[Provider]":
        """It and its parts, and theirs."""
        yield self
        for child in self.children:
            yield from child.tree()

    def shown(self) -> ResourceProvider:
        """It, as the API shows it."""
        return ResourceProvider(
            uuid=self.uuid,
            name=self.name,
            generation=self.generation,
            parent_provider_uuid=None if self.parent is None else self.parent.uuid,
            root_provider_uuid=self.root.uuid,
        )

    def summary(self) -> ProviderSummary:
        """It, as a scheduler sees it. The same object until `changed` is called."""
        if self._summary is None:
            self._summary = ProviderSummary(
                resource_provider_uuid=self.uuid,
                resources=tuple(
                    ResourceSummary(resource_class=name, capacity=int(one.capacity), used=self.used.get(name, 0))
                    for name, one in self.inventories.items()
                ),
                traits=tuple(sorted(self.traits)),
                parent_provider_uuid=None if self.parent is None else self.parent.uuid,
                root_provider_uuid=self.root.uuid,
            )
        return self._summary

    def changed(self) -> None:
        """Forget the summary."""
        self._summary = None


@attrs.define(kw_only=True, eq=False)
class Consumer:
    """Somebody who takes resources.

    Attributes:
        uuid: its key.
        project_id: on whose account.
        user_id: who took them.
        generation: counts its writes.
        allocations: one for each provider.
    """

    uuid: ConsumerId
    project_id: ProjectId
    user_id: UserId
    generation: int = 0
    allocations: tuple[Allocation, ...] = ()
