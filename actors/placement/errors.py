"""What Placement refuses, with the code words of its JSON errors.

::

    Conflict
    └── PlacementConflict                             `code` tells the causes of a 409 apart
        ├── InvalidInventory                          placement.undefined_code: no such inventory there
        │   ├── InvalidAllocationCapacityExceeded         no room
        │   └── InvalidAllocationConstraintsViolated      min_unit, max_unit or step_size
        ├── ConcurrentUpdateDetected                  placement.concurrent_update
        │   ├── ConsumerGenerationConflict                the caller has not seen the consumer's last write
        │   ├── ProviderGenerationConflict                the caller has not seen the provider's last write
        │   └── ResourceProviderConcurrentUpdateDetected  Placement itself lost the race for a provider too often
        ├── InventoryInUse                            placement.inventory.inuse
        ├── ResourceProviderInUse                     placement.resource_provider.inuse
        ├── CannotDeleteParentResourceProvider        placement.resource_provider.cannot_delete_parent
        └── DuplicateName                             placement.duplicate_name
    NotFound
    ├── ResourceProviderNotFound
    └── AllocationsNotFound
    BadRequest
    ├── InvalidInventoryCapacity
    ├── UnknownResourceClass
    ├── UnknownTrait
    └── UnknownProvider

Names after placement's `exception.py`, codes after its `errors.py`.
"""

from typing import ClassVar

from actors.errors import BadRequest, Conflict, NotFound


class PlacementConflict(Conflict):
    """Base of Placement's conflicts. Raised only as one of its children."""

    code: ClassVar[str] = "placement.undefined_code"
    """The word in the JSON error by which a client tells one conflict from another."""


class InvalidInventory(PlacementConflict):
    """The provider has none of that resource class."""


class InvalidAllocationCapacityExceeded(InvalidInventory):
    """There is not enough left. Another provider may have it."""


class InvalidAllocationConstraintsViolated(InvalidInventory):
    """The amount is one that the provider never gives, however much is left."""


class ConcurrentUpdateDetected(PlacementConflict):
    """Somebody else wrote in between. Trying again may succeed."""

    code = "placement.concurrent_update"


class ConsumerGenerationConflict(ConcurrentUpdateDetected):
    """The caller's view of the consumer is not the current one: look at it again before deciding anything."""


class ProviderGenerationConflict(ConcurrentUpdateDetected):
    """The caller's view of the provider is not the current one: look at it again before deciding anything."""


class ResourceProviderConcurrentUpdateDetected(ConcurrentUpdateDetected):
    """Others were faster as often as Placement tries. Not `ProviderGenerationConflict`: the caller named no generation."""


class InventoryInUse(PlacementConflict):
    """Consumers still take what was to be removed."""

    code = "placement.inventory.inuse"


class ResourceProviderInUse(PlacementConflict):
    """Consumers still take from the provider that was to be deleted."""

    code = "placement.resource_provider.inuse"


class CannotDeleteParentResourceProvider(PlacementConflict):
    """The provider that was to be deleted has children."""

    code = "placement.resource_provider.cannot_delete_parent"


class DuplicateName(PlacementConflict):
    """There is a provider of that name or uuid already."""

    code = "placement.duplicate_name"


class ResourceProviderNotFound(NotFound):
    """There is no such provider."""


class AllocationsNotFound(NotFound):
    """The consumer takes nothing, or does not exist."""


class InvalidInventoryCapacity(BadRequest):
    """An inventory that cannot be: more reserved than there is, or a number out of range."""


class UnknownResourceClass(BadRequest):
    """Neither a standard resource class nor a custom one."""


class UnknownTrait(BadRequest):
    """A custom trait that nobody has created, or no name of a trait."""


class UnknownProvider(BadRequest):
    """A request names a provider that does not exist. Not `ResourceProviderNotFound`: it was not the thing asked for."""
