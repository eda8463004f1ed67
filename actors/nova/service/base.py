"""What Nova's services share: the databases, how they call others, their reports, and notifying what they save."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from random import Random
from typing import Any, ClassVar

import anyio

from actors.context import RequestContext
from actors.errors import NotFound
from actors.ids import ConsumerId, Ids, ServerId, UserId
from actors.nova.config import NovaConfig
from actors.nova.models import ComputeService, Fault, Instance
from actors.nova.neighbours import Caller, Calls
from actors.nova.notifications import InstanceNotification, InstanceUpdate
from actors.nova.rpc import MONITOR
from actors.nova.service.part import NovaPart
from actors.nova.states import TaskState
from actors.nova.store import ANY, NovaStore
from actors.placement.messages import DeleteAllocations
from actors.rows import evolved

INTERNAL = RequestContext(user_id=UserId(""), roles=("admin",), is_admin=True, token="")
"""The context of what a service does of its own accord (nova's `get_admin_context`): it has no token."""


class NovaService(NovaPart):
    """Base of the four.

    Args:
        store: the databases.
        config: the options.
        ids: makes ids.
        chance: for whatever is left to it.
        caller: how to call the other services.
    """

    binary: ClassVar[str]
    """Name of its kind in the services table; that of its topic."""
    calls: Calls

    def __init__(self, *, store: NovaStore, config: NovaConfig, ids: Ids, chance: Random, caller: Caller) -> None:
        self.store = store
        self.config = config
        self.ids = ids
        self.chance = chance
        self._caller = caller

    async def started(self) -> None:
        """Begin a life: with no token of its own yet."""
        self.calls = self._caller.opened(self)

    @property
    def host(self) -> str:
        """Its name among its kind."""
        return str(self.target.server)

    @property
    def publisher_id(self) -> str:
        """How its notifications name it."""
        return f"{self.binary}:{self.host}"

    async def report(self) -> None:
        """Write to the services table that it is up, now and then, for as long as it lives."""
        key = (self.binary, self.host)
        while True:
            row = self.store.services.get(key)
            if row is None:
                row = self.new_service()
            self.store.save_service(evolved(row, last_seen_up=self.now, report_count=row.report_count + 1))
            await anyio.sleep(self.config.report_interval)

    def new_service(self) -> ComputeService:
        """Its row, when it reports for the first time."""
        return ComputeService(binary=self.binary, host=self.host, last_seen_up=self.now)

    @asynccontextmanager
    async def alive(self) -> AsyncGenerator[None]:
        """Inside the block, show whoever asked with ``monitor=`` that this is being worked on, as oslo.messaging does."""
        done = anyio.Event()
        self.start_soon(self._beat, done)
        try:
            yield
        finally:
            done.set()

    async def _beat(self, done: anyio.Event) -> None:
        while True:
            with anyio.move_on_after(MONITOR / 2):
                await done.wait()
                return
            self.heartbeat()

    # -- servers ---------------------------------------------------------------------------------------------------------

    async def save(
        self, uuid: ServerId, *, expected_task_state: tuple[TaskState | None, ...] = ANY, **changes: Any
    ) -> Instance:
        """Save columns of a server by compare and swap, and notify it. Raises as `NovaStore.save`."""
        old = self.store.instances.get(uuid)
        new = self.store.save(uuid, self.now, expected_task_state=expected_task_state, **changes)
        if self.config.notify_on_state_change is not None:
            await self.notify_update(old, new)
        return new

    async def notify_update(self, old: Instance | None, new: Instance) -> None:
        """Notify that a server is not what it was (nova's `notifications/base.py: send_update`)."""
        if self.config.notify_on_state_change is not None:
            event = InstanceUpdate(
                event_type="instance.update",
                publisher_id=self.publisher_id,
                instance=new,
                old_state=None if old is None else old.vm_state,
                old_task_state=None if old is None else old.task_state,
            )
            await self.bus.publish(event)

    async def notify(self, action: str, instance: Instance, fault: Exception | None = None) -> None:
        """Notify that something begins, ends or fails, such as ``"create.start"``."""
        event_type = f"instance.{action}"
        event = InstanceNotification(
            event_type=event_type,
            publisher_id=self.publisher_id,
            instance=instance,
            fault=None if fault is None else f"{type(fault).__name__}: {fault}",
        )
        await self.bus.publish(event, subject=event_type)

    def record_fault(self, uuid: ServerId, error: Exception) -> None:
        """Let the server's owner see what went wrong (nova's `compute/utils.py: add_instance_fault_from_exc`)."""
        if uuid in self.store.instances:
            code = getattr(error, "status", 500)
            message = (
                str(error) if code < 500 or type(error).__module__.startswith("actors.nova") else type(error).__name__
            )
            self.store.faults[uuid] = Fault(code=code, message=message, details=repr(error), created=self.now)

    async def delete_allocation(self, uuid: str) -> None:
        """Give back in Placement whatever a server, or a migration, takes."""
        try:
            await self.calls.as_nova(DeleteAllocations(consumer_uuid=ConsumerId(uuid)))
        except NotFound:
            self.log.debug("there was no allocation", consumer=uuid)
