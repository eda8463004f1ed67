"""What a nova-compute does now and then (the periodic tasks of nova's `compute/manager.py`), one after the other."""

from collections.abc import Awaitable, Callable

import anyio

from actors.errors import CloudError
from actors.hypervisor.errors import ImageInUse
from actors.hypervisor.messages import DestroyGuest, ListGuests, ListImages, RemoveImage
from actors.hypervisor.models import PowerState
from actors.nova.errors import InstanceNotFound, UnexpectedTaskState
from actors.nova.models import Instance
from actors.nova.rpc import SCHEDULER, SyncInstanceInfo
from actors.nova.service import networks
from actors.nova.service.base import INTERNAL
from actors.nova.service.inventory import Provider
from actors.nova.service.power import Power
from actors.nova.states import TaskState, VmState
from bus.errors import BusError
from bus.topic import Target

DEFAULT_INTERVAL = 60.0
"""Seconds between two runs of a task that names no interval of its own."""
FUZZY_DELAY = 60.0
"""`periodic_fuzzy_delay`: the first run comes by chance within so many seconds, so that hosts do not march in step."""

ENDED = (PowerState.SHUTDOWN, PowerState.CRASHED)


class Periodic(Provider, Power):
    """The tasks."""

    async def run_periodic_tasks(self) -> None:
        """Run each when it is due, for as long as this life lasts."""
        tasks = [(interval, task) for interval, task in self._tasks() if interval > 0]
        start = self.clock.monotonic() + self.chance.uniform(0, FUZZY_DELAY)
        due = [start + interval for interval, _ in tasks]
        while True:
            place = due.index(min(due))
            interval, task = tasks[place]
            await anyio.sleep(max(0.0, due[place] - self.clock.monotonic()))
            try:
                await task()
            except (CloudError, BusError) as error:
                self.log.warning("periodic task failed", task=getattr(task, "__name__", task), error=repr(error))
            due[place] = self.clock.monotonic() + interval

    def _tasks(self) -> tuple[tuple[float, Callable[[], Awaitable[None]]], ...]:
        """Interval in seconds and what is done; one of 0 or less is off."""
        config = self.config
        return (
            (config.update_resources_interval or DEFAULT_INTERVAL, self.update_available_resource),
            (config.sync_power_state_interval or DEFAULT_INTERVAL, self.sync_power_states),
            (config.scheduler_instance_sync_interval, self.sync_scheduler),
            (config.heal_instance_info_cache_interval, self.heal_one_info_cache),
            (config.running_deleted_instance_poll_interval, self.reap_running_deleted),
            (DEFAULT_INTERVAL if config.instance_build_timeout else 0, self.check_build_time),
            (config.image_cache_manager_interval, self.clean_image_cache),
        )

    async def update_available_resource(self) -> None:
        """Count the servers anew, and set right what Placement thinks."""
        self.count_again()
        await self.update_provider()
        await self.audit_allocations()

    async def sync_power_states(self) -> None:
        """Write down what guests are doing; stop servers whose guest has ended by itself (`_sync_power_states`)."""
        guests = {guest.definition.server: guest for guest in await self.driver(ListGuests(), INTERNAL)}
        for instance in self.instances:
            if instance.task_state is None and instance.vm_state is not VmState.BUILDING:
                guest = guests.get(instance.uuid)
                await self._sync_power_state(instance, PowerState.NOSTATE if guest is None else guest.power_state)

    async def _sync_power_state(self, instance: Instance, power: PowerState) -> None:
        try:
            if instance.power_state != power:
                instance = await self.save(instance.uuid, expected_task_state=(None,), power_state=power)
            runs, should = power is PowerState.RUNNING, instance.vm_state
            if (should is VmState.ACTIVE and power in ENDED) or (should is VmState.STOPPED and runs):
                await self.save(instance.uuid, expected_task_state=(None,), task_state=TaskState.POWERING_OFF)
                self.work(self.stop_server, instance.uuid, INTERNAL)
        except (InstanceNotFound, UnexpectedTaskState):
            self.log.info("something is being done to the server", server=instance.uuid)

    async def sync_scheduler(self) -> None:
        """Tell the schedulers which servers are here."""
        if self.config.track_instance_changes:
            servers = tuple(instance.uuid for instance in self.instances)
            message = SyncInstanceInfo(host=self.host, servers=servers)
            await self.bus.tell(message, to=Target(SCHEDULER, fanout=True), context=INTERNAL)

    async def heal_one_info_cache(self) -> None:
        """Look at the ports of the server whose cache is the oldest."""
        rows = [row for row in self.instances if row.vm_state is not VmState.BUILDING and row.task_state is None]
        if rows:
            await networks.look(self, min(rows, key=lambda row: row.updated_at))

    async def reap_running_deleted(self) -> None:
        """End guests whose servers are deleted, which happens while their host does not answer."""
        for guest in await self.driver(ListGuests(), INTERNAL):
            server = guest.definition.server
            if server in self.store.deleted and server not in self.store.instances:
                self.log.warning("a guest outlived its server", server=server)
                if self.config.running_deleted_instance_action == "reap":
                    await self.driver(DestroyGuest(server=server), INTERNAL)
                    await self.unplug_ports(interface.port for interface in guest.definition.interfaces)

    async def check_build_time(self) -> None:
        """Put servers into error that are being built for too long (`_check_instance_build_time`)."""
        for instance in self.instances:
            too_long = self.now - instance.created_at > self.config.instance_build_timeout
            if instance.vm_state is VmState.BUILDING and too_long:
                await self.save(instance.uuid, vm_state=VmState.ERROR, task_state=None)

    async def clean_image_cache(self) -> None:
        """Remove base images that no server needs, once they are old enough."""
        needed = {row.image_ref for row in self.instances}
        for image in await self.driver(ListImages(), INTERNAL):
            old = self.now - image.last_used >= self.config.remove_unused_original_minimum_age_seconds
            if image.image not in needed and old:
                try:
                    await self.driver(RemoveImage(image=image.image), INTERNAL)
                except ImageInUse:
                    self.log.info("the image is in use", image=image.image)
