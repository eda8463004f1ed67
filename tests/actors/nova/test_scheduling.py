"""Filters and weighers."""

import attrs
from hypothesis import given
from hypothesis import strategies as st

from actors.ids import ServerId
from actors.nova.scheduling import FILTERS, GroupRules, HostState, passing, weigh

SERVERS = [ServerId(name) for name in "abc"]
GROUPS = st.builds(
    GroupRules,
    policy=st.sampled_from([None, "affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"]),
    hosts=st.frozensets(st.sampled_from(["h0", "h1"])),
    members=st.frozensets(st.sampled_from(SERVERS)),
    max_server_per_host=st.integers(1, 2),
)
NUMBERS = st.integers(0, 1000)
HOSTS = st.lists(
    st.builds(
        HostState,
        host=st.sampled_from([f"h{n}" for n in range(8)]),
        up=st.booleans(),
        enabled=st.booleans(),
        free_ram_mb=NUMBERS,
        free_vcpus=NUMBERS,
        free_disk_mb=NUMBERS,
        num_io_ops=NUMBERS,
        failed_builds=st.integers(0, 3),
        instances=st.frozensets(st.sampled_from(SERVERS)),
    ),
    unique_by=lambda host: host.host,
    max_size=8,
)


@given(HOSTS, GROUPS)
def test_a_host_passes_only_if_it_is_up_and_enabled_and_the_group_allows_it(hosts, group):
    for host in passing(hosts, group):
        assert host.up
        assert host.enabled
        if group.policy == "anti-affinity":
            assert len(host.instances & group.members) < group.max_server_per_host
        if group.policy == "affinity" and group.hosts:
            assert host.host in group.hosts


@given(HOSTS, GROUPS)
def test_every_host_that_some_filter_refuses_is_left_out(hosts, group):
    refused = [host for host in hosts if not all(test(host, group) for test in FILTERS.values())]

    assert passing(hosts, group) == [host for host in hosts if host not in refused]


@given(HOSTS, GROUPS)
def test_weighing_keeps_every_host_and_puts_the_heaviest_first(hosts, group):
    weighed = weigh(hosts, group)

    assert sorted(host.host for host, _ in weighed) == sorted(host.host for host in hosts)
    assert [weight for _, weight in weighed] == sorted((weight for _, weight in weighed), reverse=True)


@given(HOSTS)
def test_hosts_that_are_alike_weigh_nothing_and_keep_their_order(hosts):
    alike = [attrs.evolve(HostState(host="x"), host=host.host) for host in hosts]

    assert weigh(alike, GroupRules()) == [(host, 0.0) for host in alike]


def test_the_emptiest_host_wins_unless_builds_failed_there():
    full = HostState(host="full", free_ram_mb=1, free_vcpus=1, free_disk_mb=1)
    empty = HostState(host="empty", free_ram_mb=9, free_vcpus=9, free_disk_mb=9)
    failing = attrs.evolve(empty, failed_builds=1)

    assert [host for host, _ in weigh([full, empty], GroupRules())] == [empty, full]
    assert [host for host, _ in weigh([full, failing], GroupRules())] == [full, failing]


def test_soft_policies_draw_members_together_or_apart():
    with_member = HostState(host="with", instances=frozenset(SERVERS))
    without = HostState(host="without")
    members = frozenset(SERVERS)

    assert weigh([without, with_member], GroupRules(policy="soft-affinity", members=members))[0][0] is with_member
    assert weigh([with_member, without], GroupRules(policy="soft-anti-affinity", members=members))[0][0] is without
