"""Rebooting, stopping and starting a server on its host (nova's `compute/manager.py`)."""

from actors.context import RequestContext
from actors.hypervisor.messages import ChangePower, SpawnGuest
from actors.hypervisor.models import PowerAction, PowerState
from actors.ids import ServerId
from actors.nova.models import Instance
from actors.nova.rpc import RebootInstance, StartInstance, StopInstance
from actors.nova.service.deletion import Deletion
from actors.nova.service.guests import define
from actors.nova.states import TaskState, VmState
from actors.service import request_context

SOFT = (TaskState.REBOOTING, TaskState.REBOOT_PENDING, TaskState.REBOOT_STARTED)
HARD = (TaskState.REBOOTING_HARD, TaskState.REBOOT_PENDING_HARD, TaskState.REBOOT_STARTED_HARD)
"""What a reboot goes through."""


class Power(Deletion):
    """Changes the power of servers."""

    @RebootInstance.handler
    async def reboot_instance(self, msg: RebootInstance) -> None:
        """Begin, and return."""
        self.work(self._reboot, msg, request_context())

    async def _reboot(self, msg: RebootInstance, context: RequestContext) -> None:
        asked, pending, started = HARD if msg.hard else SOFT
        async with self.locks.hold(msg.server), self.reverting(msg.server, context):
            instance = await self.save(msg.server, expected_task_state=(asked,), task_state=pending)
            await self.notify("reboot.start", instance)
            await self.save(msg.server, expected_task_state=(pending,), task_state=started)
            power = await self.power_state(msg.server, context)
            if msg.hard and power is PowerState.NOSTATE:
                await self._define_again(instance, context)
            elif power in (PowerState.SHUTDOWN, PowerState.CRASHED):
                await self._change(msg.server, PowerAction.START, context)
            else:
                await self._change(msg.server, PowerAction.REBOOT, context)
            instance = await self.save(
                msg.server, expected_task_state=(started,), vm_state=VmState.ACTIVE, task_state=None,
                power_state=PowerState.RUNNING,
            )  # fmt: skip
            await self.notify("reboot.end", instance)

    async def _define_again(self, instance: Instance, context: RequestContext) -> None:
        """A hard reboot makes the guest anew if its host has lost it, from the image that is in the cache or in Glance."""
        if instance.image_ref is not None:
            await self.fetch_image(instance.image_ref, context)
        await self.plug(instance.info_cache)
        definition = define(instance, self.disks(instance.uuid), instance.info_cache)
        await self.driver(SpawnGuest(definition=definition), context)

    @StopInstance.handler
    async def stop_instance(self, msg: StopInstance) -> None:
        """Begin, and return."""
        self.work(self.stop_server, msg.server, request_context())

    async def stop_server(self, server: ServerId, context: RequestContext) -> None:
        async with self.locks.hold(server), self.reverting(server, context):
            await self.notify("power_off.start", self.store.instance(server))
            power = await self.power_state(server, context)
            if power not in (PowerState.SHUTDOWN, PowerState.CRASHED):
                await self._change(server, PowerAction.STOP, context)
            instance = await self.save(
                server, expected_task_state=(TaskState.POWERING_OFF, None), vm_state=VmState.STOPPED, task_state=None,
                power_state=PowerState.SHUTDOWN,
            )  # fmt: skip
            await self.notify("power_off.end", instance)

    @StartInstance.handler
    async def start_instance(self, msg: StartInstance) -> None:
        """Begin, and return."""
        self.work(self._start, msg.server, request_context())

    async def _start(self, server: ServerId, context: RequestContext) -> None:
        async with self.locks.hold(server), self.reverting(server, context):
            await self.notify("power_on.start", self.store.instance(server))
            await self._change(server, PowerAction.START, context)
            instance = await self.save(
                server, expected_task_state=(TaskState.POWERING_ON,), vm_state=VmState.ACTIVE, task_state=None,
                power_state=PowerState.RUNNING,
            )  # fmt: skip
            await self.notify("power_on.end", instance)

    async def _change(self, server: ServerId, action: PowerAction, context: RequestContext) -> None:
        await self.driver(ChangePower(server=server, action=action), context)
