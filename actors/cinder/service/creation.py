"""cinder-volume: volumes come to be (cinder's `volume/flows/manager/create_volume.py`).

What fails before the disk is complete is scheduled again, if it may be; a failure to fetch the image is not, because the disk
exists by then. So an expired token costs the volume either way, but in the first case only after every attempt has failed.
"""

from actors.cinder.errors import ImageCopyFailure, SnapshotNotFound, VolumeNotFound
from actors.cinder.models import Snapshot, Volume
from actors.cinder.notifications import VolumeCreated, VolumeCreateStarted
from actors.cinder.rpc import BuildVolume, RequestSpec, Retry, ScheduleVolume
from actors.cinder.service.backend import BackendPart
from actors.cinder.states import CREATED, DOWNLOAD, FAILED
from actors.errors import CloudError
from actors.glance.models import Image
from actors.ids import VolumeId
from actors.service import request_context
from bus.errors import BusError

NO_RESCHEDULE = (ImageCopyFailure, VolumeNotFound, SnapshotNotFound)
"""After these another backend would do no better (`OnFailureRescheduleTask.no_reschedule_types`)."""


class Creation(BackendPart):
    """The handler that makes a volume."""

    @BuildVolume.handler
    async def build_volume(self, msg: BuildVolume) -> None:
        spec = msg.spec
        self.store.claim(spec.volume_id, "creating", self.service_id)
        self.allocated += spec.size
        try:
            async with self.locks.hold(_source(spec)):
                await self._make(spec)
        except (CloudError, BusError) as error:
            self.log.warning("could not make a volume", volume=spec.volume_id, reason=str(error))
            if msg.retry is None or isinstance(error, NO_RESCHEDULE):
                self._give_up(spec)
            else:
                await self._reschedule(spec, msg.retry)

    async def _make(self, spec: RequestSpec) -> None:
        volume = self._refreshed(spec.volume_id)
        image = None if spec.image_id is None else await self.glance.show(self.bus, spec.image_id, request_context())
        await self.notify(VolumeCreateStarted, self._refreshed(volume.id))
        await self.array.create_volume(volume.id, volume.size, copied=self._copied(spec))
        if image is not None:
            await self._download(volume.id, image)
        await self._finish(volume.id)

    def _refreshed(self, id: VolumeId) -> Volume:
        volume = self.store.volumes.get(id)
        if volume is None:
            raise VolumeNotFound(f"volume {id} was deleted")
        return volume

    def _copied(self, spec: RequestSpec) -> int:
        """GB to copy from what the volume is made from."""
        source: Snapshot | Volume | None = None
        if spec.snapshot_id is not None:
            source = self.store.snapshots.get(spec.snapshot_id)
            if source is None:
                raise SnapshotNotFound(
                    f"snapshot {spec.snapshot_id} was deleted before volume {spec.volume_id} was made of it"
                )
        elif spec.source_volid is not None:
            source = self._refreshed(spec.source_volid)
        return 0 if source is None else source.size

    async def _download(self, id: VolumeId, image: Image) -> None:
        """Fetch the image with the user's token, which may have expired by now."""
        if self.store.volumes.swap(id, DOWNLOAD, updated_at=self.now) is not None:
            self.store.claim(id, DOWNLOAD.becomes, self.service_id)
        try:
            await self.glance.download(self.bus, image.id, request_context())
        except (CloudError, BusError) as error:
            raise ImageCopyFailure(f"image {image.id} could not be copied to volume {id}: {error}") from error
        self.store.volumes.update(id, bootable=True, volume_image_metadata=image_metadata(image))

    async def _finish(self, id: VolumeId) -> None:
        """The volume is ready: available, unless somebody has reserved it, or is deleting it, meanwhile."""
        now = self.now
        volume = self.store.volumes.swap(id, CREATED, launched_at=now, updated_at=now)
        if volume is None:
            volume = self.store.volumes.update(id, launched_at=now, updated_at=now)
        self.store.release(id, self.service_id)
        if volume is not None:  # else it was deleted by force, and the disk with it
            await self.notify(VolumeCreated, volume)

    def _give_up(self, spec: RequestSpec) -> None:
        self.store.volumes.swap(spec.volume_id, FAILED, updated_at=self.now)
        self.store.release(spec.volume_id, self.service_id)

    async def _reschedule(self, spec: RequestSpec, retry: Retry) -> None:
        """Remove what there may be of the disk, and send the volume back to the scheduler.

        In this order: cinder sends first, and if the scheduler chooses the same backend again may remove the new disk.
        """
        volume_id, now = spec.volume_id, self.now
        self.allocated -= spec.size
        self.store.volumes.update(volume_id, host=None, scheduled_at=now, updated_at=now)
        try:
            await self.array.delete_volume(volume_id)
        except CloudError as error:
            self.log.info("could not remove what is left of a volume", volume=volume_id, reason=str(error))
        if self.store.volumes.get(volume_id) is None:
            self.store.release(volume_id, self.service_id)
            return
        self.store.await_worker(volume_id, "creating")
        await self.bus.tell(ScheduleVolume(spec=spec, retry=retry), context=request_context())


def _source(spec: RequestSpec) -> str:
    """The lock that keeps what the volume is made from from being deleted."""
    source = spec.snapshot_id or spec.source_volid
    return f"{source or spec.volume_id}-{'delete' if source else 'create'}"


def image_metadata(image: Image) -> dict[str, str]:
    """What a volume keeps of the image that it was made from: `glance_core_properties`, and the image's own."""
    core = {
        "image_id": image.id, "image_name": image.name, "checksum": image.checksum, "size": image.size,
        "container_format": image.container_format, "disk_format": image.disk_format, "min_disk": image.min_disk,
        "min_ram": image.min_ram,
    }  # fmt: skip
    return {**{name: str(value) for name, value in core.items() if value is not None}, **image.properties}
