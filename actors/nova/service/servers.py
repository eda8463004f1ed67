"""nova-api: showing and changing servers (nova's `api/openstack/compute/servers.py`)."""

from typing import Any, Final

import attrs

from actors.errors import Forbidden
from actors.nova.errors import InvalidInput, VolumeNotAttached
from actors.nova.listing import ordered, page
from actors.nova.messages.servers import (
    ListInstanceActions,
    ListMigrations,
    ListServers,
    ListVolumeAttachments,
    LockServer,
    ResetServerState,
    ShowServer,
    ShowVolumeAttachment,
    UnlockServer,
    UpdateServer,
)
from actors.nova.models import BlockDevice, Instance, InstanceAction, Migration, Server, VolumeAttachment
from actors.nova.service.server_rows import ServerRows
from actors.nova.states import VmState
from actors.service import request_context

SORT_KEYS: Final = (
    "uuid", "display_name", "created_at", "updated_at", "vm_state", "task_state", "host", "launched_at", "project_id",
)  # fmt: skip
FILTERS: Final = {
    "project_id": "project_id",
    "user_id": "user_id",
    "status": "status",
    "vm_state": "vm_state",
    "task_state": "task_state",
    "host": "host",
    "image": "image_ref",
}
"""Filter of the list, and the field that it must equal."""


def shown(instance: Instance, disk: BlockDevice) -> VolumeAttachment:
    """A volume of a server, as the API shows it."""
    assert disk.volume_id is not None
    return VolumeAttachment(
        server_id=instance.uuid, volume_id=disk.volume_id, attachment_id=disk.attachment_id, device=disk.device_name,
        delete_on_termination=disk.delete_on_termination, tag=disk.tag,
    )  # fmt: skip


class Servers(ServerRows):
    """Part of nova-api."""

    @ShowServer.handler
    def show_server(self, msg: ShowServer) -> Server:
        """Show a server."""
        return self.show(self.find(msg.server_id))

    @ListServers.handler
    def list_servers(self, msg: ListServers) -> tuple[Server, ...]:
        """List those that fit, whether they are in a cell yet or not."""
        context = request_context()
        if (msg.all_tenants or msg.host is not None) and not context.is_admin:
            raise Forbidden("Policy doesn't allow os_compute_api:servers:detail:get_all_tenants to be performed.")
        if msg.sort_key not in SORT_KEYS:
            raise InvalidInput(f"Invalid input received: sort_key {msg.sort_key!r} is none of {', '.join(SORT_KEYS)}")
        waiting = (
            request.instance for uuid, request in self.store.build_requests.items() if uuid not in self.store.instances
        )
        mine = (
            row
            for row in (*self.store.instances.values(), *waiting)
            if msg.all_tenants or row.project_id == context.project_id
        )
        rows = ordered(mine, lambda row: getattr(row, msg.sort_key), msg.sort_dir)
        found = page(
            rows, name=lambda row: row.uuid, marker=msg.marker, limit=msg.limit, most=self.config.max_limit,
            fits=lambda row: _fits(row, msg),
        )  # fmt: skip
        return tuple(self.show(row) for row in found)

    @UpdateServer.handler
    async def update_server(self, msg: UpdateServer) -> Server:
        """Change what its owner gave it."""
        given = {"display_name": msg.name, "metadata": msg.metadata}
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        instance = self.find(msg.server_id)
        if msg.server_id in self.store.instances:
            return self.show(await self.save(msg.server_id, **changes))
        request = self.store.build_requests[msg.server_id]
        instance = attrs.evolve(instance, updated_at=self.now, **changes)
        self.store.build_requests[msg.server_id] = attrs.evolve(request, instance=instance)
        return self.show(instance)

    @LockServer.handler
    async def lock_server(self, msg: LockServer) -> None:
        """Lock it."""
        self.find(msg.server_id)
        await self.save(msg.server_id, locked=True)

    @UnlockServer.handler
    async def unlock_server(self, msg: UnlockServer) -> None:
        """Unlock it."""
        self.find(msg.server_id)
        await self.save(msg.server_id, locked=False)

    @ResetServerState.handler
    async def reset_server_state(self, msg: ResetServerState) -> None:
        """Take an administrator's word for it."""
        self.find(msg.server_id)
        await self.save(msg.server_id, vm_state=VmState(msg.state), task_state=None)

    @ListVolumeAttachments.handler
    def list_volume_attachments(self, msg: ListVolumeAttachments) -> tuple[VolumeAttachment, ...]:
        """List its volumes."""
        instance = self.find(msg.server_id)
        return tuple(shown(instance, disk) for disk in self.disks_of(msg.server_id) if disk.volume_id is not None)

    @ShowVolumeAttachment.handler
    def show_volume_attachment(self, msg: ShowVolumeAttachment) -> VolumeAttachment:
        """Show one."""
        instance = self.find(msg.server_id)
        for disk in self.disks_of(msg.server_id):
            if disk.volume_id == msg.volume_id:
                return shown(instance, disk)
        raise VolumeNotAttached(f"Instance {msg.server_id} is not attached to volume {msg.volume_id}")

    @ListInstanceActions.handler
    def list_instance_actions(self, msg: ListInstanceActions) -> tuple[InstanceAction, ...]:
        """List what was done to it."""
        self.find(msg.server_id)
        return self.store.actions.get(msg.server_id, ())[::-1]

    @ListMigrations.handler
    def list_migrations(self, msg: ListMigrations) -> tuple[Migration, ...]:
        """List them."""
        return tuple(
            row
            for row in reversed(self.store.migrations.values())
            if msg.instance_uuid in (None, row.instance_uuid)
            and msg.status in (None, row.status)
            and msg.host in (None, row.source_compute, row.dest_compute)
        )


def _fits(row: Instance, msg: ListServers) -> bool:
    wanted = {field: getattr(msg, name) for name, field in FILTERS.items()}
    return (
        all(value is None or getattr(row, field) == value for field, value in wanted.items())
        and (msg.name is None or msg.name in row.display_name)
        and msg.flavor in (None, row.flavor.id)
    )
