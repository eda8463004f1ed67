"""Attaching and detaching volumes on a server's host (nova's `compute/manager.py`), all with the user's token."""

import attrs

from actors.cinder.messages import CompleteAttachment, DeleteAttachment, ShowVolume, UpdateAttachment
from actors.context import RequestContext
from actors.errors import CloudError
from actors.hypervisor.errors import DeviceNotFound, GuestNotFound
from actors.hypervisor.messages import AttachDisk, DetachDisk
from actors.hypervisor.models import Disk
from actors.nova.errors import InvalidVolume
from actors.nova.models import BlockDevice
from actors.nova.rpc import AttachVolumeOnHost, DetachVolumeOnHost, ReserveBlockDeviceName, connector
from actors.nova.service import volumes
from actors.nova.service.deletion import Deletion
from actors.service import request_context
from bus.errors import BusError


class HostVolumes(Deletion):
    """Attaches and detaches volumes."""

    @ReserveBlockDeviceName.handler
    async def reserve_block_device_name(self, msg: ReserveBlockDeviceName) -> BlockDevice:
        """Choose a name that no disk has, and note the disk."""
        async with self.alive(), self.locks.hold(msg.server):
            self.store.instance(msg.server)
            disks = self.disks(msg.server)
            if any(disk.volume_id == msg.device.volume_id for disk in disks):
                raise InvalidVolume(f"Volume {msg.device.volume_id} is already attached to instance {msg.server}")
            self.store.block_devices[msg.server] = (*disks, msg.device)
            return volumes.named(self, msg.server)[-1]

    @AttachVolumeOnHost.handler
    async def attach_volume(self, msg: AttachVolumeOnHost) -> None:
        """Begin, and return."""
        self.work(self._attach, msg, request_context())

    async def _attach(self, msg: AttachVolumeOnHost, context: RequestContext) -> None:
        disk = msg.device
        async with self.locks.hold(msg.server), self.reverting(msg.server, context):
            try:
                instance = self.store.instance(msg.server)
                await self.notify("volume_attach.start", instance)
                await self._connect(msg, context)
                await self.notify("volume_attach.end", instance)
            except (CloudError, BusError) as error:
                await volumes.disconnect(self, context, (disk,))
                self.store.remove_block_device(msg.server, disk)
                if (row := self.store.instances.get(msg.server)) is not None:
                    await self.notify("volume_attach.error", row, error)
                raise

    async def _connect(self, msg: AttachVolumeOnHost, context: RequestContext) -> None:
        disk = msg.device
        assert disk.volume_id is not None
        assert disk.attachment_id is not None
        await self.calls.as_user(ShowVolume(volume_id=disk.volume_id), context)
        where = attrs.evolve(connector(self.host), mountpoint=disk.device_name)
        await self.calls.as_user(UpdateAttachment(attachment_id=disk.attachment_id, connector=where), context)
        plugged = Disk(volume=disk.volume_id, mountpoint=disk.device_name or "")
        await self.driver(AttachDisk(server=msg.server, disk=plugged), context)
        await self.calls.as_user(CompleteAttachment(attachment_id=disk.attachment_id), context)

    @DetachVolumeOnHost.handler
    async def detach_volume(self, msg: DetachVolumeOnHost) -> None:
        """Begin, and return."""
        self.work(self._detach, msg, request_context())

    async def _detach(self, msg: DetachVolumeOnHost, context: RequestContext) -> None:
        async with self.locks.hold(msg.server), self.reverting(msg.server, context):
            instance = self.store.instance(msg.server)
            disk = next((disk for disk in self.disks(msg.server) if disk.volume_id == msg.volume), None)
            if disk is None:
                return
            await self.notify("volume_detach.start", instance)
            try:
                await self.driver(DetachDisk(server=msg.server, volume=msg.volume), context)
            except (DeviceNotFound, GuestNotFound):
                self.log.info("the guest did not have the volume", server=msg.server, volume=msg.volume)
            if disk.attachment_id is not None:
                await self.calls.as_user(DeleteAttachment(attachment_id=disk.attachment_id), context)
            if disk.delete_on_termination:
                await volumes.delete_volume(self, context, msg.volume)
            await self._forget(msg, disk, context)
            await self.notify("volume_detach.end", instance)

    async def _forget(self, msg: DetachVolumeOnHost, disk: BlockDevice, context: RequestContext) -> None:
        """Remove a disk that the guest has no more; if it has got an attachment of another host meanwhile, that goes too (not so in nova)."""
        for row in self.disks(msg.server):
            if row.volume_id == msg.volume:
                self.store.remove_block_device(msg.server, row)
                if row.attachment_id != disk.attachment_id:
                    await volumes.disconnect(self, context, (row,))
