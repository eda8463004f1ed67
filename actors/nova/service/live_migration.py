"""Live migration, on both hosts (nova's `compute/manager.py`).

On the old host: prepare the new one, copy, let go. On the new host: connect volumes, plug ports, take over. Volumes are connected and
given up with the user's token, at the beginning and at the end: between the two lies the copying. Ports are bound with Nova's own;
they are wired on the new host when its binding is activated, as with the native firewall of Open vSwitch, so nobody waits for that
before the copying (nova's `get_live_migration_plug_time_events`).
"""

import anyio
import attrs

from actors.cinder.messages import CompleteAttachment, CreateAttachment
from actors.context import RequestContext
from actors.errors import CloudError
from actors.hypervisor.errors import HostFull, MigrationFailed
from actors.hypervisor.messages import DestroyGuest, MigrateGuest, PrepareMigration
from actors.neutron.messages import ActivatePortBinding, DeletePortBinding
from actors.nova.errors import GroupAffinityViolation, MigrationError, MigrationPreCheckError
from actors.nova.models import Instance, Migration
from actors.nova.rpc import (
    MONITOR,
    CheckCanLiveMigrateDestination,
    ComputeCall,
    LiveMigration,
    PostLiveMigrationAtDestination,
    PreLiveMigration,
    RollbackLiveMigrationAtDestination,
    compute,
    connector,
)
from actors.nova.service import networks, volumes
from actors.nova.service.deletion import Deletion
from actors.nova.service.guests import define
from actors.nova.service.moves import is_ending, revert_allocation, set_migration
from actors.nova.states import TaskState
from actors.service import request_context
from bus.errors import BusError


class Migrations(Deletion):
    """Sends servers away, and takes them in."""

    @CheckCanLiveMigrateDestination.handler
    async def check_can_live_migrate_destination(self, msg: CheckCanLiveMigrateDestination) -> bool:
        """A local disk is on neither host's shared storage, so it must be copied."""
        instance = self.store.instance(msg.server)
        try:
            self.check_group(instance)
        except GroupAffinityViolation as error:
            raise MigrationPreCheckError(str(error)) from error
        has_disk = instance.image_ref is not None or instance.flavor.ephemeral > 0
        if has_disk and msg.block_migration is False:
            raise MigrationPreCheckError(
                f"{self.host} is not on shared storage: Live migration cannot be used without shared storage except a "
                "booted from volume VM which does not have a local disk."
            )
        return has_disk

    # -- on the old host -------------------------------------------------------------------------------------------------

    @LiveMigration.handler
    async def live_migration(self, msg: LiveMigration) -> None:
        """Begin, and return."""
        set_migration(self, msg.migration, status="queued")
        self.work(self._live_migration, msg, request_context())

    async def _live_migration(self, msg: LiveMigration, context: RequestContext) -> None:
        async with self.migrations:
            set_migration(self, msg.migration, status="preparing")
            if (instance := self.store.instances.get(msg.server)) is None:
                await self._give_up(msg)
                return
            await self.notify("live_migration.start", instance)
            try:
                prepare = PreLiveMigration(
                    server=msg.server, block_migration=msg.block_migration, migration=msg.migration
                )
                await self._ask_destination(prepare, msg.destination, context)
                set_migration(self, msg.migration, status="running")
                move = MigrateGuest(server=msg.server, destination=msg.destination, block_migration=msg.block_migration)
                with anyio.fail_after(self._limit(instance)):
                    await self.driver(move, context)
            except (CloudError, BusError, TimeoutError) as error:
                failure = (
                    error if not isinstance(error, TimeoutError) else MigrationError("Live migration took too long")
                )
                await self._rollback(instance, msg, failure, context)
                return
            await self._post_live_migration(instance, msg, context)

    def _limit(self, instance: Instance) -> float:
        """Seconds after which libvirt gives up: so many for each GB of memory and disk; 0 for never."""
        flavor = instance.flavor
        size = max(1, (flavor.ram + 1023) // 1024 + flavor.disk + flavor.ephemeral)
        return size * self.config.live_migration_completion_timeout or float("inf")

    async def _post_live_migration(self, instance: Instance, msg: LiveMigration, context: RequestContext) -> None:
        """The server has gone: give up what it had here, and let the new host take over."""
        await self.notify("live_migration.post.start", instance)
        migration = self.store.migrations[msg.migration]
        await volumes.delete_attachments(self, context, dict(migration.old_attachments).values())
        for vif in instance.info_cache:
            try:
                await self.calls.as_nova(ActivatePortBinding(port_id=vif.port_id, host=msg.destination))
            except (CloudError, BusError) as error:
                self.log.warning("port binding not activated", port=vif.port_id, error=repr(error))
        await self.unplug(instance.info_cache)
        await self._hand_over(instance, msg, context)
        await self.tell_schedulers(msg.server, context, gone=True)
        await self.delete_allocation(msg.migration)
        set_migration(self, msg.migration, status="completed")
        await self.notify("live_migration.post.end", self.store.instances.get(msg.server, instance))

    async def _hand_over(self, instance: Instance, msg: LiveMigration, context: RequestContext) -> None:
        """Let the new host take over. The guest is there, whatever its nova-compute says; unless the server is deleted, it is no more here.

        Nova moves a server that is being deleted, too, if the new host refuses to; then its guest outlives it, until the new host reaps it.
        """
        take_over = PostLiveMigrationAtDestination(server=msg.server, migration=msg.migration)
        try:
            await self._ask_destination(take_over, msg.destination, context)
        except (CloudError, BusError) as error:
            self.log.warning("the new host did not take over", server=msg.server, error=repr(error))
            if is_ending(self.store.instances.get(msg.server)):
                undo = RollbackLiveMigrationAtDestination(server=msg.server, vifs=instance.info_cache)
                await self.bus.tell(undo, to=compute(msg.destination), context=context)
                return
            await self.save(msg.server, host=msg.destination, node=msg.destination, task_state=None)
        self.drop(instance)

    async def _ask_destination(self, call: ComputeCall[None], destination: str, context: RequestContext) -> None:
        timeout = self.config.long_rpc_timeout
        await self.bus.ask(call, to=compute(destination), timeout=timeout, monitor=MONITOR, context=context)

    async def _rollback(
        self, instance: Instance, msg: LiveMigration, error: Exception, context: RequestContext
    ) -> None:
        """The server stays: give up what the new host has prepared (`_rollback_live_migration`)."""
        self.log.warning("live migration failed", server=msg.server, error=repr(error))
        await self.notify("live_migration.rollback.start", instance)
        migration = self.store.migrations[msg.migration]
        await self._restore_attachments(instance, migration, context)
        for vif in instance.info_cache:
            try:
                await self.calls.as_nova(DeletePortBinding(port_id=vif.port_id, host=msg.destination))
            except (CloudError, BusError) as failure:
                self.log.warning("port binding not deleted", port=vif.port_id, error=repr(failure))
        undo = RollbackLiveMigrationAtDestination(server=msg.server, vifs=instance.info_cache)
        await self.bus.tell(undo, to=compute(msg.destination), context=context)
        if msg.server not in self.store.instances:
            await self._give_up(msg)
            return
        try:
            await revert_allocation(self, instance, migration)
        except (CloudError, BusError) as failure:
            self.log.warning("allocation not reverted", server=msg.server, error=repr(failure))
        self.record_fault(msg.server, error)
        self.store.fail_action(msg.server, context.request_id)
        set_migration(self, msg.migration, status="error")
        row = self.store.instances.get(msg.server)
        if row is not None and row.task_state is TaskState.MIGRATING:
            await self.save(msg.server, task_state=None)
        await self.notify("live_migration.rollback.end", self.store.instances.get(msg.server, instance))

    async def _restore_attachments(self, instance: Instance, migration: Migration, context: RequestContext) -> None:
        """Delete the attachments of the new host; those of the old one count again."""
        old = dict(migration.old_attachments)
        for disk in self.disks(instance.uuid):
            if disk.volume_id is not None and disk.volume_id in old:
                restored = attrs.evolve(disk, attachment_id=old[disk.volume_id])
                self.store.save_block_device(instance.uuid, disk, restored)
        await volumes.delete_attachments(self, context, migration.new_attachments)

    async def _give_up(self, msg: LiveMigration) -> None:
        """The server was deleted on its way: nobody needs what it and its migration hold."""
        set_migration(self, msg.migration, status="error")
        await self.delete_allocation(msg.migration)
        await self.delete_allocation(msg.server)

    # -- on the new host -------------------------------------------------------------------------------------------------

    @PreLiveMigration.handler
    async def pre_live_migration(self, msg: PreLiveMigration) -> None:
        """Connect the volumes, fetch the image, plug the ports, hold the memory."""
        async with self.alive():
            await self._pre_live_migration(self.store.instance(msg.server), msg, request_context())

    async def _pre_live_migration(self, instance: Instance, msg: PreLiveMigration, context: RequestContext) -> None:
        await self.notify("live_migration.pre.start", instance)
        for disk in self.disks(msg.server):
            if disk.volume_id is None or disk.attachment_id is None:
                continue
            where = attrs.evolve(connector(self.host), mountpoint=disk.device_name)
            request = CreateAttachment(volume_id=disk.volume_id, instance=msg.server, connector=where)
            attachment = await self.calls.as_user(request, context)
            old = (*self.store.migrations[msg.migration].old_attachments, (disk.volume_id, disk.attachment_id))
            new = (*self.store.migrations[msg.migration].new_attachments, attachment.id)
            set_migration(self, msg.migration, old_attachments=old, new_attachments=new)
            moved = attrs.evolve(disk, attachment_id=attachment.id)
            if not self.store.save_block_device(msg.server, disk, moved):
                raise MigrationError(f"Volume {disk.volume_id} is detached from instance {msg.server} meanwhile")
            await self.calls.as_user(CompleteAttachment(attachment_id=attachment.id), context)
        if instance.image_ref is not None:
            await self.fetch_image(instance.image_ref, context)
        await self.plug(instance.info_cache)
        try:
            definition = define(instance, self.disks(msg.server), instance.info_cache)
            await self.driver(PrepareMigration(definition=definition), context)
        except (HostFull, MigrationFailed) as error:
            raise MigrationError(f"{self.host} cannot have the guest: {error}") from error
        await self.notify("live_migration.pre.end", instance)

    @PostLiveMigrationAtDestination.handler
    async def post_live_migration_at_destination(self, msg: PostLiveMigrationAtDestination) -> None:
        """The guest runs here: its server is this host's."""
        context = request_context()
        async with self.alive():
            instance = self.store.instance(msg.server)
            await self.notify("live_migration.post.dest.start", instance)
            migration = self.store.migrations[msg.migration]
            for vif in instance.info_cache:
                try:
                    await self.calls.as_nova(DeletePortBinding(port_id=vif.port_id, host=migration.source_compute))
                except (CloudError, BusError) as error:
                    self.log.warning("port binding not deleted", port=vif.port_id, error=repr(error))
            power = await self.power_state(msg.server, context)
            instance = await self.save(
                msg.server, expected_task_state=(TaskState.MIGRATING,), host=self.host, node=self.host, task_state=None,
                power_state=power,
            )  # fmt: skip
            self.take_in(instance)
            await networks.look(self, instance)
            await self.tell_schedulers(msg.server, context)
            await self.notify("live_migration.post.dest.end", self.store.instances.get(msg.server, instance))

    @RollbackLiveMigrationAtDestination.handler
    async def rollback_live_migration_at_destination(self, msg: RollbackLiveMigrationAtDestination) -> None:
        """Begin, and return."""
        self.work(self._rollback_at_destination, msg, request_context())

    async def _rollback_at_destination(self, msg: RollbackLiveMigrationAtDestination, context: RequestContext) -> None:
        instance = self.store.instances.get(msg.server)
        if instance is not None:
            await self.notify("live_migration.rollback.dest.start", instance)
        await self.driver(DestroyGuest(server=msg.server), context)
        await self.unplug(msg.vifs)
        if instance is not None:
            await self.notify("live_migration.rollback.dest.end", instance)
