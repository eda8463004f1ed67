"""Nova's options, with the names and defaults of nova 34.0.0 (`nova/conf/`)."""

from typing import Any

import attrs
from attrs.validators import deep_iterable, ge, gt, in_, instance_of, optional

from actors.nova.models import QuotaSet
from actors.nova.scheduling import FILTERS, SOFT_WEIGHERS, WEIGHERS


def _bool(default: bool) -> Any:  # noqa: FBT001
    return attrs.field(default=default, validator=in_((True, False)))


def _ratio(default: float | None) -> Any:
    return attrs.field(default=default, validator=optional(gt(0)))


def _check_down_time(config: "NovaConfig", _: "attrs.Attribute[float]", value: float) -> None:
    if value <= config.report_interval:
        msg = f"'service_down_time' must be > report_interval ({config.report_interval} s), or each service seems down: {value}"
        raise ValueError(msg)


def _check_weights(_config: "NovaConfig", _: "attrs.Attribute[Any]", value: dict[str, float]) -> None:
    known = [*WEIGHERS, *(option for option, _ in SOFT_WEIGHERS.values())]
    for name in value:
        if name not in known:
            msg = f"'weight_multipliers' has {name!r}, which is none of {', '.join(known)}"
            raise ValueError(msg)


@attrs.frozen(kw_only=True)
class NovaConfig:
    """The options of all of Nova's services. Times are seconds.

    Attributes:
        default_availability_zone: where hosts are.
        report_interval: time between the reports of a service.
        service_down_time: after so long without a report a service is down.
        rpc_response_timeout: how long an RPC may take.
        long_rpc_timeout: how long those may take that are known to take long.
        notify_on_state_change: which changes are notified as instance.update: None, ``"vm_state"`` or
            ``"vm_and_task_state"``.
        send_service_user_token: `[service_user]`: whether a service token goes along with the user's.
        quota: `[quota]`: how much a project may have.
        recheck_quota: `[quota]`: whether to count again once the servers exist.
        max_attempts: `[scheduler]`: hosts that are tried for a server.
        max_placement_results: `[scheduler]`: hosts that Placement is asked for.
        enabled_filters: `[filter_scheduler]`: what a host must pass.
        weight_multipliers: `[filter_scheduler]`: those that differ from the defaults.
        host_subset_size: `[filter_scheduler]`: the best hosts, one of which is taken by chance.
        track_instance_changes: `[filter_scheduler]`: whether hosts tell schedulers of their servers.
        scheduler_instance_sync_interval: time between two full lists of its servers that a host sends.
        max_concurrent_builds: servers that one host builds at once.
        max_concurrent_live_migrations: servers that leave one host at once.
        max_concurrent_snapshots: snapshots that one host takes at once.
        vif_plugging_timeout: how long a guest waits for its network; 0 for not at all.
        vif_plugging_is_fatal: whether it then fails.
        block_device_allocate_retries: how often a new volume is looked at.
        block_device_allocate_retries_interval: time between two looks.
        network_allocate_retries: how often allocating networks is tried again.
        instance_build_timeout: after so long a build has failed; 0 for never.
        sync_power_state_interval: time between two looks at all guests; negative for none.
        heal_instance_info_cache_interval: time between two looks at the ports of one server; -1 for none.
        update_resources_interval: time between two audits of a host's resources; 0 for that of periodic tasks.
        running_deleted_instance_poll_interval: time between two searches for guests whose servers are deleted.
        running_deleted_instance_action: what is done to them: ``"reap"`` or ``"noop"``.
        image_cache_manager_interval: time between two looks at the cached images; -1 for none.
        remove_unused_original_minimum_age_seconds: how old an unused image must be to be removed.
        live_migration_completion_timeout: how long a migration may take for each GB of memory and disk.
        reserved_host_memory_mb: MB that a host keeps to itself.
        reserved_host_disk_mb: MB of disk, likewise.
        reserved_host_cpus: processors, likewise.
        initial_cpu_allocation_ratio: how often a new host's processors are given away.
        initial_ram_allocation_ratio: how often its memory is.
        initial_disk_allocation_ratio: how often its disk is.
        resume_guests_state_on_host_boot: whether guests that ran run again after their host has crashed.
        max_limit: servers that one answer lists at most.
    """

    default_availability_zone: str = "nova"
    report_interval: float = attrs.field(default=10.0, validator=gt(0))
    service_down_time: float = attrs.field(default=60.0, validator=_check_down_time)
    rpc_response_timeout: float = attrs.field(default=60.0, validator=gt(0))
    long_rpc_timeout: float = attrs.field(default=1800.0, validator=gt(0))
    notify_on_state_change: str | None = attrs.field(
        default=None, validator=in_((None, "vm_state", "vm_and_task_state"))
    )
    send_service_user_token: bool = _bool(False)
    quota: QuotaSet = attrs.field(default=QuotaSet(), validator=instance_of(QuotaSet))
    recheck_quota: bool = _bool(True)
    max_attempts: int = attrs.field(default=3, validator=ge(1))
    max_placement_results: int = attrs.field(default=1000, validator=ge(1))
    enabled_filters: tuple[str, ...] = attrs.field(
        default=tuple(FILTERS), converter=tuple, validator=deep_iterable(in_(tuple(FILTERS)))
    )
    weight_multipliers: dict[str, float] = attrs.field(factory=dict[str, float], validator=_check_weights)
    host_subset_size: int = attrs.field(default=1, validator=ge(1))
    track_instance_changes: bool = _bool(True)
    scheduler_instance_sync_interval: float = attrs.field(default=120.0, validator=gt(0))
    max_concurrent_builds: int = attrs.field(default=10, validator=ge(0))
    max_concurrent_live_migrations: int = attrs.field(default=1, validator=ge(0))
    max_concurrent_snapshots: int = attrs.field(default=5, validator=ge(0))
    vif_plugging_timeout: float = attrs.field(default=300.0, validator=ge(0))
    vif_plugging_is_fatal: bool = _bool(True)
    block_device_allocate_retries: int = attrs.field(default=60, validator=ge(0))
    block_device_allocate_retries_interval: float = attrs.field(default=3.0, validator=ge(0))
    network_allocate_retries: int = attrs.field(default=0, validator=ge(0))
    instance_build_timeout: float = attrs.field(default=0.0, validator=ge(0))
    sync_power_state_interval: float = attrs.field(default=600.0)
    heal_instance_info_cache_interval: float = attrs.field(default=-1.0)
    update_resources_interval: float = attrs.field(default=0.0, validator=ge(0))
    running_deleted_instance_poll_interval: float = attrs.field(default=1800.0, validator=ge(0))
    running_deleted_instance_action: str = attrs.field(default="reap", validator=in_(("reap", "noop")))
    image_cache_manager_interval: float = attrs.field(default=2400.0)
    remove_unused_original_minimum_age_seconds: float = attrs.field(default=86400.0, validator=ge(0))
    live_migration_completion_timeout: float = attrs.field(default=800.0, validator=ge(0))
    reserved_host_memory_mb: int = attrs.field(default=512, validator=ge(0))
    reserved_host_disk_mb: int = attrs.field(default=0, validator=ge(0))
    reserved_host_cpus: int = attrs.field(default=0, validator=ge(0))
    initial_cpu_allocation_ratio: float = _ratio(4.0)
    initial_ram_allocation_ratio: float = _ratio(1.0)
    initial_disk_allocation_ratio: float = _ratio(1.0)
    resume_guests_state_on_host_boot: bool = _bool(False)
    max_limit: int = attrs.field(default=1000, validator=ge(1))
