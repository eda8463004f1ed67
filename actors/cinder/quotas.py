"""Quotas with reservations, as cinder's database keeps them (`quota.py`, `quota_reserve` in `db/api.py`).

Who wants more of something reserves it first, then commits the reservation or rolls it back. A reservation that neither
happens to, because a service crashed in between, expires. What is given back is not reserved, only committed.

An operation that took longer than its reservation lives has still taken what it took: its commit counts. (Cinder forgets
it, and its usage is too low from then on, until an operator runs ``cinder-manage quota sync``.)

    in_use + reserved <= limit, at the time of each reservation for more
    reserved == sum of the reservations that are held
"""

from collections.abc import Iterable, Mapping

import attrs

from actors.cinder.errors import SnapshotLimitExceeded, VolumeLimitExceeded, VolumeSizeExceedsAvailableQuota
from actors.cinder.models import Quota
from actors.ids import ProjectId

RESOURCES = ("volumes", "gigabytes", "snapshots")

_LIMIT_EXCEEDED = {"volumes": VolumeLimitExceeded, "snapshots": SnapshotLimitExceeded}


@attrs.frozen
class Reservation:
    """Some of one resource that an operation under way will take, or (if negative) give back.

    Attributes:
        project_id: whose.
        resource: of what.
        delta: how much.
        expire: until when it is held, in seconds since 1970.
        held: whether it counts as reserved: it is for more, and has not expired.
    """

    project_id: ProjectId
    resource: str
    delta: int
    expire: float
    held: bool


class Quotas:
    """The quota tables.

    Args:
        defaults: resource to limit, for projects without one of their own; -1 for no limit.
    """

    def __init__(self, defaults: Mapping[str, int]) -> None:
        self.defaults = dict(defaults)
        self.limits: dict[tuple[ProjectId, str], int] = {}
        self.usages: dict[tuple[ProjectId, str], Quota] = {}
        self.reservations: dict[int, Reservation] = {}
        self._made = 0

    def limit(self, project_id: ProjectId, resource: str) -> int:
        """How much a project may have; -1 for no limit."""
        return self.limits.get((project_id, resource), self.defaults[resource])

    def usage(self, project_id: ProjectId, resource: str) -> Quota:
        """How much a project may have, and has."""
        usage = self.usages.get((project_id, resource), Quota(limit=-1))
        return attrs.evolve(usage, limit=self.limit(project_id, resource))

    def reserve(self, project_id: ProjectId, deltas: Mapping[str, int], *, expire: float) -> tuple[int, ...]:
        """Reserve *deltas*, all or none.

        Args:
            project_id: for whom.
            deltas: resource to how much more, or less.
            expire: when the reservations go back by themselves.

        Returns:
            The reservations, for `commit` or `rollback`.

        Raises:
            VolumeLimitExceeded, SnapshotLimitExceeded, VolumeSizeExceedsAvailableQuota: if the project may not have so much.
        """
        for resource in sorted(deltas):  # in the order in which cinder reports them
            self._check(project_id, resource, deltas[resource])
        made: list[int] = []
        for resource, delta in deltas.items():
            self._made += 1
            self.reservations[self._made] = Reservation(project_id, resource, delta, expire, held=delta > 0)
            self._change(project_id, resource, reserved=max(delta, 0))
            made.append(self._made)
        return tuple(made)

    def _check(self, project_id: ProjectId, resource: str, delta: int) -> None:
        usage = self.usage(project_id, resource)
        consumed = usage.in_use + usage.reserved
        if delta < 0 or usage.limit < 0 or consumed + delta <= usage.limit:
            return
        text = (
            f"{delta} more {resource} exceed the quota of {usage.limit}, of which {consumed} are used or reserved: "
            f"delete something, or have the quota raised"
        )
        raise _LIMIT_EXCEEDED.get(resource, VolumeSizeExceedsAvailableQuota)(text)

    def _change(self, project_id: ProjectId, resource: str, *, in_use: int = 0, reserved: int = 0) -> None:
        usage = self.usages.get((project_id, resource), Quota(limit=-1))
        self.usages[project_id, resource] = attrs.evolve(
            usage, in_use=max(usage.in_use + in_use, 0), reserved=max(usage.reserved + reserved, 0)
        )

    def commit(self, reservations: Iterable[int]) -> None:
        """Make *reservations* usage."""
        for number in reservations:
            found = self._end(number)
            self._change(found.project_id, found.resource, in_use=found.delta)

    def rollback(self, reservations: Iterable[int]) -> None:
        """Give *reservations* back."""
        for number in reservations:
            self._end(number)

    def expire(self, now: float) -> None:
        """Hold no more what should have been committed by *now*."""
        for number, one in self.reservations.items():
            if one.held and one.expire < now:
                self._change(one.project_id, one.resource, reserved=-one.delta)
                self.reservations[number] = attrs.evolve(one, held=False)

    def _end(self, number: int) -> Reservation:
        found = self.reservations.pop(number)
        if found.held:
            self._change(found.project_id, found.resource, reserved=-found.delta)
        return found

    def give_back(self, project_id: ProjectId, deltas: Mapping[str, int], *, now: float) -> None:
        """Reserve and commit, in one go, that a project has less (*deltas* are positive)."""
        self.commit(self.reserve(project_id, {name: -delta for name, delta in deltas.items()}, expire=now))
