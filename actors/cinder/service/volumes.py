"""cinder-api: volumes (cinder's `volume/api.py` and `volume/flows/api/create_volume.py`)."""

from typing import Any

import attrs

from actors.cinder.errors import (
    InvalidAvailabilityZone,
    InvalidInput,
    InvalidVolume,
    VolumeSizeExceedsLimit,
    VolumeTypeNotFound,
)
from actors.cinder.listing import matches, ordered, page
from actors.cinder.messages import (
    CreateVolume,
    DeleteVolume,
    ExtendVolume,
    ListVolumes,
    SetVolumeBootable,
    ShowVolume,
    UpdateVolume,
)
from actors.cinder.models import GB, Snapshot, Volume, VolumeType
from actors.cinder.notifications import VolumeDeleted, VolumeDeleteStarted
from actors.cinder.rpc import VOLUME, RemoveVolume, RequestSpec, ScheduleExtend, ScheduleVolume
from actors.cinder.service.common import ApiPart, given
from actors.cinder.states import DELETE, EXTEND, VOLUME_SOURCES, VOLUME_STATUSES, Move
from actors.errors import BadRequest, CloudError, Forbidden
from actors.glance.models import Image
from actors.ids import ImageId, ProjectId, VolumeId
from actors.service import request_context
from bus.errors import BusError
from bus.topic import Target

SORT_KEYS = tuple(attrs.fields_dict(Volume))


class Volumes(ApiPart):
    """The handlers for volumes."""

    @CreateVolume.handler
    async def create_volume(self, msg: CreateVolume) -> Volume:
        if sum(source is not None for source in (msg.image_id, msg.snapshot_id, msg.source_volid)) > 1:
            raise InvalidInput("a volume is made from one thing at most: image_id, snapshot_id or source_volid")
        image = None if msg.image_id is None else await self._image(msg.image_id)
        snapshot = None if msg.snapshot_id is None else self._source_snapshot(msg)
        origin = self._origin(msg, snapshot)
        volume_type = self._type(msg, snapshot, origin)
        size = _size(msg, snapshot, origin)
        if image is not None:
            _check_image(image, size)
        zone = self._zone(msg, origin)
        volume = self._enter(msg, size, volume_type, zone, bootable=origin is not None and origin.bootable)
        resource_backend = (
            origin.host if origin is not None and (snapshot is None or self.config.snapshot_same_host) else None
        )
        spec = RequestSpec(
            volume_id=volume.id, size=size, volume_type=volume_type, availability_zones=(zone,), image_id=msg.image_id,
            snapshot_id=msg.snapshot_id, source_volid=msg.source_volid, resource_backend=resource_backend,
        )  # fmt: skip
        await self.bus.tell(ScheduleVolume(spec=spec), context=request_context())
        return self.view(volume)

    async def _image(self, image_id: ImageId) -> Image:
        """Whatever Glance answers, cinder says that the image is not to be had (`api/v3/volumes.py`)."""
        try:
            return await self.glance.show(self.bus, image_id, request_context())
        except (CloudError, BusError) as error:
            raise BadRequest(f"image {image_id} cannot be used, or not with this token: {error}") from error

    def _source_snapshot(self, msg: CreateVolume) -> Snapshot:
        assert msg.snapshot_id is not None
        snapshot = self.snapshot(msg.snapshot_id)
        if snapshot.status != "available":
            raise InvalidInput(
                f"snapshot {snapshot.id} is {snapshot.status}: it must be available to make a volume of it"
            )
        return snapshot

    def _origin(self, msg: CreateVolume, snapshot: Snapshot | None) -> Volume | None:
        """The volume that the new one is made from, directly or through its snapshot."""
        if snapshot is not None:
            return self.store.volumes.get(snapshot.volume_id)
        if msg.source_volid is None:
            return None
        origin = self.volume(msg.source_volid)
        if origin.status not in VOLUME_SOURCES:
            raise InvalidVolume(
                f"volume {origin.id} is {origin.status}: it must be {' or '.join(VOLUME_SOURCES)} to be cloned"
            )
        return origin

    def _type(self, msg: CreateVolume, snapshot: Snapshot | None, origin: Volume | None) -> VolumeType:
        inherited = (
            snapshot.volume_type_id if snapshot is not None else None if origin is None else origin.volume_type_id
        )
        asked = msg.volume_type or inherited or self.config.default_volume_type
        found = self.store.type_of(asked)
        if found is None:
            raise VolumeTypeNotFound(f"volume type {asked} could not be found")
        if (
            inherited is not None
            and found.id != inherited
            and found.multiattach != (origin is not None and origin.multiattach)
        ):
            raise InvalidInput(f"volume type {found.name} does not go with that of the source: leave it out")
        return found

    def _zone(self, msg: CreateVolume, origin: Volume | None) -> str:
        inherited = None if origin is None else origin.availability_zone
        zone = msg.availability_zone or inherited or self.config.storage_availability_zone
        backends = (row for row in self.store.services.values() if row.binary == VOLUME)
        known = {self.config.storage_availability_zone, *(row.zone for row in backends)}
        if zone not in known:
            raise InvalidAvailabilityZone(f"availability zone {zone!r} is none: there are {', '.join(sorted(known))}")
        if self.config.cloned_volume_same_az and inherited is not None and zone != inherited:
            raise InvalidInput(f"the volume must be in the zone of its source, {inherited!r}, not in {zone!r}")
        return zone

    def _enter(self, msg: CreateVolume, size: int, kind: VolumeType, zone: str, *, bootable: bool) -> Volume:
        """Take the quota and put in the row, in one transaction."""
        context, store, now = request_context(), self.store, self.now
        project_id = context.project_id or ProjectId("")
        self._check_size_limit(project_id, size)
        expire = now + self.config.reservation_expire
        reservations = store.quotas.reserve(project_id, {"volumes": 1, "gigabytes": size}, expire=expire)
        volume = store.volumes.put(
            Volume(
                id=VolumeId(self.ids.uuid()), name=msg.name, description=msg.description, status="creating", size=size,
                volume_type=kind.name, volume_type_id=kind.id, availability_zone=zone, bootable=bootable,
                multiattach=kind.multiattach, snapshot_id=msg.snapshot_id, source_volid=msg.source_volid,
                metadata=msg.metadata, user_id=context.user_id, project_id=project_id, created_at=now,
            )
        )  # fmt: skip
        store.quotas.commit(reservations)
        store.await_worker(volume.id, volume.status)
        return volume

    def _check_size_limit(self, project_id: ProjectId, size: int) -> None:
        limit = self.store.quotas.limit(project_id, "per_volume_gigabytes")
        if 0 <= limit < size:
            raise VolumeSizeExceedsLimit(f"a volume of {size} GB is larger than any may be: {limit} GB")

    @ShowVolume.handler
    async def show_volume(self, msg: ShowVolume) -> Volume:
        return self.view(self.volume(msg.volume_id))

    @ListVolumes.handler
    async def list_volumes(self, msg: ListVolumes) -> tuple[Volume, ...]:
        project, volumes = self.project(msg.all_tenants, msg.project_id), self.store.volumes
        rows = volumes if project is None else volumes.where("project", project)
        filters = {
            "name": msg.name, "status": msg.status, "bootable": msg.bootable, "availability_zone": msg.availability_zone,
            "size": msg.size, "metadata": msg.metadata,
        }  # fmt: skip
        found = ordered((row for row in rows if matches(row, filters)), msg.sort, SORT_KEYS)
        shown = page(found, marker=msg.marker, offset=msg.offset, limit=msg.limit, most=self.config.osapi_max_limit)
        return tuple(self.view(volume) for volume in shown)

    @UpdateVolume.handler
    async def update_volume(self, msg: UpdateVolume) -> Volume:
        volume = self.volume(msg.volume_id)
        if volume.status == "maintenance":
            raise InvalidVolume(f"volume {volume.id} cannot be changed during maintenance")
        changes: dict[str, Any] = given(name=msg.name, description=msg.description, metadata=msg.metadata)
        return self.view(self.store.volumes.put(attrs.evolve(volume, updated_at=self.now, **changes)))

    @SetVolumeBootable.handler
    async def set_volume_bootable(self, msg: SetVolumeBootable) -> None:
        self.store.volumes.update(self.volume(msg.volume_id).id, bootable=msg.bootable, updated_at=self.now)

    @ExtendVolume.handler
    async def extend_volume(self, msg: ExtendVolume) -> None:
        volume = self.volume(msg.volume_id)
        more = msg.new_size - volume.size
        if more <= 0:
            raise InvalidInput(f"volume {volume.id} has {volume.size} GB: {msg.new_size} GB would not make it larger")
        if volume.status not in EXTEND.expected:
            raise InvalidVolume(f"volume {volume.id} is {volume.status}: it must be {EXTEND} to be extended")
        self._check_size_limit(volume.project_id, msg.new_size)
        expire = self.now + self.config.reservation_expire
        reservations = self.store.quotas.reserve(volume.project_id, {"gigabytes": more}, expire=expire)
        self.clock.critical(expire, "reservation expiry")
        self.store.volumes.swap(volume.id, EXTEND, previous_status=volume.status, updated_at=self.now)
        request = ScheduleExtend(volume_id=volume.id, new_size=msg.new_size, reservations=reservations)
        await self.bus.tell(request, context=request_context())

    @DeleteVolume.handler
    async def delete_volume(self, msg: DeleteVolume) -> None:
        volume, context = self.volume(msg.volume_id), request_context()
        if msg.force and not context.is_admin:
            raise Forbidden("policy does not allow volume:force_delete to be performed")
        if volume.host is None:  # no backend has it: nothing to wait for
            self.store.drop_volume(volume, self.now)
            await self.notify(VolumeDeleteStarted, volume)
            await self.notify(VolumeDeleted, volume)
            return
        self._mark_deleted(volume, cascade=msg.cascade, force=msg.force)
        request = RemoveVolume(volume_id=volume.id, cascade=msg.cascade)
        await self.bus.tell(request, to=Target(VOLUME, server=backend_of(volume.host)), context=context)

    def _mark_deleted(self, volume: Volume, *, cascade: bool, force: bool) -> None:
        """One conditional update of the volume, then its snapshots."""
        store, now = self.store, self.now
        snapshots = store.snapshots.where("volume", volume.id)
        busy = [one.id for one in snapshots if not cascade or not (force or one.status in {"available", "error"})]
        move = Move(VOLUME_STATUSES, DELETE.becomes) if force else DELETE
        if busy or volume.attach_status == "attached" or volume.status not in move.expected:
            raise InvalidVolume(
                f"volume {volume.id} is {volume.status}, {volume.attach_status}, with snapshots in the way: {busy or 'none'}. "
                f"To be deleted it must be {DELETE}, not attached, and without snapshots (or cascade, with none at work)"
            )
        store.volumes.swap(volume.id, move, terminated_at=now, updated_at=now)
        for snapshot in snapshots:
            store.snapshots.update(snapshot.id, status="deleting", updated_at=now)
        store.await_worker(volume.id, move.becomes)


def backend_of(host: str) -> str:
    """The ``host@backend`` of a ``host@backend#pool``: the server that the volume's requests go to."""
    return host.partition("#")[0]


def _size(msg: CreateVolume, snapshot: Snapshot | None, origin: Volume | None) -> int:
    """GB of the new volume: what was asked for, or else those of its source, and no less than these."""
    least = snapshot.size if snapshot is not None else origin.size if origin is not None else 1
    asked = msg.size if msg.size is not None or (snapshot is None and origin is None) else least
    if asked is None or asked <= 0:
        raise InvalidInput(f"size={asked} must be a whole number of GB, 1 or more")
    if asked < least:
        raise InvalidInput(f"size={asked} GB is smaller than the source, which has {least} GB")
    return asked


def _check_image(image: Image, size: int) -> None:
    """As cinder's `check_image_metadata` (`volume/volume_utils.py`)."""
    if image.status != "active":
        raise InvalidInput(f"image {image.id} is {image.status}, not active")
    needed = max(-(-(count or 0) // GB) for count in (image.size, image.virtual_size))
    if needed > size:
        raise InvalidInput(f"image {image.id} has {needed} GB, more than the {size} GB of the volume")
    if image.min_disk > size:
        raise InvalidInput(
            f"image {image.id} asks for a disk of {image.min_disk} GB (min_disk), the volume has {size} GB"
        )
