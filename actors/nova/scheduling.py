"""Choosing hosts: filters say which can, weighers say which is best. Pure rules.

As nova's `scheduler/filters/`, `scheduler/weights/` and `weights.py`: a host must pass every filter; then each weigher gives each
host that is left a raw value, the values are stretched to 0..1 over those hosts (all equal: 0), multiplied and added up.
How much memory, disk and how many cores are free is Placement's business, so no filter asks for that.

In a large cloud most hosts look alike, so weights are worked out once for each different look.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Final, Self

import attrs

from actors.ids import ServerId
from actors.nova.models import ComputeNode, Flavor


@attrs.frozen(eq=False)
class Look:
    """The raw values of hosts that look alike, one for each of `WEIGHERS`: one object for all of them, known by its identity."""

    values: tuple[float, ...]


look_of = lru_cache(maxsize=1 << 16)(Look)
"""The look with these values. If one is ever forgotten and made anew, hosts are weighed in two groups with the same weight."""


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


@attrs.frozen(kw_only=True, eq=False)
class HostState:
    """What a scheduler knows of a host. Compared by identity: what is newer is another one.

    Attributes:
        host: its name.
        free_ram_mb: megabytes that no server claims.
        free_vcpus: virtual cores that no server claims, by the allocation ratio.
        free_disk_mb: megabytes that no server claims.
        num_io_ops: servers that are being built or moved there.
        num_instances: servers.
        failed_builds: builds that failed there since the last that succeeded.
        hypervisor_version: for hosts of different age.
        look: all of these that weigh.
    """

    host: str
    free_ram_mb: float = 0
    free_vcpus: float = 0
    free_disk_mb: float = 0
    num_io_ops: int = 0
    num_instances: int = 0
    failed_builds: int = 0
    hypervisor_version: int = 0
    look: Look = attrs.field(
        init=False, repr=False,
        default=attrs.Factory(lambda self: look_of(tuple(raw(self) for _, raw in WEIGHERS.values())), takes_self=True),
    )  # fmt: skip

    @classmethod
    def of(cls, node: ComputeNode) -> Self:
        """What a compute node's row says of its host (nova's `host_manager.py`)."""
        return cls(
            host=node.host,
            free_ram_mb=node.memory_mb * node.ram_allocation_ratio - node.memory_mb_used,
            free_vcpus=node.vcpus * node.cpu_allocation_ratio - node.vcpus_used,
            free_disk_mb=1024 * (node.local_gb * node.disk_allocation_ratio - node.local_gb_used),
            num_io_ops=node.io_ops,
            num_instances=node.running_vms,
            failed_builds=node.failed_builds,
            hypervisor_version=node.hypervisor_version,
        )

    def with_server(self, flavor: Flavor) -> Self:
        """The same once it has one more server, before its nova-compute says so (`consume_from_request`)."""
        return attrs.evolve(
            self,
            free_ram_mb=self.free_ram_mb - flavor.ram,
            free_vcpus=self.free_vcpus - flavor.vcpus,
            free_disk_mb=self.free_disk_mb - 1024 * (flavor.disk + flavor.ephemeral),
            num_io_ops=self.num_io_ops + 1,
            num_instances=self.num_instances + 1,
        )


WEIGHERS: Final[dict[str, tuple[float, Callable[[HostState], float]]]] = {
    "ram_weight_multiplier": (1.0, lambda host: host.free_ram_mb),
    "cpu_weight_multiplier": (1.0, lambda host: host.free_vcpus),
    "disk_weight_multiplier": (1.0, lambda host: host.free_disk_mb),
    "hypervisor_version_weight_multiplier": (1.0, lambda host: host.hypervisor_version),
    "io_ops_weight_multiplier": (-1.0, lambda host: host.num_io_ops),
    "num_instances_weight_multiplier": (0.0, lambda host: host.num_instances),
    "build_failure_weight_multiplier": (1_000_000.0, lambda host: -host.failed_builds),
}
"""Option, its default, and the raw value of a host."""

SOFT_WEIGHERS: Final = {
    "soft-affinity": ("soft_affinity_weight_multiplier", 1.0),
    "soft-anti-affinity": ("soft_anti_affinity_weight_multiplier", -1.0),
}
"""Policy of a server group, option (1.0 by default), and sign of the number of its members on a host."""


@attrs.frozen(kw_only=True)
class Demand:
    """What filters are told.

    Attributes:
        group: of the server.
        down: hosts whose nova-compute is disabled or down.
        servers: on which hosts servers are, as the scheduler was told.
    """

    group: GroupRules = GroupRules()
    down: Collection[str] = ()
    servers: Mapping[str, Iterable[ServerId]] = attrs.field(factory=dict[str, Iterable[ServerId]], repr=False)

    def members_on(self, host: str) -> int:
        """How many members of the group are on a host."""
        members = self.group.members
        return sum(server in members for server in self.servers.get(host, ()))


def compute_filter(hosts: list[HostState], demand: Demand) -> list[HostState]:
    """Those whose service is enabled and up."""
    down = demand.down
    return [host for host in hosts if host.host not in down] if down else hosts


def anti_affinity_filter(hosts: list[HostState], demand: Demand) -> list[HostState]:
    """Those with fewer members of the group than are allowed."""
    if demand.group.policy != "anti-affinity":
        return hosts
    return [host for host in hosts if demand.members_on(host.host) < demand.group.max_server_per_host]


def affinity_filter(hosts: list[HostState], demand: Demand) -> list[HostState]:
    """Those where the group is, if it is anywhere yet."""
    if demand.group.policy != "affinity" or not demand.group.hosts:
        return hosts
    return [host for host in hosts if host.host in demand.group.hosts]


FILTERS: Final[dict[str, Callable[[list[HostState], Demand], list[HostState]]]] = {
    "ComputeFilter": compute_filter,
    "ServerGroupAntiAffinityFilter": anti_affinity_filter,
    "ServerGroupAffinityFilter": affinity_filter,
}
"""The default `[filter_scheduler] enabled_filters`, but for the two that look at capabilities no host here lacks."""


def passing(hosts: list[HostState], demand: Demand, filters: Sequence[str] = tuple(FILTERS)) -> list[HostState]:
    """The hosts that pass every filter, in their order."""
    for name in filters:
        hosts = FILTERS[name](hosts, demand)
    return hosts


def weights(hosts: Sequence[HostState], demand: Demand, multipliers: Mapping[str, float] | None = None) -> list[float]:
    """The weight of each host.

    Args:
        hosts: those that passed the filters.
        demand: what the filters were told.
        multipliers: options that differ from the defaults.
    """
    options = multipliers or {}
    factors = [options.get(option, default) for option, (default, _) in WEIGHERS.items()]
    looks = list(map(attrgetter("look"), hosts))
    weight_of = _weights(looks, factors)
    found = list(map(weight_of.__getitem__, looks))
    if demand.group.policy in SOFT_WEIGHERS:
        option, sign = SOFT_WEIGHERS[demand.group.policy]
        members = [look_of((demand.members_on(host.host),)) for host in hosts]
        extra = _weights(members, [sign * options.get(option, 1.0)])
        found = [weight + extra[on] for weight, on in zip(found, members, strict=True)]
    return found


def best_first(hosts: Sequence[HostState], weighed: Sequence[float]) -> list[HostState]:
    """The hosts, the heaviest first; those of equal weight keep their order."""
    order = sorted(range(len(hosts)), key=weighed.__getitem__, reverse=True)  # `reverse` keeps the order of equal ones
    return list(map(hosts.__getitem__, order))


def _weights(looks: Iterable[Look], factors: Sequence[float]) -> dict[Look, float]:
    """The weight of each look: its values stretched to 0..1, as nova's `weights.normalize` does, times factors, in all."""
    different = list(dict.fromkeys(looks))
    totals = [0.0] * len(different)
    for factor, values in zip(factors, zip(*(look.values for look in different), strict=True), strict=bool(different)):
        low, high = min(values), max(values)
        if factor and low != high:
            for place, value in enumerate(values):
                totals[place] += factor * (value - low) / (high - low)
    return dict(zip(different, totals, strict=True))
