"""Cinder's options, with the names and defaults of cinder 29.0.0."""

from typing import Any

import attrs
from attrs.validators import deep_iterable, ge, gt, in_, instance_of, le

from actors.cinder.capacity import DEFAULT_FILTERS, FILTERS


def _check_down_time(config: "CinderConfig", _: "attrs.Attribute[Any]", value: float) -> None:
    if value <= config.report_interval:
        msg = f"'service_down_time' must be > report_interval ({config.report_interval} s), or each service seems down: {value}"
        raise ValueError(msg)


@attrs.frozen(kw_only=True)
class CinderConfig:
    """The options of all three services. Times are seconds, sizes GB.

    Attributes:
        storage_availability_zone: zone of a volume that asks for none, and of a backend that names none.
        default_volume_type: name of the type of a volume that asks for none.
        quota_volumes: volumes that a project may have; -1 for any number.
        quota_snapshots: snapshots, likewise.
        quota_gigabytes: size of all its volumes and snapshots, likewise.
        per_volume_size_limit: size of one volume, likewise.
        no_snapshot_gb_quota: whether snapshots do not count as gigabytes.
        reservation_expire: how long a reservation of quota lives.
        reservation_clean_interval: time between the looks for expired ones; None for as long as they live.
        scheduler_max_attempts: backends tried for a volume.
        scheduler_default_filters: what a backend must pass.
        capacity_weight_multiplier: weight of free space; negative to fill one backend after the other.
        scheduler_driver_init_wait_time: how long a new scheduler waits for the first reports of the backends.
        report_interval: time between the reports of a service.
        service_down_time: after so long without a report a service is down.
        backend_stats_polling_interval: time between a backend's reports to the schedulers.
        rpc_response_timeout: how long cinder-api waits for cinder-volume.
        snapshot_same_host: whether a volume from a snapshot goes to the backend of the snapshot.
        cloned_volume_same_az: whether a volume from a volume or snapshot must be in its zone.
        send_service_user_token: `[service_user]`: whether a service token goes along with the user's.
        service_token_roles: `[keystone_authtoken] service_token_roles`, any of which makes a request one of a service.
        osapi_max_limit: entries that one answer lists at most.
    """

    storage_availability_zone: str = attrs.field(default="nova", validator=instance_of(str))
    default_volume_type: str = attrs.field(default="__DEFAULT__", validator=instance_of(str))
    quota_volumes: int = attrs.field(default=10, validator=ge(-1))
    quota_snapshots: int = attrs.field(default=10, validator=ge(-1))
    quota_gigabytes: int = attrs.field(default=1000, validator=ge(-1))
    per_volume_size_limit: int = attrs.field(default=-1, validator=ge(-1))
    no_snapshot_gb_quota: bool = attrs.field(default=False, validator=in_((True, False)))
    reservation_expire: float = attrs.field(default=86400, validator=gt(0))
    reservation_clean_interval: float | None = attrs.field(default=None, validator=attrs.validators.optional(gt(0)))
    scheduler_max_attempts: int = attrs.field(default=3, validator=ge(1))
    scheduler_default_filters: tuple[str, ...] = attrs.field(
        default=DEFAULT_FILTERS, validator=deep_iterable(in_(tuple(FILTERS)))
    )
    capacity_weight_multiplier: float = attrs.field(default=1.0, validator=[ge(-1_000_000.0), le(1_000_000.0)])
    scheduler_driver_init_wait_time: int = attrs.field(default=60, validator=ge(1))
    report_interval: float = attrs.field(default=10.0, validator=gt(0))
    service_down_time: float = attrs.field(default=60.0, validator=_check_down_time)
    backend_stats_polling_interval: float = attrs.field(default=60, validator=ge(3))
    rpc_response_timeout: float = attrs.field(default=60, validator=gt(0))
    snapshot_same_host: bool = attrs.field(default=True, validator=in_((True, False)))
    cloned_volume_same_az: bool = attrs.field(default=True, validator=in_((True, False)))
    send_service_user_token: bool = attrs.field(default=False, validator=in_((True, False)))
    service_token_roles: tuple[str, ...] = ("service",)
    osapi_max_limit: int = attrs.field(default=1000, validator=ge(1))
