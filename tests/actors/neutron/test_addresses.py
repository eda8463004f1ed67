"""Addresses: what a subnet gives away, and what it never does."""

from ipaddress import ip_address, ip_network
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import BadRequest, Conflict
from actors.neutron.addresses import (
    Space,
    check_pools,
    default_pools,
    eui64,
    holds,
    parse_address,
    parse_cidr,
    random_mac,
    usable,
)

CIDRS = st.sampled_from(["10.0.0.0/30", "10.0.0.0/29", "10.0.0.0/28", "10.0.0.0/31", "2001:db8::/124", "2001:db8::/64"])


def space_of(cidr: str, gateway: str | None = None) -> Space:
    network = ip_network(cidr)
    return Space(network, default_pools(network, None if gateway is None else ip_address(gateway)))


@given(
    CIDRS,
    st.lists(st.tuples(st.sampled_from(["pick", "take", "release", "repool"]), st.integers(0, 40))),
    st.integers(),
)
def test_whatever_is_done_a_space_gives_only_free_addresses_of_its_pools(cidr: str, steps, seed: int):
    network, chance = ip_network(cidr), Random(seed)
    first, last = usable(network)
    pools = ((first, last),)
    space, taken = Space(network, pools), dict[str, None]()
    for kind, n in steps:
        if kind == "pick":
            address = space.pick(chance, window=4)
            free = [
                x for low, high in pools for x in range(low, min(high, low + 99) + 1) if str(ip_address(x)) not in taken
            ]
            assert (address is None) == (not free)
            if address is not None:
                assert int(ip_address(address)) in free[:4]
                assert space.take(address)
                taken[address] = None
        elif kind == "take":
            address = str(network[n % network.num_addresses])
            assert space.take(address) == (address not in taken)
            taken[address] = None
        elif kind == "release" and taken:
            address = list(taken)[n % len(taken)]
            space.release(address)
            del taken[address]
        elif kind == "repool":
            low = first + n % (min(last - first, 20) + 1)
            pools = ((low, last),)
            space.repool(pools)
        assert len(space) == len(taken)
        assert all(address in space for address in taken)


def test_a_space_gives_away_all_it_has_and_no_more():
    space, chance, given_away = space_of("10.0.0.0/28", "10.0.0.1"), Random(1), []
    while (address := space.pick(chance, window=1000)) is not None:
        assert space.take(address)
        given_away.append(address)
    assert sorted(given_away, key=ip_address) == [f"10.0.0.{n}" for n in range(2, 15)]


def test_addresses_are_drawn_from_a_window_of_the_lowest_free_ones():
    picked = {space_of("10.0.0.0/24", "10.0.0.1").pick(Random(seed), window=10) for seed in range(200)}
    assert picked == {f"10.0.0.{n}" for n in range(2, 12)}


def test_a_window_of_one_gives_the_lowest():
    assert space_of("10.0.0.0/24", "10.0.0.1").pick(Random(1), window=1) == "10.0.0.2"


def test_what_was_given_back_is_given_away_again():
    space = space_of("10.0.0.0/30", "10.0.0.1")
    assert space.take("10.0.0.2")
    assert space.pick(Random(1), window=10) is None
    space.release("10.0.0.2")
    assert space.pick(Random(1), window=10) == "10.0.0.2"


def test_a_second_pool_is_used_when_the_first_is_empty():
    network = ip_network("10.0.0.0/24")
    space = Space(network, check_pools(network, [("10.0.0.9", "10.0.0.9"), ("10.0.0.5", "10.0.0.5")], None))
    first = space.pick(Random(1), window=10)
    assert first == "10.0.0.5"
    space.take(first)
    assert space.pick(Random(1), window=10) == "10.0.0.9"


@given(CIDRS.flatmap(lambda cidr: st.tuples(st.just(ip_network(cidr)), st.integers(0, 20))))
def test_default_pools_hold_all_that_ports_may_have_but_the_gateway(case):
    network, n = case
    gateway = network[n % network.num_addresses]
    pools = default_pools(network, gateway)
    low = [x for first, last in pools for x in range(first, min(last, first + 99) + 1)]
    assert int(gateway) not in low
    first, last = usable(network)
    assert sum(end - start + 1 for start, end in pools) == last - first + 1 - (first <= int(gateway) <= last)
    assert network.prefixlen == 31 or all(holds(network, ip_address(x)) for x in low)


@pytest.mark.parametrize(
    ("pools", "error"),
    [
        ([("10.0.0.9", "10.0.0.5")], BadRequest),
        ([("10.0.0.0", "10.0.0.5")], BadRequest),
        ([("10.0.0.5", "10.0.0.255")], BadRequest),
        ([("10.0.1.5", "10.0.1.9")], BadRequest),
        ([("no", "10.0.0.5")], BadRequest),
        ([("2001:db8::1", "2001:db8::2")], BadRequest),
        ([("10.0.0.5", "10.0.0.9"), ("10.0.0.9", "10.0.0.12")], Conflict),
        ([("10.0.0.1", "10.0.0.9")], Conflict),
    ],
)
def test_pools_that_make_no_sense_are_refused(pools, error):
    with pytest.raises(error):
        check_pools(ip_network("10.0.0.0/24"), pools, ip_address("10.0.0.1"))


@pytest.mark.parametrize("text", ["10.0.0.1/24", "10.0.0.0/33", "nonsense", "0.0.0.0/0", "2001:db8::/64", "10.0.0.0"])
def test_what_is_no_ipv4_subnet_is_refused(text: str):
    with pytest.raises(BadRequest):
        parse_cidr(text, 4)


@pytest.mark.parametrize("text", ["10.0.0.300", "", "2001:db8::1"])
def test_what_is_no_ipv4_address_is_refused(text: str):
    with pytest.raises(BadRequest, match="gateway_ip"):
        parse_address(text, 4, "gateway_ip")


@given(st.integers())
def test_mac_addresses_keep_the_octets_of_base_mac(seed: int):
    assert random_mac("fa:16:3e:00:00:00", Random(seed)).startswith("fa:16:3e:")
    assert random_mac("fa:16:3e:4f:00:00", Random(seed)).startswith("fa:16:3e:4f:")
    assert len(random_mac("fa:16:3e:00:00:00", Random(seed)).split(":")) == 6


def test_an_automatic_address_is_made_of_the_mac_address():
    assert eui64(ip_network("2001:db8::/64"), "fa:16:3e:12:34:56") == "2001:db8::f816:3eff:fe12:3456"
