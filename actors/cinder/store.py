"""Cinder's database: what its services share, and what survives each of them."""

from collections.abc import Callable, Hashable, Iterator
from typing import Any, Generic, TypeVar

import attrs

from actors.cinder.config import CinderConfig
from actors.cinder.models import (
    Attachment,
    Quota,
    QuotaSet,
    Service,
    Snapshot,
    SnapshotId,
    Volume,
    VolumeType,
    VolumeTypeId,
)
from actors.cinder.quotas import RESOURCES, Quotas
from actors.cinder.states import WORK, Move, after_detach
from actors.ids import AttachmentId, ProjectId, VolumeId

K = TypeVar("K", bound=str)
V = TypeVar("V", Volume, Snapshot, Attachment)


class Table(Generic[K, V]):
    """Rows by id, in the order in which they were put in, with indexes.

    Args:
        **indexes: a name, and what of a row it is filed under.
    """

    def __init__(self, **indexes: Callable[[V], Hashable]) -> None:
        self._rows: dict[str, V] = {}
        self._keys: dict[str, Callable[[V], Hashable]] = indexes
        self._indexes: dict[str, dict[Hashable, dict[str, None]]] = {name: {} for name in indexes}

    def __iter__(self) -> Iterator[V]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, id: K) -> V | None:
        """The row with this id; None if there is none."""
        return self._rows.get(id)

    def where(self, index: str, key: Hashable) -> list[V]:
        """The rows that *index* has filed under *key*."""
        return [self._rows[found] for found in self._indexes[index].get(key, ())]

    def put(self, row: V) -> V:
        """Put in *row*, in place of the one with its id, if any."""
        old = self._rows.get(row.id)
        self._rows[row.id] = row
        for name, key in self._keys.items():
            if old is not None and key(old) != key(row):
                self._unfile(name, old)
            self._indexes[name].setdefault(key(row), {})[row.id] = None
        return row

    def pop(self, id: K) -> V | None:
        """Take out the row with this id."""
        row = self._rows.pop(id, None)
        if row is not None:
            for name in self._keys:
                self._unfile(name, row)
        return row

    def update(self, id: K, **changes: Any) -> V | None:
        """Change fields of a row; None if there is none any more."""
        row = self._rows.get(id)
        return None if row is None else self.put(attrs.evolve(row, **changes))

    def swap(self, id: K, move: Move, **changes: Any) -> V | None:
        """Compare and swap: make *move*, and change fields, if the row's status is one that *move* expects; None if not."""
        row = self._rows.get(id)
        if row is None or row.status not in move.expected:
            return None
        return self.put(attrs.evolve(row, status=move.becomes, **changes))

    def _unfile(self, name: str, row: V) -> None:
        index, key = self._indexes[name], self._keys[name](row)
        del index[key][row.id]
        if not index[key]:
            del index[key]


@attrs.frozen
class Worker:
    """That a service works on a volume or snapshot: who cleans up if it dies (cinder's `workers` table).

    Attributes:
        status: of the volume or snapshot at the time; if it is another by now, there is nothing to clean up.
        service: the service, as ``binary/host``; None for a request that none has claimed yet.
    """

    status: str
    service: str | None = None


class CinderStore:
    """The tables.

    Args:
        config: for the default quotas and the default volume type.
    """

    def __init__(self, config: CinderConfig) -> None:
        self.volumes: Table[VolumeId, Volume] = Table(project=lambda row: row.project_id, host=lambda row: row.host)
        self.snapshots: Table[SnapshotId, Snapshot] = Table(
            project=lambda row: row.project_id, volume=lambda row: row.volume_id
        )
        self.attachments: Table[AttachmentId, Attachment] = Table(
            project=lambda row: row.project_id, volume=lambda row: row.volume_id
        )
        self.types: dict[VolumeTypeId, VolumeType] = {}
        self.services: dict[tuple[str, str], Service] = {}
        self.workers: dict[str, Worker] = {}
        self.quotas = Quotas(
            {
                "volumes": config.quota_volumes,
                "gigabytes": config.quota_gigabytes,
                "snapshots": config.quota_snapshots,
                "per_volume_gigabytes": config.per_volume_size_limit,
            }
        )
        name = config.default_volume_type
        self.types[VolumeTypeId(name)] = VolumeType(id=VolumeTypeId(name), name=name, description="Default Volume Type")

    def type_of(self, name_or_id: str) -> VolumeType | None:
        """The volume type with this id, or else this name."""
        found = self.types.get(VolumeTypeId(name_or_id))
        return found or next((one for one in self.types.values() if one.name == name_or_id), None)

    def quota_set(self, project_id: ProjectId) -> QuotaSet:
        """The quotas of a project."""
        size = Quota(limit=self.quotas.limit(project_id, "per_volume_gigabytes"))
        usages = {resource: self.quotas.usage(project_id, resource) for resource in RESOURCES}
        return QuotaSet(id=project_id, per_volume_gigabytes=size, **usages)

    def drop_volume(self, volume: Volume, now: float) -> None:
        """Delete a volume with its attachments, and give back its quota."""
        self.volumes.pop(volume.id)
        self.workers.pop(volume.id, None)
        for attachment in self.attachments.where("volume", volume.id):
            self.attachments.pop(attachment.id)
        self.quotas.give_back(volume.project_id, {"volumes": 1, "gigabytes": volume.size}, now=now)

    def drop_attachment(self, attachment: Attachment, now: float) -> Volume | None:
        """Delete an attachment, and have those that are left decide the status of the volume.

        As cinder's `volume_detached` (`db/api.py`).

        Returns:
            The volume; None if it, or the attachment, is gone already.
        """
        if self.attachments.pop(attachment.id) is None:
            return None
        return self.show_attached(attachment.volume_id, *self.status_by_attachments(attachment.volume_id), now)

    def status_by_attachments(self, id: VolumeId) -> tuple[str, str]:
        """Status and attach_status that a volume has by its attachments, when nothing else is done with it."""
        return after_detach(one.status for one in self.attachments.where("volume", id))

    def show_attached(self, id: VolumeId, status: str, attach_status: str, now: float) -> Volume | None:
        """Give a volume the status that its attachments make, unless it is being worked on; None if it is gone."""
        volume = self.volumes.get(id)
        if volume is None:
            return None
        kept = volume.status if volume.status in WORK else status
        return self.volumes.put(attrs.evolve(volume, status=kept, attach_status=attach_status, updated_at=now))

    # -- who works on what ---------------------------------------------------------------------------------------------

    def await_worker(self, id: str, status: str) -> None:
        """Note that a request is on its way to the service that will work on this."""
        self.workers[id] = Worker(status)

    def claim(self, id: str, status: str, service: str) -> None:
        """Note that *service* works on this."""
        self.workers[id] = Worker(status, service)

    def release(self, id: str, service: str) -> None:
        """Note that *service* has done with this, unless another has taken it over."""
        if (worker := self.workers.get(id)) is not None and worker.service == service:
            del self.workers[id]

    def claimed_by(self, service: str) -> list[tuple[str, Worker]]:
        """What *service* was working on when it died."""
        return [(work, worker) for work, worker in self.workers.items() if worker.service == service]
