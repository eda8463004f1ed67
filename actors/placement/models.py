"""The values that Placement takes and answers."""

from collections.abc import Mapping

import attrs

from actors.ids import ConsumerId, ProjectId, ProviderId, UserId

MAX_INT = 2_147_483_647
"""The largest number in an inventory, as placement's `db/constants.py` has it."""

Resources = tuple[tuple[str, int], ...]
"""Amounts by resource class, each class once, in the order of their names. Make one with `resources`."""


def resources(amounts: Mapping[str, int] | None = None, /, **more: int) -> Resources:
    """Amounts by resource class, such as ``resources(VCPU=1, MEMORY_MB=512, DISK_GB=1)``."""
    return tuple(sorted({**(amounts or {}), **more}.items()))


@attrs.frozen(kw_only=True)
class ResourceProvider:
    """Something that has resources to give: a compute node.

    Attributes:
        uuid: of the compute node, where it is one.
        name: unique; for a compute node its hypervisor_hostname.
        generation: counts the writes to it; whoever writes says which one they have seen.
        parent_provider_uuid: the provider that it is a part of.
        root_provider_uuid: the top of its tree; itself if it has no parent.
    """

    uuid: ProviderId
    name: str
    generation: int
    parent_provider_uuid: ProviderId | None
    root_provider_uuid: ProviderId


@attrs.frozen(kw_only=True)
class Inventory:
    """How much of one resource class a provider has.

    Attributes:
        resource_class: such as ``"VCPU"``.
        total: what is there.
        reserved: what is not for consumers.
        min_unit: the least that one consumer may take.
        max_unit: the most that one consumer may take.
        step_size: what one consumer takes must be a multiple of it.
        allocation_ratio: how often each piece is given away.
    """

    resource_class: str
    total: int
    reserved: int = 0
    min_unit: int = 1
    max_unit: int = MAX_INT
    step_size: int = 1
    allocation_ratio: float = 1.0

    @property
    def capacity(self) -> float:
        """How much consumers may take in all."""
        return (self.total - self.reserved) * self.allocation_ratio

    def deals(self, amount: int) -> bool:
        """Whether it gives *amount* to one consumer at all, however much is left."""
        return self.min_unit <= amount <= self.max_unit and amount % self.step_size == 0


@attrs.frozen(kw_only=True)
class ProviderInventories:
    """All that one provider has."""

    inventories: tuple[Inventory, ...]
    resource_provider_generation: int


@attrs.frozen(kw_only=True)
class ProviderTraits:
    """What one provider is like. The names are in alphabetical order."""

    traits: tuple[str, ...]
    resource_provider_generation: int


@attrs.frozen(kw_only=True)
class ProviderAggregates:
    """The groups that one provider is in. The uuids are in alphabetical order."""

    aggregates: tuple[str, ...]
    resource_provider_generation: int


@attrs.frozen(kw_only=True)
class ProviderUsages:
    """How much of each of its resource classes is taken from one provider."""

    usages: Resources
    resource_provider_generation: int


@attrs.frozen(kw_only=True)
class Allocation:
    """What one consumer takes from one provider.

    Attributes:
        resource_provider_uuid: who gives.
        resources: how much of what.
        generation: the provider's; shown by Placement, ignored in requests.
    """

    resource_provider_uuid: ProviderId
    resources: Resources
    generation: int | None = None


@attrs.frozen(kw_only=True)
class ConsumerAllocations:
    """All that one consumer takes, as it is shown and as it is asked for.

    Attributes:
        consumer_uuid: an instance, or a migration.
        allocations: one for each provider; empty for nothing at all.
        project_id: on whose account; None where nothing is taken.
        user_id: who took it; None where nothing is taken.
        consumer_generation: counts the writes to it; None for a consumer that does not exist, or must not exist yet.
    """

    consumer_uuid: ConsumerId
    allocations: tuple[Allocation, ...] = ()
    project_id: ProjectId | None = None
    user_id: UserId | None = None
    consumer_generation: int | None = None


@attrs.frozen(kw_only=True)
class ConsumerUsage:
    """What one consumer takes from one provider, in a list of all its consumers."""

    consumer_uuid: ConsumerId
    resources: Resources
    consumer_generation: int


@attrs.frozen(kw_only=True)
class ProviderAllocations:
    """Who takes how much from one provider."""

    allocations: tuple[ConsumerUsage, ...]
    resource_provider_generation: int


@attrs.frozen(kw_only=True)
class ResourceSummary:
    """How much of one resource class a provider could give in all, and how much of it is taken."""

    resource_class: str
    capacity: int
    used: int


@attrs.frozen(kw_only=True)
class ProviderSummary:
    """A provider as a scheduler needs to see it: every class it has, not only those that were asked for.

    Until something happens to the provider, every answer holds the very same object: ``is`` tells who has changed.
    """

    resource_provider_uuid: ProviderId
    resources: tuple[ResourceSummary, ...]
    traits: tuple[str, ...]
    parent_provider_uuid: ProviderId | None
    root_provider_uuid: ProviderId


@attrs.frozen(kw_only=True)
class AllocationRequest:
    """One way to satisfy a request: hand its allocations to `UpdateAllocations` to claim it."""

    allocations: tuple[Allocation, ...]


@attrs.frozen(kw_only=True)
class AllocationCandidates:
    """Every provider that could satisfy a request now, in the order in which they were created.

    An answer is a snapshot: it never changes. Until something happens to one of its providers, the same request gets the
    very same object.

    Attributes:
        resources: what was asked for, and what each candidate gives from one provider.
        provider_summaries: the candidates.
    """

    resources: Resources
    provider_summaries: tuple[ProviderSummary, ...]

    def allocation_request(self, summary: ProviderSummary) -> AllocationRequest:
        """What to claim in order to take the candidate *summary*."""
        return AllocationRequest(
            allocations=(Allocation(resource_provider_uuid=summary.resource_provider_uuid, resources=self.resources),)
        )
