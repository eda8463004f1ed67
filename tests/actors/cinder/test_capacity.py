"""Which backend takes a volume."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.cinder.capacity import (
    DEFAULT_FILTERS,
    FILTERS,
    BackendState,
    Wanted,
    available_capacity,
    candidates,
    check_attempts,
    virtual_free_capacity,
)
from actors.cinder.errors import NoValidBackend
from actors.cinder.models import Capabilities, VolumeType, VolumeTypeId

THICK = Capabilities(volume_backend_name="lvm", total_capacity_gb=100, free_capacity_gb=100)
THIN = attrs.evolve(THICK, thin_provisioning_support=True, max_over_subscription_ratio=2.0)


def backend(name: str = "a", zone: str = "nova", **changes) -> BackendState:
    return BackendState(name, zone, attrs.evolve(THICK, **changes))


def chosen(backends, wanted, filters=DEFAULT_FILTERS, multiplier=1.0) -> list[str]:
    return [one.service for one in candidates(backends, wanted, filters=filters, multiplier=multiplier)]


def kind(**specs: str) -> VolumeType:
    return VolumeType(
        id=VolumeTypeId("t"), name="t", extra_specs={name.replace("__", ":"): to for name, to in specs.items()}
    )


@pytest.mark.parametrize(
    ("capabilities", "thin", "free"),
    [
        (THICK, True, 100),
        (attrs.evolve(THICK, reserved_percentage=10), True, 90),
        (attrs.evolve(THICK, free_capacity_gb=30), True, 30),
        (attrs.evolve(THICK, provisioned_capacity_gb=60), True, 40),
        (attrs.evolve(THIN, provisioned_capacity_gb=60), True, 140),
        (attrs.evolve(THIN, provisioned_capacity_gb=60), False, 40),
        (attrs.evolve(THIN, provisioned_capacity_gb=60, reserved_percentage=50), True, 40),
    ],
)
def test_free_space_is_what_may_still_be_promised(capabilities, thin, free):
    assert virtual_free_capacity(capabilities, thin=thin) == free


@pytest.mark.parametrize(
    ("name", "state", "wanted", "passes"),
    [
        ("CapacityFilter", backend(), Wanted(size=100), True),
        ("CapacityFilter", backend(), Wanted(size=101), False),
        ("CapacityFilter", backend(total_capacity_gb=0), Wanted(size=1), False),
        ("CapacityFilter", backend(total_capacity_gb=0), Wanted(size=0), True),
        ("CapacityFilter", BackendState("a", "nova", THIN), Wanted(size=150), True),
        ("CapacityFilter", BackendState("a", "nova", THIN), Wanted(size=150, volume_type=kind(provisioning__type="thick")), False),
        ("CapacityFilter", BackendState("a", "nova", attrs.evolve(THIN, max_over_subscription_ratio=0.9)), Wanted(size=1), False),
        ("AvailabilityZoneFilter", backend(zone="x"), Wanted(size=1, availability_zones=("x", "y")), True),
        ("AvailabilityZoneFilter", backend(zone="z"), Wanted(size=1, availability_zones=("x", "y")), False),
        ("AvailabilityZoneFilter", backend(zone="z"), Wanted(size=1), True),
        ("CapabilitiesFilter", backend(), Wanted(size=1, volume_type=kind(volume_backend_name="lvm")), True),
        ("CapabilitiesFilter", backend(), Wanted(size=1, volume_type=kind(volume_backend_name="ceph")), False),
        ("CapabilitiesFilter", backend(multiattach=False), Wanted(size=1, volume_type=kind(multiattach="<is> True")), False),
        ("IgnoreAttemptedHostsFilter", backend(), Wanted(size=1, tried=("a#lvm",)), False),
        ("IgnoreAttemptedHostsFilter", backend("b"), Wanted(size=1, tried=("a#lvm",)), True),
    ],
)  # fmt: skip
def test_filters(name, state, wanted, passes):
    assert FILTERS[name](state, wanted) is passes


def test_the_roomiest_comes_first_and_ties_keep_their_order():
    backends = [backend("a", free_capacity_gb=50), backend("b"), backend("c"), backend("d", free_capacity_gb=70)]
    assert chosen(backends, Wanted(size=1)) == ["b", "c", "d", "a"]
    assert chosen(backends, Wanted(size=1), multiplier=-1.0) == ["a", "d", "b", "c"]
    assert chosen(backends, Wanted(size=60)) == ["b", "c", "d"]
    assert chosen([], Wanted(size=1)) == []


def test_a_report_from_before_the_last_placement_is_ignored():
    state = backend()
    state.consume(10, timestamp=5.0)
    state.report(attrs.evolve(THICK, timestamp=4.0))
    assert state.now.free_capacity_gb == 90
    state.report(attrs.evolve(THICK, timestamp=6.0))
    assert state.now.free_capacity_gb == 100


@given(
    sizes=st.lists(st.integers(1, 40), max_size=30),
    reserved=st.integers(0, 100),
    ratio=st.none() | st.floats(1.0, 4.0),
)
def test_what_one_scheduler_places_never_exceeds_what_may_be_promised(sizes, reserved, ratio):
    thin = {} if ratio is None else {"thin_provisioning_support": True, "max_over_subscription_ratio": ratio}
    states = [backend(name, reserved_percentage=reserved, **thin) for name in "abc"]
    for n, size in enumerate(sizes):
        if found := candidates(states, Wanted(size=size), filters=DEFAULT_FILTERS, multiplier=1.0):
            found[0].consume(size, timestamp=float(n))
    for state in states:
        assert state.now.provisioned_capacity_gb <= available_capacity(state.now, thin=True) + 0.01


def test_attempts_are_counted():
    check_attempts(3, 3)
    with pytest.raises(NoValidBackend, match=r"attempt 4 .* is 3"):
        check_attempts(4, 3)
