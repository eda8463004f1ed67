"""Choosing hosts: filters say which can, weighers say which is best. Pure rules.

As nova's `scheduler/filters/`, `scheduler/weights/` and `weights.py`: a host must pass every filter; then each weigher gives each
host that is left a raw value, the values are stretched to 0..1 over those hosts (all equal: 0), multiplied and added up.
How much memory, disk and how many cores are free is Placement's business, so no filter asks for that.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import attrs

from actors.ids import ServerId


@attrs.frozen(kw_only=True)
class HostState:
    """What a scheduler knows of a host.

    Attributes:
        host: its name.
        up: its nova-compute has reported within `service_down_time`.
        enabled: an administrator lets it take servers.
        free_ram_mb: megabytes that no server claims.
        free_vcpus: virtual cores that no server claims, by the allocation ratio.
        free_disk_mb: megabytes that no server claims.
        num_io_ops: servers that are being built, resized or otherwise moved there.
        num_instances: servers.
        failed_builds: builds that failed there since the last that succeeded.
        hypervisor_version: for hosts of different age.
        instances: the servers there.
    """

    host: str
    up: bool = True
    enabled: bool = True
    free_ram_mb: float = 0
    free_vcpus: float = 0
    free_disk_mb: float = 0
    num_io_ops: int = 0
    num_instances: int = 0
    failed_builds: int = 0
    hypervisor_version: int = 0
    instances: frozenset[ServerId] = frozenset()


@attrs.frozen(kw_only=True)
class GroupRules:
    """What the server's group, if it has one, demands.

    Attributes:
        policy: ``affinity``, ``anti-affinity``, ``soft-affinity`` or ``soft-anti-affinity``; None without a group.
        hosts: hosts on which members of the group are.
        members: the members.
        max_server_per_host: members allowed on one host under ``anti-affinity``.
    """

    policy: str | None = None
    hosts: frozenset[str] = frozenset()
    members: frozenset[ServerId] = frozenset()
    max_server_per_host: int = 1


def compute_filter(host: HostState, group: GroupRules) -> bool:
    """The host's service is enabled and up."""
    del group
    return host.enabled and host.up


def anti_affinity_filter(host: HostState, group: GroupRules) -> bool:
    """Fewer members of the group are on the host than are allowed."""
    return group.policy != "anti-affinity" or len(host.instances & group.members) < group.max_server_per_host


def affinity_filter(host: HostState, group: GroupRules) -> bool:
    """The host is where the group is, if it is anywhere yet."""
    return group.policy != "affinity" or not group.hosts or host.host in group.hosts


Filter = Callable[[HostState, GroupRules], bool]
FILTERS: Final[dict[str, Filter]] = {
    "ComputeFilter": compute_filter,
    "ServerGroupAntiAffinityFilter": anti_affinity_filter,
    "ServerGroupAffinityFilter": affinity_filter,
}
"""The default `[filter_scheduler] enabled_filters`, but for the two that look at capabilities no host here lacks."""

Weigher = Callable[[HostState, GroupRules], float]
WEIGHERS: Final[dict[str, tuple[float, Weigher]]] = {
    "ram_weight_multiplier": (1.0, lambda host, _: host.free_ram_mb),
    "cpu_weight_multiplier": (1.0, lambda host, _: host.free_vcpus),
    "disk_weight_multiplier": (1.0, lambda host, _: host.free_disk_mb),
    "hypervisor_version_weight_multiplier": (1.0, lambda host, _: host.hypervisor_version),
    "soft_affinity_weight_multiplier": (1.0, lambda host, group: _soft(host, group, "soft-affinity")),
    "soft_anti_affinity_weight_multiplier": (1.0, lambda host, group: -_soft(host, group, "soft-anti-affinity")),
    "io_ops_weight_multiplier": (-1.0, lambda host, _: host.num_io_ops),
    "num_instances_weight_multiplier": (0.0, lambda host, _: host.num_instances),
    "build_failure_weight_multiplier": (1_000_000.0, lambda host, _: -host.failed_builds),
}
"""Option, its default, and the raw value of a host."""


def _soft(host: HostState, group: GroupRules, policy: str) -> float:
    return len(host.instances & group.members) if group.policy == policy else 0


def passing(hosts: Iterable[HostState], group: GroupRules, filters: Sequence[str] = tuple(FILTERS)) -> list[HostState]:
    """The hosts that pass every filter, in their order."""
    tests = [FILTERS[name] for name in filters]
    return [host for host in hosts if all(test(host, group) for test in tests)]


def weigh(
    hosts: Sequence[HostState], group: GroupRules, multipliers: dict[str, float] | None = None
) -> list[tuple[HostState, float]]:
    """The hosts with their weights, the heaviest first; those of equal weight keep their order.

    Args:
        hosts: those that passed the filters.
        group: of the server.
        multipliers: options that differ from the defaults.
    """
    totals = [0.0] * len(hosts)
    for option, (default, weigher) in WEIGHERS.items():
        multiplier = (multipliers or {}).get(option, default)
        if multiplier:
            raw = [weigher(host, group) for host in hosts]
            for place, value in enumerate(_stretched(raw)):
                totals[place] += multiplier * value
    return sorted(zip(hosts, totals, strict=True), key=lambda weighed: -weighed[1])


def _stretched(values: Sequence[float]) -> list[float]:
    """Stretch to 0..1, as nova's `weights.normalize` does."""
    low, high = min(values, default=0), max(values, default=0)
    if low == high:
        return [0.0] * len(values)
    return [(value - low) / (high - low) for value in values]
