"""cinder-volume: volumes and snapshots change and go (cinder's `volume/manager.py`)."""

from actors.cinder.errors import VolumeIsBusy
from actors.cinder.models import Snapshot, SnapshotId, Volume
from actors.cinder.notifications import (
    SnapshotCreated,
    SnapshotCreateStarted,
    SnapshotDeleted,
    SnapshotDeleteStarted,
    VolumeDeleted,
    VolumeDeleteStarted,
    VolumeResized,
    VolumeResizeStarted,
)
from actors.cinder.rpc import GrowVolume, RemoveSnapshot, RemoveVolume, TakeSnapshot
from actors.cinder.service.backend import BackendPart
from actors.cinder.service.snapshots import snapshot_deltas
from actors.cinder.states import EXTENDING, SNAPSHOT_CREATED, SNAPSHOT_FAILED, Move
from actors.errors import CloudError, Conflict
from actors.ids import VolumeId


class Removal(BackendPart):
    """The handlers that delete and extend volumes, and take and delete snapshots."""

    @RemoveVolume.handler
    async def remove_volume(self, msg: RemoveVolume) -> None:
        await self.delete_volume(msg.volume_id, cascade=msg.cascade)

    async def delete_volume(self, id: VolumeId, *, cascade: bool) -> None:
        """Delete a volume; whatever fails ends in its status."""
        async with self.locks.hold(f"{id}-delete"):
            volume = self.store.volumes.get(id)
            if volume is None:  # an earlier life, or an earlier request, was faster
                return
            if volume.attach_status == "attached":
                self.log.warning("still attached, not deleted", volume=id)
                return
            self.store.claim(id, "deleting", self.service_id)
            await self.notify(VolumeDeleteStarted, volume)
            try:
                if cascade:
                    await self._delete_snapshots(id)
                await self.array.delete_volume(id)
            except CloudError as error:
                status = "available" if isinstance(error, VolumeIsBusy) else "error_deleting"
                self.log.warning("could not delete a volume", volume=id, reason=str(error))
                self.store.volumes.update(id, status=status, updated_at=self.now)
                self.store.release(id, self.service_id)
                return
            await self._deleted(id)

    async def _delete_snapshots(self, id: VolumeId) -> None:
        for snapshot in self.store.snapshots.where("volume", id):
            if snapshot.status != "deleting":
                raise Conflict(
                    f"snapshot {snapshot.id} is {snapshot.status}, not deleting: volume {id} cannot go before it"
                )
            await self.delete_snapshot(snapshot.id)

    async def _deleted(self, id: VolumeId) -> None:
        volume = self.store.volumes.get(id)
        if volume is None:
            return
        self.store.drop_volume(volume, self.now)
        self.allocated -= volume.size
        await self.notify(VolumeDeleted, volume)
        await self.publish()

    @GrowVolume.handler
    async def grow_volume(self, msg: GrowVolume) -> None:
        volume = self.store.volumes.get(msg.volume_id)
        if volume is None:
            self.store.quotas.rollback(msg.reservations)
            return
        await self.notify(VolumeResizeStarted, volume)
        try:
            await self.array.extend_volume(volume.id, msg.new_size)
        except CloudError as error:
            self.log.warning("could not extend a volume", volume=volume.id, reason=str(error))
            self.store.volumes.swap(volume.id, Move(EXTENDING, "error_extending"), updated_at=self.now)
            self.store.quotas.rollback(msg.reservations)
            return
        await self._grown(volume, msg)

    async def _grown(self, volume: Volume, msg: GrowVolume) -> None:
        status, _ = self.store.status_by_attachments(volume.id)
        self.store.volumes.swap(volume.id, Move(EXTENDING, status))
        grown = self.store.volumes.update(volume.id, size=msg.new_size, previous_status=None, updated_at=self.now)
        if grown is None:
            self.store.quotas.rollback(msg.reservations)
            return
        self.store.quotas.commit(msg.reservations)
        self.allocated += msg.new_size - volume.size
        await self.notify(VolumeResized, grown)

    # -- snapshots -----------------------------------------------------------------------------------------------------

    @TakeSnapshot.handler
    async def take_snapshot(self, msg: TakeSnapshot) -> None:
        snapshot = self.store.snapshots.get(msg.snapshot_id)
        if snapshot is None:
            return
        self.store.claim(snapshot.id, "creating", self.service_id)
        await self.notify_snapshot(SnapshotCreateStarted, snapshot)
        taken: Snapshot | None = None
        try:
            await self.array.create_snapshot(snapshot.id, snapshot.volume_id)
        except CloudError as error:
            self.log.warning("could not take a snapshot", snapshot=snapshot.id, reason=str(error))
            self.store.snapshots.swap(snapshot.id, SNAPSHOT_FAILED, updated_at=self.now)
        else:
            taken = self.store.snapshots.swap(snapshot.id, SNAPSHOT_CREATED, progress="100%", updated_at=self.now)
        self.store.release(snapshot.id, self.service_id)
        if taken is not None:
            await self.notify_snapshot(SnapshotCreated, taken)

    @RemoveSnapshot.handler
    async def remove_snapshot(self, msg: RemoveSnapshot) -> None:
        try:
            await self.delete_snapshot(msg.snapshot_id)
        except CloudError as error:
            self.log.warning("could not delete a snapshot", snapshot=msg.snapshot_id, reason=str(error))

    async def delete_snapshot(self, id: SnapshotId) -> None:
        """Delete a snapshot.

        Raises:
            CloudError: what the array answers; the snapshot is in error_deleting then.
        """
        async with self.locks.hold(f"{id}-delete"):
            snapshot = self.store.snapshots.get(id)
            if snapshot is None:
                return
            await self.notify_snapshot(SnapshotDeleteStarted, snapshot)
            try:
                await self.array.delete_snapshot(id)
            except CloudError:
                self.store.snapshots.update(id, status="error_deleting", updated_at=self.now)
                raise
            self._drop_snapshot(snapshot)
            await self.notify_snapshot(SnapshotDeleted, snapshot)

    def _drop_snapshot(self, snapshot: Snapshot) -> None:
        if self.store.snapshots.pop(snapshot.id) is None:
            return
        self.store.workers.pop(snapshot.id, None)
        deltas = snapshot_deltas(snapshot.size, gigabytes=not self.config.no_snapshot_gb_quota)
        self.store.quotas.give_back(snapshot.project_id, deltas, now=self.now)
