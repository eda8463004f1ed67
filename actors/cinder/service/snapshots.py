"""cinder-api: snapshots (cinder's `volume/api.py`)."""

from typing import Any

import attrs

from actors.cinder.errors import InvalidInput, InvalidSnapshot, InvalidVolume
from actors.cinder.listing import matches, ordered, page
from actors.cinder.messages import (
    CreateSnapshot,
    DeleteSnapshot,
    ListSnapshots,
    ResetSnapshotStatus,
    ShowSnapshot,
    UpdateSnapshot,
)
from actors.cinder.models import Snapshot, SnapshotId
from actors.cinder.notifications import SnapshotStatusReset, SnapshotStatusResetStarted
from actors.cinder.rpc import VOLUME, RemoveSnapshot, ScheduleSnapshot
from actors.cinder.service.common import ApiPart, given
from actors.cinder.service.volumes import backend_of
from actors.cinder.states import DELETE_SNAPSHOT, SNAPSHOT_SOURCES, SNAPSHOT_STATUSES, Move
from actors.errors import Forbidden
from actors.ids import ProjectId
from actors.service import request_context
from bus.topic import Target

SORT_KEYS = tuple(attrs.fields_dict(Snapshot))


class Snapshots(ApiPart):
    """The handlers for snapshots."""

    @CreateSnapshot.handler
    async def create_snapshot(self, msg: CreateSnapshot) -> Snapshot:
        volume, context, store, now = self.volume(msg.volume_id), request_context(), self.store, self.now
        if volume.host is None or volume.status not in SNAPSHOT_SOURCES:
            raise InvalidVolume(
                f"volume {volume.id} is {volume.status}: it must be {' or '.join(SNAPSHOT_SOURCES)} to take a snapshot"
            )
        project_id = context.project_id or ProjectId("")
        deltas = snapshot_deltas(volume.size, gigabytes=not self.config.no_snapshot_gb_quota)
        reservations = store.quotas.reserve(project_id, deltas, expire=now + self.config.reservation_expire)
        snapshot = store.snapshots.put(
            Snapshot(
                id=SnapshotId(self.ids.uuid()), volume_id=volume.id, name=msg.name, description=msg.description,
                size=volume.size, volume_type_id=volume.volume_type_id, metadata=msg.metadata, user_id=context.user_id,
                project_id=project_id, created_at=now,
            )
        )  # fmt: skip
        store.quotas.commit(reservations)
        await self.bus.tell(ScheduleSnapshot(snapshot_id=snapshot.id), context=context)
        return snapshot

    @ShowSnapshot.handler
    async def show_snapshot(self, msg: ShowSnapshot) -> Snapshot:
        return self.snapshot(msg.snapshot_id)

    @ListSnapshots.handler
    async def list_snapshots(self, msg: ListSnapshots) -> tuple[Snapshot, ...]:
        project, snapshots = self.project(msg.all_tenants, msg.project_id), self.store.snapshots
        rows = snapshots if project is None else snapshots.where("project", project)
        filters = {"name": msg.name, "status": msg.status, "volume_id": msg.volume_id, "metadata": msg.metadata}
        found = ordered((row for row in rows if matches(row, filters)), msg.sort, SORT_KEYS)
        return page(found, marker=msg.marker, offset=msg.offset, limit=msg.limit, most=self.config.osapi_max_limit)

    @UpdateSnapshot.handler
    async def update_snapshot(self, msg: UpdateSnapshot) -> Snapshot:
        snapshot = self.snapshot(msg.snapshot_id)
        changes: dict[str, Any] = given(name=msg.name, description=msg.description, metadata=msg.metadata)
        return self.store.snapshots.put(attrs.evolve(snapshot, updated_at=self.now, **changes))

    @DeleteSnapshot.handler
    async def delete_snapshot(self, msg: DeleteSnapshot) -> None:
        snapshot, context = self.snapshot(msg.snapshot_id), request_context()
        if msg.force and not context.is_admin:
            raise Forbidden("policy does not allow snapshot:force_delete to be performed")
        move = Move(SNAPSHOT_STATUSES, DELETE_SNAPSHOT.becomes) if msg.force else DELETE_SNAPSHOT
        if self.store.snapshots.swap(snapshot.id, move, updated_at=self.now) is None:
            raise InvalidSnapshot(f"snapshot {snapshot.id} is {snapshot.status}: it must be {move} to be deleted")
        volume = self.store.volumes.get(snapshot.volume_id)
        assert volume is not None, "a volume with snapshots is not deleted"
        assert volume.host is not None, "a snapshot is taken where its volume is"
        to = Target(VOLUME, server=backend_of(volume.host))
        await self.bus.tell(RemoveSnapshot(snapshot_id=snapshot.id), to=to, context=context)

    @ResetSnapshotStatus.handler
    async def reset_snapshot_status(self, msg: ResetSnapshotStatus) -> None:
        snapshot = self.snapshot(msg.snapshot_id)
        if msg.status not in SNAPSHOT_STATUSES:
            raise InvalidInput(f"status={msg.status!r} is none of {', '.join(SNAPSHOT_STATUSES)}")
        reset = self.store.snapshots.put(attrs.evolve(snapshot, status=msg.status, updated_at=self.now))
        self.store.workers.pop(snapshot.id, None)
        await self.notify_snapshot(SnapshotStatusResetStarted, snapshot)
        await self.notify_snapshot(SnapshotStatusReset, reset)


def snapshot_deltas(size: int, *, gigabytes: bool) -> dict[str, int]:
    """What a snapshot of *size* GB takes of the quota."""
    return {"snapshots": 1, "gigabytes": size} if gigabytes else {"snapshots": 1}
