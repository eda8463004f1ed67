"""Which backend takes a volume: filters, then the weigher, over what each backend last reported.

A scheduler keeps the reports in memory, and takes off what it has since placed there itself: what other schedulers placed it
learns with the next report. So two schedulers can send two volumes where there is room for one, and the second comes back
(cinder's `scheduler/host_manager.py`, `filters/`, `weights/`).
"""

from collections.abc import Callable, Iterable, Sequence
from math import floor

import attrs

from actors.cinder.errors import NoValidBackend
from actors.cinder.models import Capabilities, VolumeType


@attrs.frozen(kw_only=True)
class Wanted:
    """What a backend must offer.

    Attributes:
        size: GB that are needed there.
        volume_type: of the volume; None for what has none, such as a snapshot.
        availability_zones: any of these; empty for any.
        tried: backends that have failed already.
    """

    size: int
    volume_type: VolumeType | None = None
    availability_zones: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()

    @property
    def thin(self) -> bool:
        """Whether its space may be promised more than once."""
        return self.volume_type is None or self.volume_type.extra_specs.get("provisioning:type") != "thick"


class BackendState:
    """What a scheduler believes of one backend.

    Args:
        service: ``host@backend`` of the cinder-volume.
        zone: its availability zone.
        capabilities: what it reported.
    """

    def __init__(self, service: str, zone: str, capabilities: Capabilities) -> None:
        self.service = service
        self.zone = zone
        self.now = capabilities
        """What it reported, less what was placed there since."""

    @property
    def name(self) -> str:
        """``host@backend#pool``."""
        return f"{self.service}#{self.now.volume_backend_name}"

    def report(self, capabilities: Capabilities) -> None:
        """Take over a report, unless something was placed here after it was made."""
        if capabilities.timestamp >= self.now.timestamp:
            self.now = capabilities

    def consume(self, size: int, timestamp: float | None = None) -> None:
        """Take off *size* GB. None for *timestamp* if older reports shall still count."""
        now = self.now
        self.now = attrs.evolve(
            now,
            free_capacity_gb=now.free_capacity_gb - size,
            allocated_capacity_gb=now.allocated_capacity_gb + size,
            provisioned_capacity_gb=now.provisioned_capacity_gb + size,
            timestamp=now.timestamp if timestamp is None else timestamp,
        )


def available_capacity(backend: Capabilities, *, thin: bool) -> float:
    """GB that may be promised there in all: without what is reserved, and as often as it may be promised."""
    available = backend.total_capacity_gb - floor(backend.total_capacity_gb * backend.reserved_percentage / 100)
    return available * backend.max_over_subscription_ratio if thin and backend.thin_provisioning_support else available


def virtual_free_capacity(backend: Capabilities, *, thin: bool) -> float:
    """GB that may still be promised there (cinder's `scheduler/sched_utils.py`)."""
    free = available_capacity(backend, thin=thin) - backend.provisioned_capacity_gb
    if not (thin and backend.thin_provisioning_support):
        free = min(free, backend.free_capacity_gb)
    return round(free, 2)


def capacity_filter(backend: BackendState, wanted: Wanted) -> bool:
    """Enough room.

    A backend with thin provisioning also fails if what it has provisioned, over what it may promise (which has the ratio in
    it already), is more than the ratio: as cinder computes it.
    """
    if wanted.size == 0:
        return True
    now = backend.now
    if now.total_capacity_gb <= 0:
        return False
    if wanted.thin and now.thin_provisioning_support:
        ratio = now.max_over_subscription_ratio
        provisioned = now.provisioned_capacity_gb + wanted.size
        if ratio < 1 or provisioned > ratio * available_capacity(now, thin=True):
            return False
    return virtual_free_capacity(now, thin=wanted.thin) >= wanted.size


def availability_zone_filter(backend: BackendState, wanted: Wanted) -> bool:
    """In one of the zones asked for."""
    return not wanted.availability_zones or backend.zone in wanted.availability_zones


def capabilities_filter(backend: BackendState, wanted: Wanted) -> bool:
    """What the volume type asks for: the backend's name, and connections to several hosts."""
    if wanted.volume_type is None:
        return True
    name = wanted.volume_type.extra_specs.get("volume_backend_name", backend.now.volume_backend_name)
    return name == backend.now.volume_backend_name and (backend.now.multiattach or not wanted.volume_type.multiattach)


def ignore_attempted_hosts_filter(backend: BackendState, wanted: Wanted) -> bool:
    """Not tried before. Not among cinder's defaults: without it the same backend may be tried again."""
    return backend.name not in wanted.tried


Filter = Callable[[BackendState, Wanted], bool]

FILTERS: dict[str, Filter] = {
    "AvailabilityZoneFilter": availability_zone_filter,
    "CapacityFilter": capacity_filter,
    "CapabilitiesFilter": capabilities_filter,
    "IgnoreAttemptedHostsFilter": ignore_attempted_hosts_filter,
}
DEFAULT_FILTERS = ("AvailabilityZoneFilter", "CapacityFilter", "CapabilitiesFilter")


def candidates(
    backends: Iterable[BackendState], wanted: Wanted, *, filters: Sequence[str], multiplier: float
) -> list[BackendState]:
    """The backends that pass all *filters*, the best first.

    Free space is scaled to between 0 and 1 over those that pass (all equal: 0) and multiplied; ties keep their order.
    """
    passed = [one for one in backends if all(FILTERS[name](one, wanted) for name in filters)]
    free = [virtual_free_capacity(one.now, thin=wanted.thin) for one in passed]
    low, high = min(free, default=0.0), max(free, default=0.0)
    weights = [0.0 if high == low else multiplier * (each - low) / (high - low) for each in free]
    order = sorted(range(len(passed)), key=weights.__getitem__, reverse=True)
    return [passed[n] for n in order]


def check_attempts(attempts: int, allowed: int) -> None:
    """Whether a volume may be scheduled once more.

    Raises:
        NoValidBackend: if this is attempt *attempts*, and only *allowed* are.
    """
    if attempts > allowed:
        raise NoValidBackend(f"attempt {attempts} to schedule it, but scheduler_max_attempts is {allowed}")
