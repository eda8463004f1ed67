"""What the parts of nova-api that deal with servers have in common: finding one, showing one, beginning something."""

import attrs

from actors.context import RequestContext
from actors.ids import ServerId
from actors.nova.errors import InstanceIsLocked, InstanceNotFound
from actors.nova.models import (
    Address,
    AttachedVolume,
    BlockDevice,
    Instance,
    InstanceAction,
    Server,
)
from actors.nova.rpc import ComputeCall, compute
from actors.nova.service.base import NovaService
from actors.nova.states import VmState, check_allowed
from actors.service import request_context


class ServerRows(NovaService):
    """Base of those parts."""

    def find(self, server_id: ServerId) -> Instance:
        """A server that whoever asks may see: its row, or before it is in a cell, what is to become it.

        Raises:
            InstanceNotFound: if there is none.
        """
        context = request_context()
        mapping = self.store.mappings.get(server_id)
        request = self.store.build_requests.get(server_id)
        instance = self.store.instances.get(server_id)
        if request is not None and (mapping is None or mapping.cell is None or instance is None):
            instance = request.instance
        if instance is None or not (context.is_admin or instance.project_id == context.project_id):
            raise InstanceNotFound(f"Instance {server_id} could not be found.")
        return instance

    def changeable(self, server_id: ServerId, action: str) -> Instance:
        """A server to which *action* can be done now.

        Raises:
            InstanceNotFound: if there is none.
            InstanceIsLocked: if only administrators may.
            InstanceInvalidState: if it is in a state in which it cannot, or has no host.
        """
        instance = self.find(server_id)
        if instance.locked and not request_context().is_admin:
            raise InstanceIsLocked(f"Instance {server_id} is locked")
        check_allowed(server_id, action, instance.vm_state, instance.task_state)
        return instance

    def disks_of(self, server_id: ServerId) -> tuple[BlockDevice, ...]:
        """The disks of a server."""
        request = self.store.build_requests.get(server_id)
        disks = self.store.block_devices.get(server_id)
        return disks or (() if request is None else request.block_devices)

    async def cast(self, instance: Instance, call: ComputeCall[None], action: str, context: RequestContext) -> None:
        """Note what begins, and tell the server's host to do it."""
        assert instance.host is not None
        self.record(instance, action, context)
        await self.bus.tell(call, to=compute(instance.host), context=context)

    def record(self, instance: Instance, action: str, context: RequestContext) -> None:
        """Note what begins."""
        row = InstanceAction(action=action, request_id=context.request_id, start_time=self.now)
        self.store.record_action(instance.uuid, row)

    def show(self, instance: Instance) -> Server:
        """A server as whoever asks sees it."""
        spec = self.store.request_specs.get(instance.uuid)
        faulty = instance.vm_state in (VmState.ERROR, VmState.DELETED)
        fault = self.store.faults.get(instance.uuid) if faulty else None
        admin = request_context().is_admin
        if fault is not None and not admin:
            fault = attrs.evolve(fault, details="")
        return Server(
            id=instance.uuid,
            name=instance.display_name,
            status=instance.status,
            tenant_id=instance.project_id,
            user_id=instance.user_id,
            flavor=instance.flavor,
            image=instance.image_ref,
            key_name=instance.key_name,
            metadata=instance.metadata,
            addresses=_addresses(instance),
            security_groups=() if spec is None else spec.security_groups,
            created=instance.created_at,
            updated=instance.updated_at,
            progress=instance.progress,
            fault=fault,
            vm_state=instance.vm_state,
            task_state=instance.task_state,
            power_state=instance.power_state,
            volumes_attached=tuple(
                AttachedVolume(id=disk.volume_id, delete_on_termination=disk.delete_on_termination)
                for disk in self.disks_of(instance.uuid)
                if disk.volume_id is not None
            ),
            availability_zone=instance.availability_zone,
            launched_at=instance.launched_at,
            terminated_at=instance.terminated_at,
            host=instance.host if admin else None,
            locked=instance.locked,
        )


def _addresses(instance: Instance) -> tuple[Address, ...]:
    return tuple(
        Address(network=vif.network_name, addr=ip, version=6 if ":" in ip else 4, mac_addr=vif.address)
        for vif in instance.info_cache
        for ip in vif.fixed_ips
    )
