"""The API of Placement, one class for each call, as of microversion 1.36, which is what nova asks for.

All of them are for administrators and services, except that a project may look at its own usages.
"""

from typing import ClassVar, TypeVar

from actors.calls import ApiRequest, Policy, admin_or_service, anybody
from actors.ids import ConsumerId, ProjectId, ProviderId, UserId
from actors.placement.models import (
    Allocation,
    AllocationCandidates,
    ConsumerAllocations,
    Inventory,
    ProviderAggregates,
    ProviderAllocations,
    ProviderInventories,
    ProviderTraits,
    ProviderUsages,
    ResourceProvider,
    Resources,
)
from bus.message import message

R = TypeVar("R")


class PlacementRequest(ApiRequest[R]):
    """Base of Placement's calls."""

    __slots__ = ()

    topic: ClassVar[str] = "placement"
    policy: ClassVar[Policy] = admin_or_service


# -- resource providers ------------------------------------------------------------------------------------------------


@message
class CreateResourceProvider(PlacementRequest[ResourceProvider]):
    """Create a resource provider, without inventory, traits or aggregates (``POST /resource_providers``).

    Attributes:
        name: unique among all providers.
        uuid: None for a new one.
        parent_provider_uuid: the provider that it is a part of.

    Raises:
        DuplicateName: if there is one of that name or uuid.
        UnknownProvider: if there is no such parent.
    """

    name: str
    uuid: ProviderId | None = None
    parent_provider_uuid: ProviderId | None = None


@message
class ListResourceProviders(PlacementRequest[tuple[ResourceProvider, ...]]):
    """List the providers that meet every condition (``GET /resource_providers``), in the order of their creation.

    Attributes:
        name: it is called so.
        uuid: it is this one.
        in_tree: it is in the tree of this provider.
        member_of: it is in at least one aggregate of each of these groups.
        required: it has each of these traits.
        resources: this much is free in it.

    Raises:
        UnknownResourceClass: if *resources* names what is none.
        UnknownTrait: if *required* names what is none.
    """

    name: str | None = None
    uuid: ProviderId | None = None
    in_tree: ProviderId | None = None
    member_of: tuple[tuple[str, ...], ...] = ()
    required: tuple[str, ...] = ()
    resources: Resources = ()


@message
class ShowResourceProvider(PlacementRequest[ResourceProvider]):
    """Show one provider (``GET /resource_providers/{uuid}``).

    Raises:
        ResourceProviderNotFound: if there is none.
    """

    uuid: ProviderId


@message
class UpdateResourceProvider(PlacementRequest[ResourceProvider]):
    """Rename a provider (``PUT /resource_providers/{uuid}``).

    Raises:
        ResourceProviderNotFound: if there is none.
        DuplicateName: if another one has the name.
    """

    uuid: ProviderId
    name: str


@message
class DeleteResourceProvider(PlacementRequest[None]):
    """Delete a provider with its inventories, traits and aggregates (``DELETE /resource_providers/{uuid}``).

    Raises:
        ResourceProviderNotFound: if there is none.
        CannotDeleteParentResourceProvider: if it has children.
        ResourceProviderInUse: if somebody takes from it.
    """

    uuid: ProviderId


# -- what belongs to a provider ----------------------------------------------------------------------------------------


@message
class ListInventories(PlacementRequest[ProviderInventories]):
    """Show what a provider has (``GET /resource_providers/{uuid}/inventories``).

    Raises:
        ResourceProviderNotFound: if there is none.
    """

    uuid: ProviderId


@message
class UpdateInventories(PlacementRequest[ProviderInventories]):
    """Replace all that a provider has (``PUT /resource_providers/{uuid}/inventories``).

    There may be less of a class than is taken already: then nothing more is given of it.

    Attributes:
        uuid: the provider.
        resource_provider_generation: its generation, as the caller has last seen it.
        inventories: one for each resource class.

    Raises:
        ResourceProviderNotFound: if there is none.
        UnknownResourceClass: if one is for no resource class.
        InvalidInventoryCapacity: if one cannot be.
        ProviderGenerationConflict: if somebody has written since.
        InventoryInUse: if somebody takes from a class that is no longer there.
    """

    uuid: ProviderId
    resource_provider_generation: int
    inventories: tuple[Inventory, ...]


@message
class ListProviderTraits(PlacementRequest[ProviderTraits]):
    """Show what a provider is like (``GET /resource_providers/{uuid}/traits``).

    Raises:
        ResourceProviderNotFound: if there is none.
    """

    uuid: ProviderId


@message
class UpdateProviderTraits(PlacementRequest[ProviderTraits]):
    """Replace all traits of a provider (``PUT /resource_providers/{uuid}/traits``).

    Raises:
        ResourceProviderNotFound: if there is none.
        UnknownTrait: if one is no trait.
        ProviderGenerationConflict: if somebody has written since.
    """

    uuid: ProviderId
    resource_provider_generation: int
    traits: tuple[str, ...]


@message
class ListProviderAggregates(PlacementRequest[ProviderAggregates]):
    """Show the groups that a provider is in (``GET /resource_providers/{uuid}/aggregates``).

    Raises:
        ResourceProviderNotFound: if there is none.
    """

    uuid: ProviderId


@message
class UpdateProviderAggregates(PlacementRequest[ProviderAggregates]):
    """Replace the groups that a provider is in (``PUT /resource_providers/{uuid}/aggregates``).

    Raises:
        ResourceProviderNotFound: if there is none.
        ProviderGenerationConflict: if somebody has written since.
    """

    uuid: ProviderId
    resource_provider_generation: int
    aggregates: tuple[str, ...]


@message
class ShowProviderUsages(PlacementRequest[ProviderUsages]):
    """Show how much is taken of each class that a provider has (``GET /resource_providers/{uuid}/usages``).

    Raises:
        ResourceProviderNotFound: if there is none.
    """

    uuid: ProviderId


@message
class ListProviderAllocations(PlacementRequest[ProviderAllocations]):
    """Show who takes how much from a provider (``GET /resource_providers/{uuid}/allocations``).

    Raises:
        ResourceProviderNotFound: if there is none.
    """

    uuid: ProviderId


# -- candidates and allocations ----------------------------------------------------------------------------------------


@message
class ListAllocationCandidates(PlacementRequest[AllocationCandidates]):
    """Find the providers that could satisfy a request now (``GET /allocation_candidates``).

    Nothing is reserved: what is found may be gone when it is claimed.

    Attributes:
        resources: all of these must be free in one provider.
        required: it has each of these traits ...
        forbidden: ... and none of these.
        member_of: it is in at least one aggregate of each of these groups ...
        forbidden_aggregates: ... and in none of these.
        in_tree: it is in the tree of this provider.
        root_required: the root of its tree has each of these traits ...
        root_forbidden: ... and none of these.
        limit: at most so many; None for all.

    Raises:
        BadRequest: if *resources* are empty or not positive, or the *limit* is not.
        UnknownResourceClass: if *resources* names what is none.
        UnknownTrait: if a trait is none.
    """

    resources: Resources
    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    member_of: tuple[tuple[str, ...], ...] = ()
    forbidden_aggregates: tuple[str, ...] = ()
    in_tree: ProviderId | None = None
    root_required: tuple[str, ...] = ()
    root_forbidden: tuple[str, ...] = ()
    limit: int | None = None


@message
class ListAllocations(PlacementRequest[ConsumerAllocations]):
    """Show what a consumer takes (``GET /allocations/{consumer_uuid}``): nothing, for one that does not exist."""

    consumer_uuid: ConsumerId


@message
class UpdateAllocations(PlacementRequest[None]):
    """Replace all that a consumer takes (``PUT /allocations/{consumer_uuid}``).

    Attributes:
        consumer_uuid: an instance, or a migration.
        allocations: one for each provider; empty to give everything back.
        project_id: on whose account.
        user_id: who takes it.
        consumer_generation: the consumer's generation, as the caller has last seen it; None if it must not exist yet.

    Raises:
        ConsumerGenerationConflict: if somebody has written since.
        UnknownProvider: if a provider does not exist.
        UnknownResourceClass: if something is no resource class.
        BadRequest: if an amount is not positive, or a provider or class comes twice.
        InvalidInventory: if there is no room (its children say why).
        ConcurrentUpdateDetected: if others kept writing to the same consumer or providers meanwhile.
    """

    consumer_uuid: ConsumerId
    allocations: tuple[Allocation, ...]
    project_id: ProjectId
    user_id: UserId
    consumer_generation: int | None


@message
class ManageAllocations(PlacementRequest[None]):
    """Replace all that several consumers take, or nothing (``POST /allocations``).

    What one gives back is there for the others, so that an allocation can move from an instance to its migration.

    Attributes:
        consumers: each with its project, its user and its generation.

    Raises:
        BadRequest: if a consumer comes twice or has no project or user; and as `UpdateAllocations`.
        Conflict: as `UpdateAllocations`.
    """

    consumers: tuple[ConsumerAllocations, ...]


@message
class DeleteAllocations(PlacementRequest[None]):
    """Give back all that a consumer takes, whatever its generation (``DELETE /allocations/{consumer_uuid}``).

    Raises:
        AllocationsNotFound: if it takes nothing.
    """

    consumer_uuid: ConsumerId


@message
class ListUsages(PlacementRequest[Resources]):
    """Show how much a project takes in all (``GET /usages``).

    Attributes:
        project_id: on whose account; one's own, if one is neither administrator nor service.
        user_id: of what this user took only.

    Raises:
        Forbidden: if it is somebody else's project.
    """

    policy: ClassVar[Policy] = anybody

    project_id: ProjectId
    user_id: UserId | None = None
