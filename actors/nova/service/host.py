"""What the parts of nova-compute have in common: its hypervisor, its locks, and what it counts of its host.

All of it is memory: after a crash the hypervisor, the databases and Placement are asked again.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, ClassVar, TypeVar

import anyio

from actors.context import RequestContext
from actors.errors import CloudError
from actors.hypervisor.messages import HypervisorCall, ShowGuest
from actors.hypervisor.models import PowerState
from actors.ids import ServerId
from actors.locks import Locks
from actors.nova.errors import GroupAffinityViolation, InstanceNotFound, UnexpectedDeletingTaskState
from actors.nova.models import UNDER_WAY, BlockDevice, ComputeNode, Instance, Migration
from actors.nova.rpc import COMPUTE, SCHEDULER, DeleteInstanceInfo, UpdateInstanceInfo
from actors.nova.service.base import NovaService
from actors.nova.service.events import InstanceEvents
from actors.nova.states import TaskState, VmState
from actors.rows import evolved
from bus.errors import BusError
from bus.topic import Target

R = TypeVar("R")

SILENCE = 30.0
"""Seconds without a sign of life of the hypervisor after which its host counts as crashed."""

BUSY_STATES = frozenset(state for state in TaskState if state not in (TaskState.DELETING, TaskState.SOFT_DELETING))
"""Task states that count as input and output of a host, for the scheduler's `io_ops` weigher."""


class ComputeHost(NovaService):
    """Base of the parts of `actors.nova.service.compute.NovaCompute`, which starts their memory."""

    topic: ClassVar[str] = COMPUTE
    binary: ClassVar[str] = COMPUTE

    locks: Locks
    events: InstanceEvents
    builds: anyio.Semaphore
    snapshots: anyio.Semaphore
    migrations: anyio.Semaphore
    failed_builds: int
    """Builds that failed since the last that succeeded; told to the scheduler with the next audit."""
    trait_disabled: bool | None
    """Whether Placement was told that the service is disabled; None if it is not known what it was told."""

    # -- the hypervisor --------------------------------------------------------------------------------------------------

    async def driver(self, call: HypervisorCall[R], context: RequestContext, *, host: str | None = None) -> R:
        """Have the hypervisor of this host do something.

        Raises:
            CloudError: what it refuses.
            BusError: if it is not there, or shows no sign of life.
        """
        return await self.bus.ask(
            call, to=Target("hypervisor", server=host or self.host), monitor=SILENCE, context=context
        )

    # -- tasks -----------------------------------------------------------------------------------------------------------

    def work(self, task: Any, *args: Any) -> None:
        """Go on beside the handler, which returns at once: what goes wrong shows in the database alone."""
        self.start_soon(self._work, task, args)

    async def _work(self, task: Any, args: tuple[Any, ...]) -> None:
        try:
            await task(*args)
        except (CloudError, BusError) as error:
            self.log.warning("task failed", task=task.__name__, error=repr(error))

    @asynccontextmanager
    async def reverting(self, uuid: ServerId, context: RequestContext) -> AsyncGenerator[None]:
        """Around a task of a server: what goes wrong becomes its fault, and its task state None.

        But for a server that somebody deletes, or does something else to, meanwhile (nova's `reverts_task_state`).
        """
        try:
            yield
        except (InstanceNotFound, UnexpectedDeletingTaskState) as error:
            self.log.info("the server is deleted meanwhile", server=uuid, error=str(error))
        except (CloudError, BusError) as error:
            self.log.warning("task failed", server=uuid, error=repr(error))
            self.record_fault(uuid, error)
            self.store.fail_action(uuid, context.request_id)
            row = self.store.instances.get(uuid)
            if row is not None and row.task_state is not TaskState.DELETING:
                await self.save(uuid, task_state=None)

    @property
    def instances(self) -> list[Instance]:
        """The servers of this host, by the database."""
        return self.store.on_host(self.host)

    def disks(self, uuid: ServerId) -> tuple[BlockDevice, ...]:
        """The disks of a server."""
        return self.store.block_devices.get(uuid, ())

    # -- what is counted -------------------------------------------------------------------------------------------------

    @property
    def node(self) -> ComputeNode:
        """The compute node's row."""
        return self.store.compute_nodes[self.host]

    async def claim(self, instance: Instance) -> Instance:
        """Take a server in: from now on it is this host's (`resource_tracker.py: instance_claim`).

        How much room there is was Placement's to say.
        """
        claimed = await self.save(instance.uuid, host=self.host, node=self.host, launched_on=self.host)
        self._use(claimed, +1, io_ops=1)
        return claimed

    async def abort_claim(self, uuid: ServerId) -> None:
        """Let a server go that could not be built."""
        row = self.store.instances.get(uuid)
        if row is not None and row.host == self.host:
            await self.save(uuid, host=None, node=None)
            self._use(row, -1, io_ops=-1)

    def take_in(self, instance: Instance) -> None:
        """Count a server that has come from elsewhere."""
        self._use(instance, +1)

    def drop(self, instance: Instance) -> None:
        """Stop counting a server that ends."""
        self._use(instance, -1)

    def count_again(self) -> None:
        """Count all servers of this host anew (`update_available_resource`)."""
        rows, local = self.instances, self.config
        flavors = [row.flavor for row in rows]
        node = evolved(
            self.node,
            vcpus_used=sum(flavor.vcpus for flavor in flavors),
            memory_mb_used=local.reserved_host_memory_mb + sum(flavor.ram for flavor in flavors),
            local_gb_used=local.reserved_host_disk_mb // 1024 + sum(f.disk + f.ephemeral for f in flavors),
            running_vms=len(rows),
            io_ops=sum(row.task_state in BUSY_STATES or row.vm_state is VmState.BUILDING for row in rows),
            failed_builds=self.failed_builds,
        )
        if node != self.node:
            self.store.save_node(node)

    def _use(self, instance: Instance, sign: int, *, io_ops: int = 0) -> None:
        node, flavor = self.node, instance.flavor
        self.store.save_node(
            evolved(
                node,
                vcpus_used=node.vcpus_used + sign * flavor.vcpus,
                memory_mb_used=node.memory_mb_used + sign * flavor.ram,
                local_gb_used=node.local_gb_used + sign * (flavor.disk + flavor.ephemeral),
                running_vms=node.running_vms + sign,
                io_ops=max(0, node.io_ops + io_ops),
            )
        )

    def check_group(self, instance: Instance) -> None:
        """Look at a server's group once more, now that others may have come here, or be on their way (`_validate_instance_group_policy`).

        Raises:
            GroupAffinityViolation: if they have, and the group does not allow it.
        """
        group = self.store.group_of(instance.uuid)
        if group is None:
            return
        others = {member for member in group.members if member != instance.uuid}
        here = {row.uuid for row in self.instances}
        here |= {row.instance_uuid for row in self.store.migrations.values() if self._comes_or_goes(row)}
        hosts = {row.host for row in map(self.store.instances.get, others) if row is not None and row.host is not None}
        if group.policy == "anti-affinity" and len(here & others) >= group.max_server_per_host:
            raise GroupAffinityViolation("Anti-affinity server group policy was violated")
        if group.policy == "affinity" and hosts and self.host not in hosts:
            raise GroupAffinityViolation("Affinity server group policy was violated")

    def _comes_or_goes(self, migration: Migration) -> bool:
        return migration.status in UNDER_WAY and self.host in (migration.source_compute, migration.dest_compute)

    # -- telling ---------------------------------------------------------------------------------------------------------

    async def tell_schedulers(self, uuid: ServerId, context: RequestContext, *, gone: bool = False) -> None:
        """Tell every scheduler that this host has a server, or has it no more."""
        if self.config.track_instance_changes:
            kind = DeleteInstanceInfo if gone else UpdateInstanceInfo
            message = kind(host=self.host, server=uuid)
            await self.bus.tell(message, to=Target(SCHEDULER, fanout=True), context=context.elevated())

    async def to_error(self, uuid: ServerId, error: Exception, **changes: Any) -> None:
        """Put a server into error, if it still is there (`_set_instance_obj_error_state`)."""
        self.record_fault(uuid, error)
        if uuid in self.store.instances:
            await self.save(uuid, vm_state=VmState.ERROR, **changes)

    async def power_state(self, uuid: ServerId, context: RequestContext) -> PowerState:
        """What the hypervisor says of a server's guest; NOSTATE if it does not know it, or does not answer."""
        try:
            return (await self.driver(ShowGuest(server=uuid), context)).power_state
        except (CloudError, BusError):
            return PowerState.NOSTATE
