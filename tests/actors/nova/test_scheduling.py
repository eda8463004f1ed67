"""Filters and weighers."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.ids import ServerId
from actors.nova.scheduling import FILTERS, WEIGHERS, Demand, GroupRules, HostState, best_first, passing, weights

NAMES = [f"h{n}" for n in range(8)]
SERVERS = [ServerId(name) for name in "abc"]
GROUPS = st.builds(
    GroupRules,
    policy=st.sampled_from([None, "affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"]),
    hosts=st.frozensets(st.sampled_from(["h0", "h1"])),
    members=st.frozensets(st.sampled_from(SERVERS)),
    max_server_per_host=st.integers(1, 2),
)
DEMANDS = st.builds(
    Demand,
    group=GROUPS,
    down=st.lists(st.sampled_from(NAMES), max_size=3),
    servers=st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(SERVERS), unique=True)),
)
NUMBERS = st.integers(0, 3)
HOSTS = st.lists(
    st.builds(
        HostState,
        host=st.sampled_from(NAMES),
        free_ram_mb=NUMBERS,
        free_vcpus=NUMBERS,
        free_disk_mb=NUMBERS,
        num_io_ops=NUMBERS,
        failed_builds=NUMBERS,
    ),
    unique_by=lambda host: host.host,
    max_size=8,
)


def fits(host: HostState, demand: Demand) -> bool:
    """What the filters are to say, one host at a time."""
    group = demand.group
    if host.host in demand.down:
        return False
    if group.policy == "anti-affinity":
        return len(group.members.intersection(demand.servers.get(host.host, ()))) < group.max_server_per_host
    return group.policy != "affinity" or not group.hosts or host.host in group.hosts


@given(HOSTS, DEMANDS)
def test_a_host_passes_if_it_is_enabled_and_up_and_the_group_allows_it(hosts, demand):
    assert passing(hosts, demand) == [host for host in hosts if fits(host, demand)]


@given(HOSTS, DEMANDS)
def test_no_filter_at_all_lets_every_host_pass(hosts, demand):
    assert passing(hosts, demand, ()) == hosts
    assert list(FILTERS) == ["ComputeFilter", "ServerGroupAntiAffinityFilter", "ServerGroupAffinityFilter"]


@given(HOSTS, DEMANDS)
def test_weights_are_the_stretched_values_of_each_host_times_the_multipliers(hosts, demand):
    expected = dict.fromkeys((host.host for host in hosts), 0.0)
    for multiplier, raw in WEIGHERS.values():
        values = [raw(host) for host in hosts]
        for host, value in zip(hosts, values, strict=True):
            if min(values) != max(values):
                expected[host.host] += multiplier * (value - min(values)) / (max(values) - min(values))
    plain = attrs.evolve(demand, group=GroupRules())

    assert weights(hosts, plain) == pytest.approx([expected[host.host] for host in hosts])


@given(st.lists(st.integers(0, 3)))
def test_the_heaviest_host_comes_first_and_those_of_equal_weight_keep_their_order(weighed):
    hosts = [HostState(host=str(place)) for place in range(len(weighed))]

    pairs = sorted(zip(weighed, hosts, strict=True), key=lambda pair: -pair[0])
    assert best_first(hosts, weighed) == [host for _, host in pairs]


@given(HOSTS)
def test_hosts_that_are_alike_weigh_nothing_and_keep_their_order(hosts):
    alike = [attrs.evolve(HostState(host="x"), host=host.host) for host in hosts]

    assert weights(alike, Demand()) == [0.0] * len(alike)


def test_the_emptiest_host_wins_unless_builds_failed_there():
    full = HostState(host="full", free_ram_mb=1, free_vcpus=1, free_disk_mb=1)
    empty = HostState(host="empty", free_ram_mb=9, free_vcpus=9, free_disk_mb=9)
    failing = attrs.evolve(empty, failed_builds=1)

    assert best_first([full, empty], weights([full, empty], Demand())) == [empty, full]
    assert best_first([full, failing], weights([full, failing], Demand())) == [full, failing]


@pytest.mark.parametrize(("policy", "first"), [("soft-affinity", "with"), ("soft-anti-affinity", "without")])
def test_soft_policies_draw_members_together_or_apart(policy, first):
    hosts = [HostState(host="without"), HostState(host="with")]
    demand = Demand(group=GroupRules(policy=policy, members=frozenset(SERVERS)), servers={"with": SERVERS})

    assert best_first(hosts, weights(hosts, demand))[0].host == first
