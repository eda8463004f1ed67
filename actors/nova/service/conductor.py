"""nova-conductor: finds a host for each new server, and another one if that fails.

It keeps nothing in memory: what it had in hand when it crashes is lost, and the servers stay as they are.
"""

from typing import ClassVar

import attrs

from actors.context import RequestContext
from actors.errors import CloudError
from actors.ids import ServerId
from actors.nova.errors import (
    InstanceNotFound,
    MaxRetriesExceeded,
    OverQuota,
)
from actors.nova.models import (
    CELL0,
    CELL1,
    BuildRequest,
    Instance,
    InstanceAction,
    Retry,
    Selection,
)
from actors.nova.notifications import ComputeTaskNotification
from actors.nova.quotas import over
from actors.nova.rpc import (
    CONDUCTOR,
    MONITOR,
    BuildAndRunInstance,
    BuildInstances,
    ScheduleAndBuildInstances,
    SelectDestinations,
    compute,
)
from actors.nova.service import networks, volumes
from actors.nova.service.attachments import AttachmentTasks
from actors.nova.service.claims import claim_resources
from actors.nova.service.migration_tasks import MigrationTasks
from actors.nova.states import VmState
from actors.service import request_context
from bus.errors import BusError


class NovaConductor(AttachmentTasks, MigrationTasks):
    """One member of the conductors. For its arguments see `NovaService`."""

    topic: ClassVar[str] = CONDUCTOR
    binary: ClassVar[str] = CONDUCTOR

    async def started(self) -> None:
        await super().started()
        self.start_soon(self.report)

    # -- new servers -----------------------------------------------------------------------------------------------------

    @ScheduleAndBuildInstances.handler
    async def schedule_and_build_instances(self, msg: ScheduleAndBuildInstances) -> None:
        """Choose a host for each, put each into its cell, and have it built."""
        context = request_context()
        spec = msg.requests[0].spec
        servers = tuple(request.instance.uuid for request in msg.requests)
        select = SelectDestinations(spec=spec, servers=servers)
        try:
            selections = await self.bus.ask(
                select, timeout=self.config.long_rpc_timeout, monitor=MONITOR, context=context
            )
        except (CloudError, BusError) as error:
            for request in msg.requests:
                await self._bury_in_cell0(request, error)
            return
        placed: list[tuple[BuildRequest, tuple[Selection, ...]]] = []
        for request, chosen in zip(msg.requests, selections, strict=True):
            if await self._enter_cell(request):
                placed.append((request, chosen))
        if not placed or not await self._within_quota([request for request, _ in placed], context):
            return
        for request, chosen in placed:
            if await self._leave_api(request, context):
                await self._build(request, chosen, msg.admin_pass, context)

    async def _enter_cell(self, request: BuildRequest) -> bool:
        """Insert a server's row. False if its user has deleted it meanwhile."""
        uuid = request.instance.uuid
        if uuid not in self.store.build_requests:
            self.store.forget(uuid)
            await self._give_back(uuid)
            return False
        zone = request.instance.availability_zone or self.config.default_availability_zone
        self.store.insert_instance(attrs.evolve(request.instance, availability_zone=zone), ())
        return True

    async def _within_quota(self, requests: list[BuildRequest], context: RequestContext) -> bool:
        """Count again, now that the servers exist (`_recheck_quota`). If there are too many, all of the request go to error.

        What they were to have of their hosts is given back when their user deletes them.
        """
        if not self.config.recheck_quota or context.project_id is None:
            return True
        quota = self.store.quota(context.project_id, self.config.quota)
        exceeded = over(quota, self.store.usage(context.project_id))
        if exceeded is None:
            return True
        error = OverQuota(f"Quota exceeded for {exceeded}: the servers of several requests went too far together")
        for request in requests:
            uuid = request.instance.uuid
            await self._give_up(uuid, error, "schedule_and_build_instances")
            self._into(CELL1, request)
            self.store.destroy_build_request(uuid)
            self.store.request_specs.pop(uuid, None)
        return False

    async def _leave_api(self, request: BuildRequest, context: RequestContext) -> bool:
        """Hand a server over from the API to its cell. False if its user was faster, and it is to be no more."""
        instance = self.store.instance(request.instance.uuid)
        await self.notify_update(None, instance)
        action = InstanceAction(action="create", request_id=context.request_id, start_time=self.now)
        self.store.record_action(instance.uuid, action)
        self._into(CELL1, request)
        if self.store.destroy_build_request(instance.uuid):
            return True
        await self.notify("delete.start", instance)
        try:
            self.store.destroy_instance(instance.uuid, host=None)
        except InstanceNotFound:
            self.log.debug("the server had gone", server=instance.uuid)
        self.store.forget(instance.uuid)
        await self.notify("delete.end", instance)
        return False

    async def _build(
        self, request: BuildRequest, chosen: tuple[Selection, ...], admin_pass: str, context: RequestContext
    ) -> None:
        """Tell the host to build a server."""
        (selection, *alternates), spec = chosen, request.spec
        retry = None if spec.forced or self.config.max_attempts == 1 else Retry(hosts=(selection.host,))
        build = BuildAndRunInstance(
            server=request.instance.uuid, spec=spec, retry=retry, alternates=tuple(alternates), admin_pass=admin_pass
        )
        await self.bus.tell(build, to=compute(selection.host), context=context)

    def _into(self, cell: str, request: BuildRequest) -> None:
        """Note in which cell a server is, and what disks it has."""
        uuid = request.instance.uuid
        self.store.block_devices[uuid] = request.block_devices
        mapping = self.store.mappings.get(uuid)
        if mapping is not None:
            self.store.mappings[uuid] = attrs.evolve(mapping, cell=cell)

    async def _bury_in_cell0(self, request: BuildRequest, error: Exception) -> None:
        """Keep a server that no host can have, in error, until its user deletes it."""
        uuid = request.instance.uuid
        if uuid not in self.store.build_requests:
            self.store.forget(uuid)
            return
        self.store.insert_instance(request.instance, ())
        self._into(CELL0, request)
        await self._give_up(uuid, error, "build_instances")
        self.store.destroy_build_request(uuid)

    async def _give_up(self, uuid: ServerId, error: Exception, method: str) -> Instance | None:
        """Put a server into error, and say so (`_set_vm_state_and_notify`)."""
        try:
            instance = await self.save(uuid, vm_state=VmState.ERROR, task_state=None)
        except InstanceNotFound:
            return None
        self.record_fault(uuid, error)
        event = ComputeTaskNotification(
            event_type=f"compute_task.{method}.error", publisher_id=self.publisher_id, server=uuid,
            state=VmState.ERROR, reason=str(error),
        )  # fmt: skip
        await self.bus.publish(event, subject=event.event_type)
        return instance

    # -- once more -------------------------------------------------------------------------------------------------------

    @BuildInstances.handler
    async def build_instances(self, msg: BuildInstances) -> None:
        """Claim the next host that can still be had, and have the server built there; or give it up."""
        context = request_context()
        retry = attrs.evolve(msg.retry, num_attempts=msg.retry.num_attempts + 1)
        try:
            selection, rest = await self._next(msg, retry)
            zone = self.config.default_availability_zone
            instance = await self.save(msg.server, availability_zone=zone)
            await volumes.reserve_again(self, context, instance.uuid, self.store.block_devices.get(msg.server, ()))
        except InstanceNotFound:
            self.log.debug("the server has gone", server=msg.server)
            return
        except (CloudError, BusError) as error:
            await self._cannot_reschedule(msg, error, context)
            return
        build = BuildAndRunInstance(
            server=msg.server,
            spec=msg.spec,
            retry=attrs.evolve(retry, hosts=(*retry.hosts, selection.host), exc_reason=""),
            alternates=rest,
            admin_pass=msg.admin_pass,
        )
        await self.bus.tell(build, to=compute(selection.host), context=context)

    async def _next(self, msg: BuildInstances, retry: Retry) -> tuple[Selection, tuple[Selection, ...]]:
        """Claim the first alternate that can still be had.

        Raises:
            MaxRetriesExceeded: if there was none, or it was tried often enough.
        """
        if retry.num_attempts > self.config.max_attempts:
            raise MaxRetriesExceeded(
                f"Exceeded maximum number of retries. Exceeded max scheduling attempts {self.config.max_attempts} "
                f"for instance {msg.server}. Last exception: {retry.exc_reason}"
            )
        for place, selection in enumerate(msg.alternates):
            if await claim_resources(self, msg.server, msg.spec, selection):
                return selection, msg.alternates[place + 1 :]
        raise MaxRetriesExceeded(
            "Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for instance "
            f"{msg.server}."
        )

    async def _cannot_reschedule(self, msg: BuildInstances, error: Exception, context: RequestContext) -> None:
        """Give a server up, its ports (`_cleanup_when_reschedule_fails`), and what may have been claimed of its next host."""
        instance = await self._give_up(msg.server, error, "build_instances")
        if instance is not None:
            try:
                await networks.deallocate(self, context, instance, msg.spec)
            except (CloudError, BusError) as failure:
                self.log.warning("ports not deleted", server=msg.server, error=repr(failure))
            if not isinstance(error, MaxRetriesExceeded):
                await self._give_back(msg.server)

    async def _give_back(self, uuid: ServerId) -> None:
        """Give back what a server was to have of its host; what goes wrong is logged, and left."""
        try:
            await self.delete_allocation(uuid)
        except (CloudError, BusError) as error:
            self.log.warning("allocation not deleted", server=uuid, error=repr(error))
