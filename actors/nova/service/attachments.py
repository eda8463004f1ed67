"""Attaching a volume, as a conductor orders it (nova's `conductor/manager.py: attach_volume`)."""

from actors.errors import CloudError
from actors.nova.errors import InstanceNotFound
from actors.nova.rpc import MONITOR, AttachVolumeOnHost, AttachVolumeToInstance, ReserveBlockDeviceName, compute
from actors.nova.service import volumes
from actors.nova.service.base import NovaService
from actors.service import request_context
from bus.errors import BusError


class AttachmentTasks(NovaService):
    """Part of the conductor."""

    @AttachVolumeToInstance.handler
    async def attach_volume(self, msg: AttachVolumeToInstance) -> None:
        """Choose the disk's name, reserve the volume, and have it attached."""
        context, device = request_context(), msg.device
        try:
            instance = self.store.instance(msg.server)
            if instance.host is None:
                raise InstanceNotFound(f"Instance {msg.server} has no host")
            host = compute(instance.host)
            name = ReserveBlockDeviceName(server=msg.server, device=device)
            device = await self.bus.ask(name, to=host, monitor=MONITOR, context=context)
            device = await volumes.reserve(self, context, msg.server, device)
        except (CloudError, BusError) as error:
            self.log.warning("volume not attached", server=msg.server, volume=device.volume_id, error=repr(error))
            self.store.remove_block_device(msg.server, device)
            self.record_fault(msg.server, error)
            self.store.fail_action(msg.server, context.request_id)
            return
        await self.bus.tell(AttachVolumeOnHost(server=msg.server, device=device), to=host, context=context)
