"""Live migration, as a conductor orders it (nova's `conductor/tasks/live_migrate.py`).

While a server is on its way its allocation on the old host is kept under the migration's uuid, and the server itself holds the one on
the new host; so neither host gives the room to anybody else.
"""

import attrs

from actors.context import RequestContext
from actors.errors import CloudError
from actors.neutron.messages import CreatePortBinding
from actors.nova.errors import InstanceNotFound, MigrationPreCheckError, NoValidHost
from actors.nova.models import Instance, Migration, RequestSpec, Selection
from actors.nova.notifications import ComputeTaskNotification
from actors.nova.rpc import (
    MONITOR,
    CheckCanLiveMigrateDestination,
    LiveMigrateInstance,
    LiveMigration,
    SelectDestinations,
    compute,
)
from actors.nova.service.base import NovaService
from actors.nova.service.claims import claim_resources
from actors.nova.service.moves import move_allocation, revert_allocation, set_migration
from actors.service import request_context
from bus.errors import BusError


class MigrationTasks(NovaService):
    """Part of the conductor."""

    @LiveMigrateInstance.handler
    async def live_migrate_instance(self, msg: LiveMigrateInstance) -> None:
        """Find a host that can have the server, and have the old one send it there."""
        context = request_context()
        migration = self.store.migrations[msg.migration]
        try:
            instance = self.store.instance(msg.server)
            await self._migrate(instance, migration, msg, context)
        except InstanceNotFound:
            set_migration(self, migration.uuid, status="error")
        except (CloudError, BusError) as error:
            set_migration(self, migration.uuid, status="error")
            await self._failed(msg, error, context)

    async def _migrate(
        self, instance: Instance, migration: Migration, msg: LiveMigrateInstance, context: RequestContext
    ) -> None:
        spec = self.store.request_specs[instance.uuid]
        await move_allocation(self, instance, to=migration)
        try:
            host, block = await self._destination(instance, spec, msg, context)
            for vif in instance.info_cache:
                await self.calls.as_nova(CreatePortBinding(port_id=vif.port_id, host=host))
        except (CloudError, BusError):
            await revert_allocation(self, instance, migration)
            raise
        move = LiveMigration(server=instance.uuid, destination=host, block_migration=block, migration=migration.uuid)
        await self.bus.tell(move, to=compute(migration.source_compute), context=context)

    async def _destination(
        self, instance: Instance, spec: RequestSpec, msg: LiveMigrateInstance, context: RequestContext
    ) -> tuple[str, bool]:
        """Claim a host that says it can have the server; and whether the server's disk must be copied.

        Raises:
            NoValidHost: if there is none, or the one that was asked for has no room.
            MigrationPreCheckError: if the one that was asked for cannot have it.
        """
        assert instance.host is not None
        if msg.host is not None:
            return msg.host, await self._check_asked(instance, spec, msg.host, msg, context)
        tried = [instance.host]
        while True:
            wanted = attrs.evolve(spec, requested_host=None, ignore_hosts=tuple(tried))
            select = SelectDestinations(spec=wanted, servers=(instance.uuid,), return_alternates=False)
            ((selection,),) = await self.bus.ask(
                select, timeout=self.config.long_rpc_timeout, monitor=MONITOR, context=context
            )
            try:
                return selection.host, await self._check(instance, selection.host, msg, context)
            except MigrationPreCheckError as error:
                self.log.info("the host cannot have the server", host=selection.host, error=str(error))
                await self.delete_allocation(instance.uuid)
                tried.append(selection.host)

    async def _check_asked(
        self, instance: Instance, spec: RequestSpec, host: str, msg: LiveMigrateInstance, context: RequestContext
    ) -> bool:
        """Claim the host that was asked for."""
        if host == instance.host:
            raise MigrationPreCheckError(f"Unable to migrate instance ({instance.uuid}) to current host ({host}).")
        service = self.store.computes.get(host)
        if service is None or not service.is_up(self.now, self.config.service_down_time):
            raise MigrationPreCheckError(f"Compute service of {host} is unavailable at this time.")
        selection = Selection(host=host, provider=self.store.compute_nodes[host].uuid, resources=spec.resources)
        if not await claim_resources(self, instance.uuid, spec, selection):
            raise NoValidHost(
                f"No valid host was found. Unable to move instance {instance.uuid} to host {host}. There is not enough capacity on the host for the instance."
            )
        return await self._check(instance, host, msg, context)

    async def _check(self, instance: Instance, host: str, msg: LiveMigrateInstance, context: RequestContext) -> bool:
        assert instance.host is not None
        set_migration(self, msg.migration, dest_compute=host)  # so that whoever is built there meanwhile sees it come
        check = CheckCanLiveMigrateDestination(
            server=instance.uuid, source=instance.host, block_migration=msg.block_migration
        )
        return await self.bus.ask(
            check, to=compute(host), timeout=self.config.long_rpc_timeout, monitor=MONITOR, context=context
        )

    async def _failed(self, msg: LiveMigrateInstance, error: Exception, context: RequestContext) -> None:
        """The server stays where and what it is."""
        self.log.warning("not migrated", server=msg.server, error=repr(error))
        self.record_fault(msg.server, error)
        self.store.fail_action(msg.server, context.request_id)
        if msg.server not in self.store.instances:
            return
        instance = await self.save(msg.server, task_state=None)
        event = ComputeTaskNotification(
            event_type="compute_task.migrate_server.error", publisher_id=self.publisher_id, server=msg.server,
            state=instance.vm_state, reason=str(error),
        )  # fmt: skip
        await self.bus.publish(event, subject=event.event_type)
