import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import BadRequest
from actors.ids import ConsumerId, ProjectId, ProviderId, UserId
from actors.placement.claims import check_inventories, check_request, check_room
from actors.placement.errors import (
    InvalidAllocationCapacityExceeded,
    InvalidAllocationConstraintsViolated,
    InvalidInventory,
    InvalidInventoryCapacity,
    UnknownResourceClass,
)
from actors.placement.models import Allocation, ConsumerAllocations, Inventory, resources
from actors.placement.records import Provider

VCPU = Inventory(resource_class="VCPU", total=8)


def provider(inventory: Inventory, used: int = 0) -> Provider:
    made = Provider(uuid=ProviderId("p"), name="p", place=0)
    made.inventories = {inventory.resource_class: inventory}
    made.used = {inventory.resource_class: used}
    return made


def room(inventory: Inventory, used: int, amount: int, returned: int = 0) -> bool:
    """Whether there is room: True, or an error that says why not."""
    check_room(provider(inventory, used), "VCPU", amount=amount, taken=amount, returned=returned)
    return True


@pytest.mark.parametrize(
    "wrong",
    [{"total": 0}, {"reserved": -1}, {"reserved": 9}, {"min_unit": 0}, {"max_unit": 0}, {"step_size": 0},
     {"max_unit": 2**31}, {"allocation_ratio": 0.0}, {"allocation_ratio": -1.0}],
)  # fmt: skip
def test_an_inventory_that_cannot_be_is_refused(wrong):
    with pytest.raises(InvalidInventoryCapacity):
        check_inventories([attrs.evolve(VCPU, **wrong)])


def test_all_of_an_inventory_may_be_reserved():
    check_inventories([attrs.evolve(VCPU, reserved=8)])


def test_a_class_comes_once():
    with pytest.raises(BadRequest, match="VCPU comes twice"):
        check_inventories([VCPU, VCPU])


def test_an_inventory_needs_a_resource_class():
    with pytest.raises(UnknownResourceClass):
        check_inventories([attrs.evolve(VCPU, resource_class="CORES")])


def test_there_is_room_up_to_the_ratio_and_no_further():
    fourfold = attrs.evolve(VCPU, reserved=1, allocation_ratio=4.0)
    assert room(fourfold, used=27, amount=1)
    with pytest.raises(InvalidAllocationCapacityExceeded, match="1 more than the 28 in use, of 28"):
        room(fourfold, used=28, amount=1)


def test_a_provider_without_the_class_has_no_room():
    with pytest.raises(InvalidInventory, match="Inventory for 'DISK_GB' on resource provider 'p' invalid"):
        check_room(provider(VCPU), "DISK_GB", amount=1, taken=1, returned=0)


@given(st.integers(1, 20), st.integers(1, 5), st.integers(1, 20), st.integers(1, 5))
def test_an_amount_keeps_to_least_most_and_step(amount, least, most, step):
    inventory = Inventory(resource_class="VCPU", total=1000, min_unit=least, max_unit=most, step_size=step)
    if least <= amount <= most and amount % step == 0:
        assert room(inventory, used=0, amount=amount)
    else:
        with pytest.raises(InvalidAllocationConstraintsViolated):
            room(inventory, used=0, amount=amount)


def test_a_provider_that_shrank_takes_what_brings_it_nearer_to_its_capacity():
    assert room(VCPU, used=12, amount=4, returned=4)
    assert room(VCPU, used=12, amount=3, returned=4)
    with pytest.raises(InvalidAllocationCapacityExceeded):
        room(VCPU, used=12, amount=5, returned=4)


def test_what_is_returned_is_there_for_the_taking():
    assert room(VCPU, used=8, amount=8, returned=8)
    with pytest.raises(InvalidAllocationCapacityExceeded):
        room(VCPU, used=8, amount=8, returned=7)


ONE = ConsumerAllocations(
    consumer_uuid=ConsumerId("c"), project_id=ProjectId("p"), user_id=UserId("u"),
    allocations=(Allocation(resource_provider_uuid=ProviderId("a"), resources=resources(VCPU=1)),),
)  # fmt: skip


def with_resources(*amounts: tuple[str, int]) -> tuple[ConsumerAllocations, ...]:
    return (attrs.evolve(ONE, allocations=(attrs.evolve(ONE.allocations[0], resources=amounts),)),)


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        ((ONE, ONE), "A consumer comes twice"),
        ((attrs.evolve(ONE, project_id=None),), "need a project_id and a user_id"),
        ((attrs.evolve(ONE, allocations=ONE.allocations * 2),), "A provider comes twice"),
        (with_resources(), "No resources"),
        (with_resources(("VCPU", 0)), "0 of VCPU cannot be asked for"),
        (with_resources(("VCPU", 1), ("VCPU", 2)), "comes twice"),
        (with_resources(("CORES", 1)), "No such resource class CORES"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(request_, complaint):
    check_request((ONE,))
    with pytest.raises(BadRequest, match=complaint):
        check_request(request_)
