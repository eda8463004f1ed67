"""Nova's side of Cinder: the volumes of a server (nova's `volume/cinder.py` and `virt/block_device.py`), all with the user's token."""

from collections.abc import Iterable

import anyio
import attrs

from actors.cinder.messages import (
    CompleteAttachment,
    CreateAttachment,
    CreateVolume,
    DeleteAttachment,
    DeleteVolume,
    ShowAttachment,
    ShowVolume,
    UpdateAttachment,
)
from actors.cinder.models import SnapshotId
from actors.context import RequestContext
from actors.errors import CloudError, NotFound
from actors.ids import AttachmentId, ServerId, VolumeId
from actors.nova.errors import InstanceNotFound, InvalidBDM, VolumeNotCreated
from actors.nova.models import BlockDevice, Instance
from actors.nova.rpc import connector
from actors.nova.service.base import NovaService
from bus.errors import BusError

DEVICE_NAMES = tuple(f"/dev/vd{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")
"""What a guest knows its disks by, in order; as many as Nova gives a server."""
STILL_COMING = ("creating", "downloading")
"""Statuses of a volume that is not there yet."""


def named(service: NovaService, server: ServerId) -> tuple[BlockDevice, ...]:
    """The disks of a server, each with the name that the guest is to know it by (`_default_block_device_names`)."""
    disks = service.store.block_devices.get(server, ())
    taken = {disk.device_name for disk in disks}
    free = (name for name in DEVICE_NAMES if name not in taken)
    ordered = sorted(disks, key=lambda disk: disk.boot_index != 0)
    names = {id(disk): disk.device_name or next(free) for disk in ordered}
    service.store.block_devices[server] = tuple(attrs.evolve(disk, device_name=names[id(disk)]) for disk in disks)
    return service.store.block_devices[server]


async def reserve(
    service: NovaService, context: RequestContext, server: ServerId, disk: BlockDevice, *, saved: bool = True
) -> BlockDevice:
    """Reserve a disk's volume for a server, and note by which attachment.

    Raises:
        InstanceNotFound: if the server is deleted meanwhile, or loses the disk; nova leaves the attachment behind then.
        CloudError: what Cinder answers.
    """
    assert disk.volume_id is not None
    request = CreateAttachment(volume_id=disk.volume_id, instance=server)
    attachment = await service.calls.as_user(request, context)
    reserved = attrs.evolve(disk, attachment_id=attachment.id)
    if saved and not service.store.save_block_device(server, disk, reserved):
        await delete_attachments(service, context, (attachment.id,))
        raise InstanceNotFound(f"Instance {server} could not be found.")
    return reserved


async def connect(
    service: NovaService, context: RequestContext, instance: Instance, disk: BlockDevice, host: str
) -> BlockDevice:
    """Make a disk's volume if it has none, connect it to a host, and note what has become of it.

    Raises:
        InvalidBDM: if the volume does not become available, or Cinder refuses.
    """
    try:
        if disk.volume_id is None:
            disk = await _create(service, context, instance, disk)
        if disk.attachment_id is None:
            disk = await reserve(service, context, instance.uuid, disk)
        await attach(service, context, disk, host)
    except (CloudError, BusError) as error:
        raise InvalidBDM(f"Block Device Mapping is Invalid: {error}") from error
    return disk


async def attach(service: NovaService, context: RequestContext, disk: BlockDevice, host: str) -> None:
    """Connect a reserved volume to a host, before the guest has it."""
    assert disk.volume_id is not None
    assert disk.attachment_id is not None
    await service.calls.as_user(ShowVolume(volume_id=disk.volume_id), context)
    where = attrs.evolve(connector(host), mountpoint=disk.device_name)
    await service.calls.as_user(UpdateAttachment(attachment_id=disk.attachment_id, connector=where), context)
    await service.calls.as_user(CompleteAttachment(attachment_id=disk.attachment_id), context)


async def _create(service: NovaService, context: RequestContext, instance: Instance, disk: BlockDevice) -> BlockDevice:
    """Create a volume for a disk, and wait until it is there (`_await_block_device_map_created`)."""
    request = CreateVolume(
        size=disk.volume_size,
        volume_type=disk.volume_type,
        image_id=disk.image_id if disk.source_type == "image" else None,
        snapshot_id=None if disk.snapshot_id is None else SnapshotId(disk.snapshot_id),
        name="" if disk.source_type != "blank" else f"{instance.uuid}-blank-vol",
    )
    volume = await service.calls.as_user(request, context)
    created = attrs.evolve(disk, volume_id=volume.id)
    for attempt in range(service.config.block_device_allocate_retries + 1):
        if attempt:
            await anyio.sleep(service.config.block_device_allocate_retries_interval)
        volume = await service.calls.as_user(ShowVolume(volume_id=volume.id), context)
        if volume.status not in STILL_COMING:
            break
    if volume.status != "available":
        if disk.delete_on_termination:
            await delete_volume(service, context, volume.id)
        raise VolumeNotCreated(f"Volume {volume.id} did not finish being created. And its status is {volume.status}.")
    service.store.save_block_device(instance.uuid, disk, created)
    return created


async def disconnect(service: NovaService, context: RequestContext, disks: tuple[BlockDevice, ...]) -> bool:
    """Give up the attachments of a server that ends. False if something went wrong, which is logged, and left."""
    return await delete_attachments(service, context, attachments(disks))


def attachments(disks: Iterable[BlockDevice]) -> list[AttachmentId]:
    """The attachments of disks."""
    return [disk.attachment_id for disk in disks if disk.is_volume and disk.attachment_id is not None]


async def delete_attachments(service: NovaService, context: RequestContext, ids: Iterable[AttachmentId]) -> bool:
    """Give up attachments. False if something went wrong, which is logged, and left."""
    good = True
    for attachment in ids:
        try:
            await service.calls.as_user(DeleteAttachment(attachment_id=attachment), context)
        except NotFound:
            service.log.debug("attachment had gone", attachment=attachment)
        except (CloudError, BusError) as error:
            service.log.warning("volume not detached", attachment=attachment, error=repr(error))
            good = False
    return good


async def delete_volumes(service: NovaService, context: RequestContext, disks: tuple[BlockDevice, ...]) -> None:
    """Delete the volumes that go with a server; what goes wrong is logged, and left."""
    for disk in disks:
        if disk.volume_id is not None and disk.delete_on_termination:
            await delete_volume(service, context, disk.volume_id)


async def delete_volume(service: NovaService, context: RequestContext, volume: VolumeId) -> None:
    """Delete a volume; what goes wrong is logged, and left."""
    try:
        await service.calls.as_user(DeleteVolume(volume_id=volume), context)
    except (CloudError, BusError) as error:
        service.log.warning("volume not deleted", volume=volume, error=repr(error))


async def reserve_again(
    service: NovaService, context: RequestContext, server: ServerId, disks: tuple[BlockDevice, ...]
) -> None:
    """Make anew the attachments that an earlier host has deleted (`_validate_existing_attachment_ids`)."""
    for disk in disks:
        if disk.is_volume and disk.attachment_id is not None:
            try:
                await service.calls.as_user(ShowAttachment(attachment_id=disk.attachment_id), context)
            except NotFound:
                await reserve(service, context, server, disk)
