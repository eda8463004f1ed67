"""Deleting servers, as nova-api does it (nova's `compute/api.py: _delete`).

Who is first decides: whoever destroys the build request keeps the server out of its cell. A server with a host that is up is its
host's to delete; any other is deleted here and now, with the token of whoever asks.
"""

import attrs

from actors.context import RequestContext
from actors.errors import CloudError
from actors.ids import ServerId
from actors.nova.errors import InstanceIsLocked, InstanceNotFound, ObjectActionError
from actors.nova.messages.servers import DeleteServer
from actors.nova.models import Instance
from actors.nova.rpc import TerminateInstance
from actors.nova.service import networks, volumes
from actors.nova.service.server_rows import ServerRows
from actors.nova.states import TaskState
from actors.service import request_context
from bus.errors import BusError


class Removal(ServerRows):
    """Part of nova-api."""

    @DeleteServer.handler
    async def delete_server(self, msg: DeleteServer) -> None:
        """Delete a server, in whatever state it is."""
        context = request_context()
        found = self.find(msg.server_id)
        if found.locked and not context.is_admin:
            raise InstanceIsLocked(f"Instance {msg.server_id} is locked")
        if await self._delete_while_booting(found, context):
            return
        before = self.store.instances.get(msg.server_id)
        if before is None:
            self.store.forget(msg.server_id)
            return
        try:
            instance = await self.save(msg.server_id, task_state=TaskState.DELETING, progress=0)
            await self._delete(before, instance, context)
        except InstanceNotFound:
            self.log.debug("the server had gone", server=msg.server_id)

    async def _delete(self, before: Instance, instance: Instance, context: RequestContext) -> None:
        if instance.host is None or not self._is_up(instance.host):
            self.record(instance, "delete", context)
            await self._local_delete(instance, context)
        elif before.task_state is TaskState.DELETING:
            self.log.info("the server is being deleted already", server=instance.uuid)
        else:
            mapping = self.store.mappings.get(instance.uuid)
            if mapping is not None:
                self.store.mappings[instance.uuid] = attrs.evolve(mapping, queued_for_delete=True)
            await self.cast(instance, TerminateInstance(server=instance.uuid), "delete", context)

    def _is_up(self, host: str) -> bool:
        service = self.store.computes.get(host)
        return service is not None and service.is_up(self.now, self.config.service_down_time)

    async def _delete_while_booting(self, instance: Instance, context: RequestContext) -> bool:
        """Stop a boot before the server is in its cell (`_delete_while_booting`). False if it is too late for that."""
        uuid = instance.uuid
        disks = self.disks_of(uuid)
        if instance.host is not None or not self.store.destroy_build_request(uuid):
            return False
        await volumes.disconnect(self, context, disks)
        await volumes.delete_volumes(self, context, disks)
        row = self.store.instances.get(uuid)
        if row is not None:
            await self._destroy(row)
        await self.delete_allocation(uuid)
        if uuid not in self.store.instances:
            self.store.forget(uuid)
        return True

    async def _destroy(self, instance: Instance) -> None:
        """Delete a server's row, and notify it."""
        await self.notify("delete.start", instance)
        try:
            self.store.destroy_instance(instance.uuid, host=instance.host)
        except (InstanceNotFound, ObjectActionError) as error:
            self.log.info("the server has moved on", server=instance.uuid, error=str(error))
            return
        await self.notify("delete.end", instance)

    async def _local_delete(self, instance: Instance, context: RequestContext) -> None:
        """Delete a server without its host; a guest that is left there is reaped when the host is back (`_local_delete`).

        Raises:
            CloudError: what Neutron or Placement answers; the server then stays as it is.
            BusError: if one of them does not.
        """
        uuid: ServerId = instance.uuid
        disks = self.disks_of(uuid)
        await self.notify("delete.start", instance)
        await networks.deallocate(self, context.elevated(), instance, self.store.request_specs.get(uuid))
        await volumes.disconnect(self, context, disks)
        await volumes.delete_volumes(self, context, disks)
        try:
            await self.delete_allocation(uuid)
        except (CloudError, BusError) as error:
            self.log.warning("allocation not deleted", server=uuid, error=repr(error))
        self.store.destroy_instance(uuid, host=instance.host)
        self.store.forget(uuid)
        await self.notify("delete.end", instance)
