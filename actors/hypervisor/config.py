"""What the hypervisors' behaviour depends on: how far they overcommit, and how long things take."""

from collections.abc import Callable
from typing import Any

import attrs

from actors.hypervisor.models import PowerAction


def _check(fine: Callable[[float], bool], wanted: str) -> Any:
    def check(_: object, attribute: "attrs.Attribute[float]", value: float) -> None:
        if not fine(value):
            raise ValueError(f"[hypervisor] {attribute.name} = {value}: must be {wanted}")

    return check


_positive = _check(lambda value: 0 < value < float("inf"), "above 0, and finite")
_duration = _check(lambda value: 0 <= value < float("inf"), "0 or more, and finite")


def _seconds(default: float) -> Any:
    return attrs.field(default=default, validator=_duration)


@attrs.frozen(kw_only=True)
class HypervisorConfig:
    """How a hypervisor behaves. Durations are seconds of its clock on a host of ordinary speed.

    Attributes:
        cpu_overcommit: how many virtual processors it runs on each of its own.
        ram_overcommit: how much memory it promises for each megabyte of its own.
        disk_overcommit: how much disk it promises for each gigabyte of its own.
        keepalive_interval: how often it shows whoever waits that it is at work; as libvirt's keepalives.
        spawn_seconds: to define a guest, make its disk and start it.
        destroy_seconds: to end a guest and delete its disk.
        start_seconds: to switch a guest on.
        stop_seconds: to shut a guest down.
        reboot_seconds: to restart a guest.
        pause_seconds: to stop its processors.
        unpause_seconds: to let them go on.
        suspend_seconds: to write its memory to disk.
        resume_seconds: to read it back.
        attach_seconds: to plug in a volume or a port.
        detach_seconds: to unplug one.
        snapshot_seconds_per_gb: to copy a gigabyte of a guest's disk.
        migration_seconds_per_gb: to copy a gigabyte of a guest's memory, or of its disk, to another host.
        switch_over_seconds: how long a guest stands still between its old host and its new one.
    """

    cpu_overcommit: float = attrs.field(default=16.0, validator=_positive)
    ram_overcommit: float = attrs.field(default=1.0, validator=_positive)
    disk_overcommit: float = attrs.field(default=1.0, validator=_positive)
    keepalive_interval: float = attrs.field(default=5.0, validator=_positive)
    spawn_seconds: float = _seconds(5.0)
    destroy_seconds: float = _seconds(1.0)
    start_seconds: float = _seconds(2.0)
    stop_seconds: float = _seconds(5.0)
    reboot_seconds: float = _seconds(5.0)
    pause_seconds: float = _seconds(0.1)
    unpause_seconds: float = _seconds(0.1)
    suspend_seconds: float = _seconds(5.0)
    resume_seconds: float = _seconds(5.0)
    attach_seconds: float = _seconds(1.0)
    detach_seconds: float = _seconds(1.0)
    snapshot_seconds_per_gb: float = _seconds(5.0)
    migration_seconds_per_gb: float = _seconds(1.0)
    switch_over_seconds: float = _seconds(0.5)

    def seconds(self, action: PowerAction) -> float:
        """How long *action* takes."""
        return float(getattr(self, f"{action.value}_seconds"))
