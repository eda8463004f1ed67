"""`delete-over-migration`: a server is deleted on its way to another host, and what the migration holds is nobody's for ever.

A server may be deleted at any time: its host ends the guest, and does not look whether it is about to leave. Meanwhile the new host
prepares, and each volume has two attachments; Placement has two allocations, that of the server, on the new host, and that of the migration, on
the old one. The deletion gives up what it knows of, one of each. When all is prepared the old host asks its hypervisor for the guest, and
there is none: that error is not among those that undo a live migration, which ends with what it holds. If the guest goes while it is copied,
it is taken for one that has arrived: the old host's attachments are given up, but as the new host finds no server to take over, the allocation
is not. A volume is in use by a server that is no more, and can neither be attached nor deleted; a host is smaller by one server, until an
operator audits Placement.

Found by these invariants, not reported. In nova 34.0.0 `_live_migration` (`virt/libvirt/driver.py`) fetches the guest outside of what its monitor
handles, and `_do_live_migration` (`compute/manager.py`) only sets states then; `find_job_type` (`virt/libvirt/migration.py`) takes a guest that is
missing for one that has moved, and after a failure of `post_live_migration_at_destination` nobody comes to `_delete_allocation_after_move`;
`_shutdown_instance` deletes the attachments of the disks as nova-api has read them with the request. The counterpart rolls back, as after any
other failure, and the deletion gives up the attachments of both hosts.
"""

import anyio
import attrs

from actors.context import RequestContext
from actors.glance.messages import DownloadImage
from actors.hypervisor.errors import GuestNotFound, MigrationFailed
from actors.nova.messages.servers import AttachVolume, DeleteServer, LiveMigrateServer
from actors.nova.models import Instance, RequestSpec
from actors.nova.rpc import LiveMigration
from actors.nova.service import volumes
from actors.nova.service.compute import NovaCompute
from actors.nova.service.moves import set_migration
from actors.races.base import Race, Stage
from actors.races.boots import QUICK, active_server, make_volume, open_small

LONG_WAY = attrs.evolve(QUICK, migration_seconds_per_gb=60.0)
"""Hypervisors between which a guest is copied for a minute and a half."""


class AbruptCompute(NovaCompute):
    """Deletes a server as if it stayed, and does not undo a migration whose guest has gone."""

    async def shutdown(
        self, instance: Instance, context: RequestContext, *, spec: RequestSpec | None = None, networks_too: bool = True
    ) -> None:
        disks = self.disks(instance.uuid)
        await self.notify("shutdown.start", instance)
        await self.destroy(instance, context.elevated())
        if networks_too:
            await self._deallocate(instance, context.elevated(), spec)
        await volumes.disconnect(self, context.elevated(), disks)
        await self.notify("shutdown.end", instance)

    async def _rollback(
        self, instance: Instance, msg: LiveMigration, error: Exception, context: RequestContext
    ) -> None:
        if isinstance(error, MigrationFailed):
            old = self.store.migrations[msg.migration].old_attachments
            await volumes.delete_attachments(self, context, dict(old).values())
        elif not isinstance(error, GuestNotFound):
            await super()._rollback(instance, msg, error, context)
            return
        set_migration(self, msg.migration, status="error")


async def scenario(stage: Stage) -> None:
    """A server with a volume is sent to a host that has to fetch its image first, and deleted some seconds later."""
    cloud = await open_small(stage, hosts=2, backends=("lvm",), hypervisor=LONG_WAY)
    demo, admin = cloud.session("demo"), cloud.session("admin")
    one, volume = await active_server(demo), await make_volume(demo)
    await demo.ask(AttachVolume(server_id=one, volume_id=volume))
    await anyio.sleep(5)

    async def delete() -> None:
        await anyio.sleep(stage.choose("seconds later", (300.0, 270.0, 240.0, 210.0, 60.0, 3.0, 1.0, 0.0)))
        await demo.ask(DeleteServer(server_id=one))

    with stage.world.faults.delay(stage.seconds("fetch", 4.0), message=DownloadImage):
        await stage.together(lambda: admin.ask(LiveMigrateServer(server_id=one)), delete)
        await stage.rest()


RACE = Race(
    name="delete-over-migration", invariants=("S17", "L3"), min_operations=2, variant={NovaCompute: AbruptCompute},
    scenario=scenario, today=True,
)  # fmt: skip
program, counterpart = RACE.programs()
