"""nova-compute: the servers of one host.

It can crash alone, while the guests run on, or with its host. What it was building then is lost: servers that it had claimed go to
error when it comes back, and those it had not keep waiting. What it was deleting, it deletes.
"""

from random import Random
from typing import Final

import anyio
import attrs

from actors.context import RequestContext
from actors.errors import CloudError
from actors.hypervisor.messages import ResetImageLocks, ShowHost
from actors.ids import Ids, ProviderId
from actors.locks import Locks
from actors.nova.config import NovaConfig
from actors.nova.errors import BuildAbortException, InstanceNotFound
from actors.nova.external_events import ExternalEvent
from actors.nova.models import UNDER_WAY, ComputeNode, ComputeService, Instance
from actors.nova.neighbours import Caller
from actors.nova.rpc import ExternalInstanceEvent
from actors.nova.service import networks
from actors.nova.service.base import INTERNAL
from actors.nova.service.builds import Builds
from actors.nova.service.events import InstanceEvents
from actors.nova.service.host_volumes import HostVolumes
from actors.nova.service.live_migration import Migrations
from actors.nova.service.moves import set_migration
from actors.nova.service.periodic import Periodic
from actors.nova.service.snapshots import Snapshots
from actors.nova.states import TaskState, VmState
from actors.nova.store import NovaStore
from actors.service import request_context
from bus.errors import BusError

UNLIMITED: Final = 1 << 30
"""Concurrent tasks of a kind whose option is 0."""

RETRY_AFTER: Final = 5.0
"""Seconds until a host that could not reach its hypervisor or Placement tries again."""


class NovaCompute(Builds, HostVolumes, Snapshots, Migrations, Periodic):
    """The nova-compute of the host that it is the server of. For its arguments see `NovaService`."""

    def __init__(self, *, store: NovaStore, config: NovaConfig, ids: Ids, chance: Random, caller: Caller) -> None:
        super().__init__(store=store, config=config, ids=ids, chance=chance, caller=caller)
        self.locks = Locks()
        self.events = InstanceEvents()
        self.builds = anyio.Semaphore(config.max_concurrent_builds or UNLIMITED)
        self.snapshots = anyio.Semaphore(config.max_concurrent_snapshots or UNLIMITED)
        self.migrations = anyio.Semaphore(config.max_concurrent_live_migrations or UNLIMITED)
        self.failed_builds = 0
        self.trait_disabled: bool | None = None

    async def started(self) -> None:
        """Begin: see to its servers and its place in Placement, before it is asked anything (`init_host`)."""
        await super().started()
        await self._init_host()
        self.start_soon(self.report)
        self.start_soon(self.run_periodic_tasks)

    def new_service(self) -> ComputeService:
        """Its row, when it reports for the first time."""
        return attrs.evolve(super().new_service(), zone=self.config.default_availability_zone)

    async def _init_host(self) -> None:
        """Reach the hypervisor and Placement, and set right what an earlier life has left."""
        while True:
            try:
                await self.driver(ResetImageLocks(), INTERNAL)
                await self._know_host()
                await self.update_available_resource()
            except (CloudError, BusError) as error:
                self.log.warning("not ready yet", error=repr(error))
                await anyio.sleep(RETRY_AFTER)
            else:
                break
        for instance in self.instances:
            await self._init_instance(instance)

    async def _know_host(self) -> None:
        """Write down what the host has."""
        host = await self.driver(ShowHost(), INTERNAL)
        has, config = host.resources, self.config
        node = self.store.compute_nodes.get(self.host)
        if node is None:
            node = ComputeNode(
                uuid=ProviderId(self.ids.uuid()), host=self.host, vcpus=0, memory_mb=0, local_gb=0,
                cpu_allocation_ratio=config.initial_cpu_allocation_ratio,
                ram_allocation_ratio=config.initial_ram_allocation_ratio,
                disk_allocation_ratio=config.initial_disk_allocation_ratio,
            )  # fmt: skip
        node = attrs.evolve(
            node, vcpus=has.vcpus, memory_mb=has.memory_mb, local_gb=has.local_gb,
            hypervisor_version=host.hypervisor_version,
        )  # fmt: skip
        self.store.save_node(node)

    # -- after a crash ---------------------------------------------------------------------------------------------------

    async def _init_instance(self, instance: Instance) -> None:
        """See to a server in the middle of whose task an earlier life has ended (`_init_instance`)."""
        uuid, task = instance.uuid, instance.task_state
        if instance.vm_state is VmState.ERROR and task is not TaskState.DELETING:
            return
        try:
            if task is TaskState.DELETING:
                self.work(self._delete_again, instance)
            elif instance.vm_state is VmState.BUILDING:
                error = BuildAbortException("nova-compute ended while it built the server")
                await self.to_error(uuid, error, task_state=None)
            elif task is TaskState.POWERING_OFF:
                self.work(self.stop_server, uuid, INTERNAL)
            elif task is not None:
                for row in self.store.migrations.values():
                    if row.instance_uuid == uuid and row.source_compute == self.host and row.status in UNDER_WAY:
                        set_migration(self, row.uuid, status="error")
                await self.save(uuid, task_state=None)
            await self.plug(instance.info_cache)
        except (InstanceNotFound, BusError) as error:
            self.log.warning("could not see to the server", server=uuid, error=repr(error))

    async def _delete_again(self, instance: Instance) -> None:
        """Finish a delete, as an administrator without a token: with Nova's own account."""
        async with self.locks.hold(instance.uuid):
            try:
                await self.delete_instance(instance, INTERNAL)
            except InstanceNotFound:
                self.log.info("the server had gone", server=instance.uuid)
            except (CloudError, BusError) as error:
                await self.to_error(instance.uuid, error, task_state=None)

    # -- events from outside ---------------------------------------------------------------------------------------------

    @ExternalInstanceEvent.handler
    async def external_instance_event(self, msg: ExternalInstanceEvent) -> None:
        """Pass events to those who wait for them; look at the ports again if they have changed."""
        context = request_context()
        for event in msg.events:
            if self.events.happened(event.server_uuid, (event.name, event.tag), event.status):
                continue
            if event.name in ("network-changed", "network-vif-deleted"):
                self.work(self._look_again, event, context)
            else:
                self.log.debug("nobody waits for the event", what=event.name, server=event.server_uuid)

    async def _look_again(self, event: ExternalEvent, context: RequestContext) -> None:
        """The cache is brought up to date; a port that is gone is unplugged."""
        del context
        instance = self.store.instances.get(event.server_uuid)
        if instance is None:
            return
        if event.name == "network-vif-deleted":
            gone = tuple(vif for vif in instance.info_cache if vif.port_id == event.tag)
            networks.remember(self, instance, tuple(vif for vif in instance.info_cache if vif not in gone))
            await self.unplug(gone)
        else:
            await networks.look(self, instance)
