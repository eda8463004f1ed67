"""Deleting a server on its host (nova's `compute/manager.py: terminate_instance` and what it calls)."""

import anyio

from actors.context import RequestContext
from actors.errors import CloudError
from actors.hypervisor.models import PowerState
from actors.nova.errors import InstanceNotFound
from actors.nova.models import Instance, RequestSpec
from actors.nova.rpc import TerminateInstance
from actors.nova.service import networks, volumes
from actors.nova.service.guests import Guests
from actors.nova.service.moves import under_way
from actors.nova.states import VmState
from actors.service import request_context
from bus.errors import AskTimeout, BusError, NoListener

DEALLOCATE_PAUSES = (2.0, 4.0, 6.0)
"""Seconds to wait before ports are deleted once more, while Neutron cannot be reached (`_try_deallocate_network`)."""


class Deletion(Guests):
    """Deletes servers."""

    @TerminateInstance.handler
    async def terminate_instance(self, msg: TerminateInstance) -> None:
        """Begin, and return. A build of the same server is waited for; it goes on until it sees that it is deleted."""
        self.work(self._terminate, msg, request_context())

    async def _terminate(self, msg: TerminateInstance, context: RequestContext) -> None:
        async with self.locks.hold(msg.server):
            try:
                await self.delete_instance(self.store.instance(msg.server), context)
            except InstanceNotFound:
                self.log.info("the server had gone", server=msg.server)
            except (CloudError, BusError) as error:
                self.log.warning("the server could not be deleted", server=msg.server, error=repr(error))
                self.store.fail_action(msg.server, context.request_id)
                await self.to_error(msg.server, error, task_state=None)

    async def delete_instance(self, instance: Instance, context: RequestContext) -> None:
        """Delete a server, its guest, its ports, and the volumes that go with it.

        It is deleted in the database before its allocation is given back: who waits for the end waits for ``delete.end``.

        Raises:
            CloudError: what the hypervisor, Neutron or Placement refuses; 401 if the user's token has expired.
            BusError: if one of them does not answer.
        """
        self.events.give_up(instance.uuid)
        await self.notify("delete.start", instance)
        await self.shutdown(instance, context)
        await volumes.delete_volumes(self, context, self.disks(instance.uuid))
        gone = await self.save(
            instance.uuid, vm_state=VmState.DELETED, task_state=None, power_state=PowerState.NOSTATE,
            terminated_at=self.now,
        )  # fmt: skip
        if gone.host == self.host:
            self.drop(gone)
        await self.delete_allocation(instance.uuid)
        await self.tell_schedulers(instance.uuid, context, gone=True)
        self.store.destroy_instance(instance.uuid, host=self.store.instance(instance.uuid).host)
        self.store.forget(instance.uuid)
        await self.notify("delete.end", gone)

    async def shutdown(
        self, instance: Instance, context: RequestContext, *, spec: RequestSpec | None = None, networks_too: bool = True
    ) -> None:
        """End a guest, delete its ports if they are to go too, and give up its volumes (`_shutdown_instance`).

        A server that ends on its way to another host has attachments of both: nova gives up those alone that its disks had in the beginning.

        Raises:
            CloudError: what the hypervisor or Neutron refuses; what Cinder does is logged alone.
            BusError: if the hypervisor or Neutron does not answer.
        """
        elevated = context.elevated()
        await self.notify("shutdown.start", instance)
        if not instance.info_cache:
            await networks.look(self, instance)
            instance = self.store.instances.get(instance.uuid, instance)
        try:
            await self.destroy(instance, elevated)
        except (CloudError, BusError):
            if networks_too:
                await self.unplug(instance.info_cache)
                await self._deallocate(instance, elevated, spec)
            raise
        if networks_too:
            await self._deallocate(instance, elevated, spec)
        left = [attachment for move in under_way(self, instance.uuid) for _, attachment in move.old_attachments]
        await volumes.delete_attachments(self, elevated, [*volumes.attachments(self.disks(instance.uuid)), *left])
        await self.notify("shutdown.end", self.store.instances.get(instance.uuid, instance))

    async def _deallocate(self, instance: Instance, context: RequestContext, spec: RequestSpec | None) -> None:
        """Delete the ports; some more attempts while Neutron cannot be reached."""
        for pause in DEALLOCATE_PAUSES:
            try:
                return await networks.deallocate(self, context, instance, spec)
            except (NoListener, AskTimeout) as error:
                self.log.warning("neutron does not answer", server=instance.uuid, error=repr(error))
            except CloudError as error:
                await self.to_error(instance.uuid, error)
                raise
            await anyio.sleep(pause)
        try:
            await networks.deallocate(self, context, instance, spec)
        except (CloudError, BusError) as error:
            await self.to_error(instance.uuid, error)
            raise
