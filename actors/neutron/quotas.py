"""Quotas: what a project may have, has, and is about to have.

As neutron's default driver (`db/quota/driver_nolock.py`): a request first reserves room, in a transaction that counts rows
and the reservations of others that still live, then creates what it wants, and gives the reservation back. One that died in
between leaves a reservation, which counts until it expires.
"""

from actors.ids import Ids, ProjectId
from actors.neutron.config import NeutronConfig
from actors.neutron.errors import InvalidInput, OverQuota
from actors.neutron.models import Quota, QuotaDetails, QuotaUsage
from actors.neutron.store import NeutronStore, Reservation

RESOURCES = ("network", "subnet", "port", "security_group", "security_group_rule")


def default_quota(config: NeutronConfig) -> Quota:
    """What a project may have for which nothing else was said."""
    return Quota(**_defaults(config))


def quota(store: NeutronStore, config: NeutronConfig, project_id: ProjectId) -> Quota:
    """What a project may have."""
    return Quota(**(_defaults(config) | store.limits.get(project_id, {})))


def details(store: NeutronStore, config: NeutronConfig, project_id: ProjectId, now: float) -> QuotaDetails:
    """What a project may have, has, and is about to have."""
    limits = quota(store, config, project_id)
    return QuotaDetails(
        **{
            resource: QuotaUsage(
                limit=getattr(limits, resource),
                used=store.owned[project_id, resource],
                reserved=_reserved(store, project_id, resource, now),
            )
            for resource in RESOURCES
        }
    )


def reserve(
    store: NeutronStore, config: NeutronConfig, ids: Ids, project_id: ProjectId, resource: str, now: float
) -> str:  # fmt: skip
    """Reserve room for one more.

    Returns:
        The id of the reservation, to be given to `release`.

    Raises:
        OverQuota: if there is none.
    """
    _expire(store, now)
    check(store, config, project_id, resource, 1, now)
    reservation_id = ids.uuid()
    store.reservations[reservation_id] = Reservation(
        project_id=project_id, resource=resource, amount=1, expires=now + config.reservation_expiration_timeout
    )
    return reservation_id


def release(store: NeutronStore, reservation_id: str) -> None:
    """Give a reservation back, used or not. It may have expired."""
    store.reservations.pop(reservation_id, None)


def check(
    store: NeutronStore, config: NeutronConfig, project_id: ProjectId, resource: str, amount: int, now: float
) -> None:  # fmt: skip
    """Refuse *amount* more than there is room for.

    Raises:
        OverQuota: with the limit, what is used and what is reserved.
    """
    limit: int = getattr(quota(store, config, project_id), resource)
    used, reserved = store.owned[project_id, resource], _reserved(store, project_id, resource, now)
    if 0 <= limit < used + reserved + amount:
        raise OverQuota(
            f"quota exceeded for resources: ['{resource}'] (limit {limit}, used {used}, reserved {reserved}, asked for "
            f"{amount}): delete some, or ask an administrator for more"
        )


def set_limits(store: NeutronStore, project_id: ProjectId, limits: dict[str, int]) -> None:
    """Say what a project may have.

    Raises:
        InvalidInput: for less than -1.
    """
    for resource, limit in limits.items():
        if limit < -1:
            raise InvalidInput(f"quota limit {limit} of {resource} is negative: -1 stands for any number")
    store.limits[project_id] = {**store.limits.get(project_id, {}), **limits}


def _defaults(config: NeutronConfig) -> dict[str, int]:
    return {resource: getattr(config, f"quota_{resource}") for resource in RESOURCES}


def _reserved(store: NeutronStore, project_id: ProjectId, resource: str, now: float) -> int:
    return sum(
        one.amount
        for one in store.reservations.values()
        if one.project_id == project_id and one.resource == resource and one.expires > now
    )


def _expire(store: NeutronStore, now: float) -> None:
    """Drop what has expired. All live equally long, so the oldest come first."""
    for reservation_id, reservation in list(store.reservations.items()):
        if reservation.expires > now:
            break
        del store.reservations[reservation_id]
