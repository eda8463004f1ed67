"""What the three services share: the database, the options, the services table."""

from collections.abc import Callable
from typing import ClassVar, Protocol

import anyio
import attrs

from actors.cinder.config import CinderConfig
from actors.cinder.models import Service as ServiceRow
from actors.cinder.models import Snapshot, Volume
from actors.cinder.notifications import SnapshotEvent, VolumeEvent
from actors.cinder.store import CinderStore
from actors.context import RequestContext
from actors.ids import UserId
from actors.service import Service


class MakeVolumeEvent(Protocol):
    """A class of events about volumes."""

    def __call__(self, *, publisher_id: str, volume: Volume) -> VolumeEvent: ...


class MakeSnapshotEvent(Protocol):
    """A class of events about snapshots."""

    def __call__(self, *, publisher_id: str, snapshot: Snapshot) -> SnapshotEvent: ...


INTERNAL = RequestContext(user_id=UserId(""), roles=("admin",), is_admin=True, token="")
"""The context of what a service does of its own accord (cinder's `get_admin_context`): it has no token."""


class CinderService(Service):
    """Base of the three.

    Args:
        store: the database.
        config: the options.
    """

    binary: ClassVar[str]
    """Name of its kind in the services table; that of its topic."""

    def __init__(self, *, store: CinderStore, config: CinderConfig) -> None:
        self.store = store
        self.config = config

    @property
    def now(self) -> float:
        """Seconds since 1970."""
        return self.clock.time()

    @property
    def host(self) -> str:
        """Its name among its kind; for a cinder-volume ``host@backend``."""
        return str(self.target.server)

    @property
    def service_id(self) -> str:
        """What its workers are filed under."""
        return f"{self.binary}/{self.host}"

    def services(self, binary: str) -> list[ServiceRow]:
        """The services of this kind that are enabled and up."""
        now, down = self.now, self.config.service_down_time
        rows = self.store.services.values()
        return [row for row in rows if row.binary == binary and row.status == "enabled" and row.is_up(now, down)]

    async def notify(self, kind: MakeVolumeEvent, volume: Volume) -> None:
        """Publish an event about *volume*."""
        attachments = tuple(self.store.attachments.where("volume", volume.id))
        event = kind(publisher_id=f"volume.{self.host}", volume=attrs.evolve(volume, attachments=attachments))
        await self.bus.publish(event)

    async def notify_snapshot(self, kind: MakeSnapshotEvent, snapshot: Snapshot) -> None:
        """Publish an event about *snapshot*."""
        await self.bus.publish(kind(publisher_id=f"snapshot.{self.host}", snapshot=snapshot))


class ReportingService(CinderService):
    """Base of those that report to the services table, and clean up after themselves: scheduler and cinder-volume."""

    zone: str
    """Its availability zone."""

    async def started(self) -> None:
        """Report, see to what an earlier life left undone, and go on reporting."""
        self._report()
        for work, worker in self.store.claimed_by(self.service_id):
            await self.clean_up(work, worker.status)
        self.start_soon(self._report_state)

    async def clean_up(self, id: str, status: str) -> None:
        """See to one volume or snapshot that was in *status* when this service died over it (cinder's `_do_cleanup`)."""
        raise NotImplementedError

    def _report(self) -> None:
        key = (self.binary, self.host)
        row = self.store.services.get(key)
        if row is None:
            row = ServiceRow(binary=self.binary, host=self.host, zone=self.zone, updated_at=self.now)
        self.store.services[key] = attrs.evolve(
            row, zone=self.zone, updated_at=self.now, report_count=row.report_count + 1
        )

    async def _report_state(self) -> None:
        while True:
            await anyio.sleep(self.config.report_interval)
            self._report()

    async def every(self, seconds: float, work: Callable[[], None]) -> None:
        """Do *work* now, and again after each so many seconds."""
        while True:
            work()
            await anyio.sleep(seconds)
