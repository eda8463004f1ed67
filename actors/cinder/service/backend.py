"""What the parts of cinder-volume share: the array behind it, and what it tells the schedulers about it."""

from typing import ClassVar

import anyio

from actors.cinder.config import CinderConfig
from actors.cinder.neighbours import Glance
from actors.cinder.rpc import SCHEDULER, VOLUME, PublishCapabilities, UpdateCapabilities
from actors.cinder.service.base import INTERNAL, ReportingService
from actors.cinder.storage import StorageArray
from actors.cinder.store import CinderStore
from actors.locks import Locks
from bus.topic import Target


class BackendPart(ReportingService):
    """Base of the parts.

    Args:
        store: the database.
        config: the options.
        array: what holds the volumes.
        glance: how to ask Glance.
    """

    binary: ClassVar[str] = VOLUME

    def __init__(
        self, *, store: CinderStore, config: CinderConfig, array: StorageArray, glance: Glance | None = None
    ) -> None:
        super().__init__(store=store, config=config)
        self.zone = array.backend_availability_zone or config.storage_availability_zone
        self.array = array
        self.glance = glance or Glance()
        self.locks = Locks()
        self.allocated = 0
        """GB of the volumes that it has, or is making (cinder's `allocated_capacity_gb`)."""

    @property
    def pool(self) -> str:
        """What the volumes here have as their host: ``host@backend#pool``."""
        return f"{self.host}#{self.array.volume_backend_name}"

    async def publish(self) -> None:
        """Tell all schedulers what the array has."""
        capabilities = self.array.capabilities(allocated=self.allocated, timestamp=self.now)
        report = UpdateCapabilities(host=self.host, capabilities=capabilities)
        await self.bus.tell(report, to=Target(SCHEDULER, fanout=True), context=INTERNAL)

    async def publish_for_ever(self) -> None:
        """Tell them again and again."""
        while True:
            await self.publish()
            await anyio.sleep(self.config.backend_stats_polling_interval)

    @PublishCapabilities.handler
    async def publish_capabilities(self, msg: PublishCapabilities) -> None:
        await self.publish()
