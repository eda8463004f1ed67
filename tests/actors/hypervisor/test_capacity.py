import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.hypervisor.capacity import Ledger, held
from actors.hypervisor.config import HypervisorConfig
from actors.hypervisor.errors import HostFull
from actors.hypervisor.models import HostResources, PowerState
from actors.ids import ServerId

HAS = HostResources(vcpus=4, memory_mb=4096, local_gb=40)
PLAIN = HypervisorConfig(cpu_overcommit=1.0)
ONE, TWO = ServerId("one"), ServerId("two")
FIELDS = ("vcpus", "memory_mb", "local_gb")
amounts = st.builds(HostResources, vcpus=st.integers(0, 5), memory_mb=st.integers(0, 5000), local_gb=st.integers(0, 50))


@given(amounts, st.sampled_from(PowerState))
def test_disk_is_always_held_and_the_rest_while_a_guest_is_on(wants, state):
    on = state.name in {"NOSTATE", "RUNNING", "PAUSED"}
    assert held(wants, state) == (wants if on else HostResources(local_gb=wants.local_gb))


@given(st.lists(st.tuples(st.sampled_from("abc"), amounts)))
def test_what_is_taken_is_the_sum_of_what_each_holds_last(entries):
    ledger = Ledger(HAS, PLAIN)
    for server, amount in entries:
        ledger.hold(ServerId(server), amount)
    last = dict(entries).values()
    assert ledger.taken == HostResources(**{name: sum(getattr(one, name) for one in last) for name in FIELDS})


@given(amounts, amounts, amounts)
def test_there_is_room_for_what_fits_beside_what_others_hold(others, holds, wanted):
    ledger = Ledger(HAS, PLAIN)
    ledger.hold(ONE, holds)
    ledger.hold(TWO, others)
    fits = all(
        getattr(wanted, name) <= getattr(holds, name)
        or getattr(others, name) + getattr(wanted, name) <= getattr(HAS, name)
        for name in FIELDS
    )
    if fits:
        ledger.check_room(ONE, wanted)
    else:
        with pytest.raises(HostFull):
            ledger.check_room(ONE, wanted)


def test_overcommitment_stretches_each_limit():
    stretched = HypervisorConfig(cpu_overcommit=2, ram_overcommit=1.5, disk_overcommit=2)
    Ledger(HAS, stretched).check_room(ONE, HostResources(vcpus=8, memory_mb=6144, local_gb=80))


def test_a_full_host_says_of_what():
    ledger = Ledger(HAS, PLAIN)
    ledger.hold(ONE, HostResources(memory_mb=4096))
    with pytest.raises(HostFull, match="512 MB of memory are too many: 4096 of 4096 are taken"):
        ledger.check_room(TWO, HostResources(memory_mb=512))
