"""The rules by which Placement judges what consumers ask for, after placement's `objects/allocation.py`."""

from collections.abc import Iterable

from actors.errors import BadRequest
from actors.placement.errors import (
    InvalidAllocationCapacityExceeded,
    InvalidAllocationConstraintsViolated,
    InvalidInventory,
    InvalidInventoryCapacity,
)
from actors.placement.models import MAX_INT, ConsumerAllocations, Inventory, Resources
from actors.placement.names import check_classes
from actors.placement.records import Provider

_RANGES = {"total": 1, "reserved": 0, "min_unit": 1, "max_unit": 1, "step_size": 1}
"""The least that each number of an inventory may be, as placement's `schemas/inventory.py` has it."""


def check_inventories(inventories: Iterable[Inventory]) -> None:
    """Refuse inventories that cannot be.

    Raises:
        UnknownResourceClass: if one is for no resource class.
        InvalidInventoryCapacity: if a number is out of range, or more is reserved than there is.
        BadRequest: if a class comes twice.
    """
    names: set[str] = set()
    for one in inventories:
        name = one.resource_class
        check_classes([name])
        if name in names:
            raise BadRequest(f"The inventory of {name} comes twice. Give one for each resource class.")
        names.add(name)
        for field, least in _RANGES.items():
            value = getattr(one, field)
            if not least <= value <= MAX_INT:
                raise InvalidInventoryCapacity(
                    f"Bad inventory {name}: {field} is {value}, and must be between {least} and {MAX_INT}"
                )
        if one.allocation_ratio <= 0:
            raise InvalidInventoryCapacity(
                f"Bad inventory {name}: allocation_ratio is {one.allocation_ratio}, and must be above 0"
            )
        if one.reserved > one.total:
            raise InvalidInventoryCapacity(
                f"Invalid inventory for '{name}': the reserved value, {one.reserved}, is greater than the total, {one.total}"
            )


def check_resources(wanted: Resources) -> None:
    """Refuse amounts that cannot be asked for.

    Raises:
        BadRequest: if there are none, a class comes twice, or an amount is not positive.
        UnknownResourceClass: if a name is no resource class.
    """
    if not wanted:
        raise BadRequest("No resources are asked for. Name at least one resource class with an amount.")
    if len(dict(wanted)) < len(wanted):
        raise BadRequest(f"A resource class comes twice in {wanted}. Give one amount for each.")
    check_classes(name for name, _ in wanted)
    for name, amount in wanted:
        if amount < 1:
            raise BadRequest(f"{amount} of {name} cannot be asked for: an amount is 1 or more")


def check_request(wanted: tuple[ConsumerAllocations, ...]) -> None:
    """Refuse allocations that make no sense, before anything is looked up.

    Raises:
        BadRequest: if a consumer or one of its providers comes twice, somebody is missing, or amounts make no sense.
    """
    if len({one.consumer_uuid for one in wanted}) < len(wanted):
        raise BadRequest("A consumer comes twice. Give all its allocations at once.")
    for one in wanted:
        if one.project_id is None or one.user_id is None:
            raise BadRequest(f"The allocations of consumer {one.consumer_uuid} need a project_id and a user_id")
        if len({each.resource_provider_uuid for each in one.allocations}) < len(one.allocations):
            raise BadRequest(
                f"A provider comes twice for consumer {one.consumer_uuid}. Give all its resources at once."
            )
        for each in one.allocations:
            check_resources(each.resources)


def check_room(provider: Provider, name: str, *, amount: int, taken: int, returned: int) -> None:
    """Refuse what a provider cannot give.

    Args:
        provider: who gives.
        name: the resource class.
        amount: what one consumer asks for.
        taken: what all consumers of the request ask for so far, with *amount*.
        returned: what they give back of what they had.

    Raises:
        InvalidInventory: if it has none of the class at all.
        InvalidAllocationConstraintsViolated: if it never gives that amount.
        InvalidAllocationCapacityExceeded: if not enough is left. A provider that is over its capacity already, because its
            inventory has shrunk, takes whatever brings it nearer to it.
    """
    inventory = provider.inventories.get(name)
    if inventory is None:
        raise InvalidInventory(
            f"Unable to allocate inventory: Inventory for '{name}' on resource provider '{provider.uuid}' invalid."
        )
    if not inventory.deals(amount):
        raise InvalidAllocationConstraintsViolated(
            f"Unable to allocate inventory: Unable to create allocation for '{name}' on resource provider "
            f"'{provider.uuid}'. The requested amount would violate inventory constraints: {amount} is not between "
            f"{inventory.min_unit} and {inventory.max_unit} in steps of {inventory.step_size}."
        )
    used = provider.used.get(name, 0)
    if used - returned + taken > inventory.capacity and taken > returned:
        raise InvalidAllocationCapacityExceeded(
            f"Unable to allocate inventory: Unable to create allocation for '{name}' on resource provider "
            f"'{provider.uuid}'. The requested amount would exceed the capacity: {taken} more than the "
            f"{used - returned} in use, of {inventory.capacity:g}."
        )
