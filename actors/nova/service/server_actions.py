"""nova-api: what is done to servers (nova's `compute/api.py`). Each saves the task state, and tells the host or a conductor."""

from actors.cinder.messages import ShowVolume
from actors.context import RequestContext
from actors.errors import NotFound
from actors.glance.messages import CreateImage, DeleteImage
from actors.glance.models import Image
from actors.ids import ImageId
from actors.nova.block_devices import root_of
from actors.nova.errors import (
    ComputeHostNotFound,
    ForbiddenHere,
    InstanceInvalidState,
    InstanceNotFound,
    InvalidVolume,
    UnexpectedTaskState,
    VolumeNotAttached,
)
from actors.nova.messages.servers import (
    AttachVolume,
    CreateServerImage,
    DetachVolume,
    LiveMigrateServer,
    RebootServer,
    StartServer,
    StopServer,
)
from actors.nova.models import BlockDevice, Instance, Migration, VolumeAttachment
from actors.nova.rpc import (
    AttachVolumeToInstance,
    DetachVolumeOnHost,
    LiveMigrateInstance,
    RebootInstance,
    SnapshotInstance,
    StartInstance,
    StopInstance,
)
from actors.nova.service.server_rows import ServerRows
from actors.nova.service.servers import shown
from actors.nova.states import TaskState
from actors.service import request_context

FREE = (None,)
"""Nothing is being done to the server."""


class ServerActions(ServerRows):
    """Part of nova-api."""

    @RebootServer.handler
    async def reboot_server(self, msg: RebootServer) -> None:
        """Reboot it."""
        hard = msg.type == "HARD"
        instance = self._with_host(self.changeable(msg.server_id, "reboot hard" if hard else "reboot"))
        state = TaskState.REBOOTING_HARD if hard else TaskState.REBOOTING
        await self._begin(instance, "reboot", state, expected=(instance.task_state,) if hard else FREE)
        await self.cast(instance, RebootInstance(server=instance.uuid, hard=hard), "reboot", request_context())

    @StopServer.handler
    async def stop_server(self, msg: StopServer) -> None:
        """Shut it down."""
        instance = self._with_host(self.changeable(msg.server_id, "stop"))
        await self._begin(instance, "stop", TaskState.POWERING_OFF)
        await self.cast(instance, StopInstance(server=instance.uuid), "stop", request_context())

    @StartServer.handler
    async def start_server(self, msg: StartServer) -> None:
        """Switch it on."""
        instance = self._with_host(self.changeable(msg.server_id, "start"))
        await self._begin(instance, "start", TaskState.POWERING_ON)
        await self.cast(instance, StartInstance(server=instance.uuid), "start", request_context())

    @CreateServerImage.handler
    async def create_server_image(self, msg: CreateServerImage) -> ImageId:
        """Create the image with the user's token, and have the host fill it."""
        context = request_context()
        instance = self._with_host(self.changeable(msg.server_id, "snapshot"))
        root = root_of(self.disks_of(instance.uuid))
        if root is not None and root.is_volume:
            raise InvalidVolume(
                "An image of a server that boots from a volume is not supported: make a snapshot of its volume"
            )
        image = await self._create_image(instance, msg, context)
        try:
            await self._begin(instance, "createImage", TaskState.IMAGE_SNAPSHOT_PENDING)
        except (InstanceInvalidState, InstanceNotFound):
            await self.calls.as_user(DeleteImage(image_id=image.id), context)
            raise
        await self.cast(instance, SnapshotInstance(server=instance.uuid, image=image.id), "createImage", context)
        return image.id

    async def _create_image(self, instance: Instance, msg: CreateServerImage, context: RequestContext) -> Image:
        properties = {**msg.metadata, "instance_uuid": instance.uuid, "image_type": "snapshot"}
        if instance.image_ref is not None:
            properties["base_image_ref"] = instance.image_ref
        request = CreateImage(
            name=msg.name, visibility="private", disk_format="qcow2", container_format="bare",
            min_disk=instance.flavor.disk, properties=properties,
        )  # fmt: skip
        return await self.calls.as_user(request, context)

    @LiveMigrateServer.handler
    async def live_migrate_server(self, msg: LiveMigrateServer) -> None:
        """Have a conductor find a host."""
        context = request_context()
        instance = self._with_host(self.changeable(msg.server_id, "live_migrate"))
        if msg.host is not None and msg.host not in self.store.compute_nodes:
            raise ComputeHostNotFound(f"Compute host {msg.host} could not be found.")
        await self._begin(instance, "os-migrateLive", TaskState.MIGRATING)
        self.record(instance, "live-migration", context)
        migration = Migration(
            uuid=self.ids.uuid(), instance_uuid=instance.uuid, source_compute=str(instance.host),
            user_id=context.user_id, project_id=instance.project_id, created_at=self.now, updated_at=self.now,
        )  # fmt: skip
        self.store.migrations[migration.uuid] = migration
        request = LiveMigrateInstance(
            server=instance.uuid, host=msg.host, block_migration=msg.block_migration, migration=migration.uuid
        )
        await self.bus.tell(request, context=context)

    # -- volumes ---------------------------------------------------------------------------------------------------------

    @AttachVolume.handler
    async def attach_volume(self, msg: AttachVolume) -> VolumeAttachment:
        """Look whether it can be, and have a conductor go on."""
        context = request_context()
        instance = self._with_host(self.changeable(msg.server_id, "attach_volume"))
        volume = await self.calls.as_user(ShowVolume(volume_id=msg.volume_id), context)
        if any(disk.volume_id == msg.volume_id for disk in self.disks_of(instance.uuid)):
            raise InvalidVolume(
                f"Invalid volume: Volume {msg.volume_id} is already attached to instance {instance.uuid}"
            )
        if volume.status != "available" and not volume.multiattach:
            raise InvalidVolume(
                f"Invalid volume: volume '{volume.id}' status must be 'available'. Currently in '{volume.status}'"
            )
        device = BlockDevice(
            source_type="volume", destination_type="volume", volume_id=msg.volume_id, device_name=msg.device,
            volume_size=volume.size, delete_on_termination=msg.delete_on_termination, tag=msg.tag,
        )  # fmt: skip
        self.record(instance, "attach_volume", context)
        await self.bus.tell(AttachVolumeToInstance(server=instance.uuid, device=device), context=context)
        return shown(instance, device)

    @DetachVolume.handler
    async def detach_volume(self, msg: DetachVolume) -> None:
        """Have the host take it away."""
        context = request_context()
        instance = self._with_host(self.changeable(msg.server_id, "detach_volume"))
        try:
            await self.calls.as_user(ShowVolume(volume_id=msg.volume_id), context)
        except NotFound as error:
            raise VolumeNotAttached(f"Volume {msg.volume_id} could not be found.") from error
        disk = next((disk for disk in self.disks_of(instance.uuid) if disk.volume_id == msg.volume_id), None)
        if disk is None:
            raise VolumeNotAttached(f"Instance {instance.uuid} is not attached to volume {msg.volume_id}")
        if disk.boot_index == 0:
            raise ForbiddenHere("Cannot detach a root device volume")
        detach = DetachVolumeOnHost(server=instance.uuid, volume=msg.volume_id)
        await self.cast(instance, detach, "detach_volume", context)

    # -- beginning -------------------------------------------------------------------------------------------------------

    def _with_host(self, instance: Instance) -> Instance:
        """A server that some host has."""
        if instance.host is None:
            raise InstanceInvalidState(f"Instance {instance.uuid} is not ready: it has no host")
        return instance

    async def _begin(
        self, instance: Instance, action: str, state: TaskState, *, expected: tuple[TaskState | None, ...] = FREE
    ) -> None:
        """Save what is being done, unless somebody else was faster."""
        try:
            await self.save(instance.uuid, expected_task_state=expected, task_state=state)
        except UnexpectedTaskState as error:
            raise InstanceInvalidState(f"Cannot '{action}' instance {instance.uuid}: {error}") from error
