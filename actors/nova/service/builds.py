"""Building a server on its host (nova's `compute/manager.py: _do_build_and_run_instance` and what it calls).

What becomes of a build that fails depends on what failed, and how far it had come::

    what                                              becomes                what is left
    the server is gone, or somebody else's            nothing                its owner sees to it
    the server is deleted meanwhile                   nothing                the delete sees to it
    no room, the group, and whatever is not below     RescheduledException   another host is tried
    the network or the disks                          BuildAbortException    the server is in error
    cleaning up what had been spawned                 BuildAbortException    the server is in error
"""

from typing import Final

import anyio
import attrs

from actors.context import RequestContext
from actors.errors import CloudError
from actors.hypervisor.models import PowerState
from actors.ids import ConsumerId, ServerId
from actors.nova.errors import (
    BuildAbortException,
    BuildFailure,
    GroupAffinityViolation,
    ImageNotUsable,
    InstanceNotFound,
    InvalidBDM,
    InvalidInput,
    NoMoreFixedIps,
    OverQuota,
    RescheduledByPolicy,
    RescheduledException,
    UnexpectedDeletingTaskState,
    UnexpectedTaskState,
    VirtualInterfaceCreateException,
)
from actors.nova.models import Instance, RequestSpec, Vif
from actors.nova.rpc import BuildAndRunInstance, BuildInstances
from actors.nova.service import networks, volumes
from actors.nova.service.deletion import Deletion
from actors.nova.service.network_task import NetworkTask
from actors.nova.states import TaskState, VmState
from actors.nova.store import ANY
from actors.placement.messages import ListAllocations
from actors.service import request_context
from bus.errors import BusError

DISAPPEARED: Final = (InstanceNotFound, UnexpectedDeletingTaskState)
"""The server is being deleted: somebody else decides what becomes of it."""
NOT_DELETING: Final = tuple(state for state in ANY if state is not TaskState.DELETING)

ABORTING: Final[dict[type[Exception], str]] = {
    BuildAbortException: "{error}",
    NoMoreFixedIps: "Failed to allocate the network(s) with error {error}, not rescheduling.",
    VirtualInterfaceCreateException: "Failed to allocate the network(s), not rescheduling.",
    ImageNotUsable: "{error}",
    InvalidInput: "{error}",
}
"""What no other host would do better, and what is said of it (`_build_and_run_instance`)."""


class Builds(Deletion):
    """Builds servers."""

    @BuildAndRunInstance.handler
    async def build_and_run_instance(self, msg: BuildAndRunInstance) -> None:
        """Begin, and return."""
        self.work(self._locked_build, msg, request_context())

    async def _locked_build(self, msg: BuildAndRunInstance, context: RequestContext) -> None:
        async with self.locks.hold(msg.server), self.builds:
            succeeded = await self._do_build(msg, context)
        if succeeded is not None:
            self.failed_builds = 0 if succeeded else self.failed_builds + 1

    async def _do_build(self, msg: BuildAndRunInstance, context: RequestContext) -> bool | None:
        """Build, and see to what fails. Whether it worked; None if the host is not to blame."""
        ours = (TaskState.SCHEDULING, None)
        try:
            instance = await self.save(msg.server, expected_task_state=ours, vm_state=VmState.BUILDING, task_state=None)
        except (InstanceNotFound, UnexpectedTaskState) as error:
            self.log.info("not built", server=msg.server, error=str(error))
            await self.delete_allocation(msg.server)
            return False
        try:
            await self._build(instance, msg, context)
        except RescheduledException as error:
            return await self._reschedule(instance, msg, error, context)
        except DISAPPEARED as error:
            self.log.info("the server is deleted meanwhile", server=msg.server, error=str(error))
            await self._clean_up_networks(instance, msg.spec, context)
            await self.delete_allocation(msg.server)
            return False
        except BuildAbortException as error:
            await self._clean_up_networks(instance, msg.spec, context)
            await self._clean_up_volumes(msg.server, context)
            await self._failed(msg, BuildAbortException(f"Build of instance {msg.server} aborted: {error}"), context)
            return False
        return True

    async def _build(self, instance: Instance, msg: BuildAndRunInstance, context: RequestContext) -> None:
        """Build, and say what else there is to be done if that fails.

        Raises:
            RescheduledException: if another host may do.
            BuildAbortException: if none will.
            InstanceNotFound, UnexpectedDeletingTaskState: if the server is deleted meanwhile.
        """
        await self.notify("create.start", instance)
        try:
            await self._build_claimed(instance, msg, context)
        except (CloudError, BusError) as error:
            await self.abort_claim(msg.server)
            await self.notify("create.error", self.store.instances.get(msg.server, instance), error)
            if isinstance(error, DISAPPEARED):
                raise
            for kind, text in ABORTING.items():
                if isinstance(error, kind):
                    raise BuildAbortException(text.format(error=error)) from error
            kind = RescheduledByPolicy if isinstance(error, GroupAffinityViolation) else RescheduledException
            raise kind(str(error)) from error
        try:
            instance = await self.save(
                msg.server, expected_task_state=(TaskState.SPAWNING,), vm_state=VmState.ACTIVE, task_state=None,
                power_state=PowerState.RUNNING, launched_at=self.now, progress=0,
            )  # fmt: skip
        except DISAPPEARED as error:
            await self.notify("create.error", self.store.instances.get(msg.server, instance), error)
            raise
        except UnexpectedTaskState as error:
            raise BuildAbortException(str(error)) from error
        await self.tell_schedulers(msg.server, context)
        await self.notify("create.end", instance)

    async def _build_claimed(self, instance: Instance, msg: BuildAndRunInstance, context: RequestContext) -> None:
        """Claim, allocate, spawn."""
        await self.calls.as_nova(ListAllocations(consumer_uuid=ConsumerId(msg.server)))
        instance = await self.claim(instance)
        self.check_group(instance)
        ports = await self._networks(instance, msg, context)
        await self._block_devices(instance, ports, context)
        try:
            await self.save(
                msg.server, expected_task_state=(TaskState.BLOCK_DEVICE_MAPPING,), task_state=TaskState.SPAWNING,
                network_allocated=ports.allocated,
            )  # fmt: skip
            await self.spawn(self.store.instance(msg.server), ports.wait, context)
        except (CloudError, BusError) as error:
            await self._undo_spawn(instance, msg.spec, ports, error, context)
            raise

    # -- networks and disks ----------------------------------------------------------------------------------------------

    async def _networks(self, instance: Instance, msg: BuildAndRunInstance, context: RequestContext) -> NetworkTask:
        """Begin to allocate the ports; those of an earlier attempt are bound to this host instead.

        Raises:
            BuildAbortException: if that fails at once.
        """
        task = NetworkTask(allocated=instance.network_allocated)
        try:
            if instance.network_allocated:
                task.finish(await networks.bind_again(self, instance, self.host))
                return task
            await self.save(instance.uuid, expected_task_state=(None,), task_state=TaskState.NETWORKING)
        except DISAPPEARED:
            raise
        except UnexpectedTaskState as error:
            raise BuildAbortException(str(error)) from error
        except (CloudError, BusError) as error:
            raise BuildAbortException("Failed to allocate the network(s), not rescheduling.") from error
        self.start_soon(task.run, lambda: self._allocate(instance, msg.spec, context))
        return task

    async def _allocate(self, instance: Instance, spec: RequestSpec, context: RequestContext) -> tuple[Vif, ...]:
        """Allocate the ports, as often as is configured (`_allocate_network_async`)."""
        pause = 1.0
        for _ in range(self.config.network_allocate_retries):
            try:
                return await networks.allocate(self, context, instance, spec, self.host)
            except (CloudError, BusError) as error:
                self.log.warning("ports not allocated, trying again", server=instance.uuid, error=repr(error))
            await anyio.sleep(pause)
            pause = min(2 * pause, 30.0)
        return await networks.allocate(self, context, instance, spec, self.host)

    async def _block_devices(self, instance: Instance, ports: NetworkTask, context: RequestContext) -> None:
        """Make and connect the volumes, while the ports are allocated.

        Raises:
            BuildAbortException: if one cannot be had.
            InstanceNotFound: if the server is gone.
        """
        try:
            await self.save(instance.uuid, task_state=TaskState.BLOCK_DEVICE_MAPPING)
            for disk in volumes.named(self, instance.uuid):
                if disk.is_volume:
                    await volumes.connect(self, context, instance, disk, self.host)
        except DISAPPEARED:
            await ports.settled()
            raise
        except (CloudError, BusError) as error:
            await ports.settled()
            text = str(error) if isinstance(error, (InvalidBDM, OverQuota)) else "Failure prepping block device."
            raise BuildAbortException(text) from error

    async def _undo_spawn(
        self, instance: Instance, spec: RequestSpec, ports: NetworkTask, error: Exception, context: RequestContext
    ) -> None:
        """Take down what was spawned (`_build_resources`).

        Raises:
            BuildAbortException: if that fails too: another host would meet what is left.
        """
        vifs = await ports.settled()
        row = self.store.instances.get(instance.uuid, instance)
        try:
            await self.shutdown(row, context, spec=spec, networks_too=not vifs)
        except (CloudError, BusError) as failure:
            self.log.warning("could not clean up", server=instance.uuid, error=repr(failure))
            raise BuildAbortException(str(error)) from failure

    # -- after a failure -------------------------------------------------------------------------------------------------

    async def _reschedule(
        self, instance: Instance, msg: BuildAndRunInstance, error: RescheduledException, context: RequestContext
    ) -> bool | None:
        """Have the server built elsewhere, or give it up if that is not allowed."""
        blame = None if isinstance(error, RescheduledByPolicy) else False
        await self._clean_up_networks(instance, msg.spec, context)
        if msg.retry is None:
            await self._failed(msg, error, context)
            return blame
        try:
            await self.save(
                msg.server, expected_task_state=NOT_DELETING, host=None, node=None, task_state=TaskState.SCHEDULING
            )
        except DISAPPEARED as gone:
            self.log.info("the server is deleted meanwhile", server=msg.server, error=str(gone))
            return blame
        await self.delete_allocation(msg.server)
        retry = attrs.evolve(msg.retry, exc_reason=str(error))
        again = BuildInstances(
            server=msg.server, spec=msg.spec, retry=retry, alternates=msg.alternates, admin_pass=msg.admin_pass
        )
        await self.bus.tell(again, context=context)
        return blame

    async def _clean_up_volumes(self, uuid: ServerId, context: RequestContext) -> None:
        """Give up the volumes of a server that cannot be built, and delete those that go with it (`_cleanup_volumes`).

        Disks that go with it go; the others stay, with the ids of attachments that are gone.
        """
        for disk in self.disks(uuid):
            given_up = await volumes.disconnect(self, context, (disk,))
            if disk.volume_id is not None and disk.delete_on_termination:
                if given_up:
                    self.store.remove_block_device(uuid, disk)
                await volumes.delete_volume(self, context, disk.volume_id)

    async def _failed(self, msg: BuildAndRunInstance, error: BuildFailure, context: RequestContext) -> None:
        """Leave the server in error."""
        await self.to_error(msg.server, error, host=None, node=None, task_state=None)
        self.store.fail_action(msg.server, context.request_id)
        await self.delete_allocation(msg.server)

    async def _clean_up_networks(self, instance: Instance, spec: RequestSpec, context: RequestContext) -> None:
        """Unplug and delete the ports; if that fails they stay, and the next host binds them to itself."""
        row = self.store.instances.get(instance.uuid, instance)
        await self.unplug(row.info_cache)
        try:
            await networks.deallocate(self, context, row, spec)
        except (CloudError, BusError) as error:
            self.log.warning("ports not deleted", server=instance.uuid, error=repr(error))
            return
        if instance.uuid in self.store.instances:
            await self.save(instance.uuid, network_allocated=False)
