"""cinder-scheduler (cinder's `scheduler/manager.py`, `filter_scheduler.py`, `host_manager.py`)."""

from typing import ClassVar

import anyio

from actors.cinder.capacity import BackendState, Wanted, candidates, check_attempts
from actors.cinder.config import CinderConfig
from actors.cinder.errors import NoValidBackend
from actors.cinder.models import Capabilities
from actors.cinder.notifications import (
    ExtendSchedulingFailed,
    SchedulingFailed,
    SnapshotSchedulingFailed,
    VolumeSchedulingFailed,
)
from actors.cinder.rpc import (
    SCHEDULER,
    VOLUME,
    BuildVolume,
    GrowVolume,
    PublishCapabilities,
    RequestSpec,
    Retry,
    ScheduleExtend,
    ScheduleSnapshot,
    ScheduleVolume,
    TakeSnapshot,
    UpdateCapabilities,
)
from actors.cinder.service.base import INTERNAL, ReportingService
from actors.cinder.states import AFTER_CRASH, EXTENDING, FAILED, Move
from actors.cinder.store import CinderStore
from actors.ids import VolumeId
from actors.service import request_context
from bus.topic import Target

TICK = 1.0
"""Seconds between two looks whether the backends have reported."""


class CinderScheduler(ReportingService):
    """Chooses the backend of a volume.

    What it keeps in memory: what the backends reported, less what it placed there since. For its arguments see
    `CinderService`.
    """

    topic: ClassVar[str] = SCHEDULER
    binary: ClassVar[str] = SCHEDULER

    def __init__(self, *, store: CinderStore, config: CinderConfig) -> None:
        super().__init__(store=store, config=config)
        self.zone = config.storage_availability_zone
        self._reports: dict[str, Capabilities] = {}
        self._backends: dict[str, BackendState] = {}
        self._started = anyio.Event()

    async def started(self) -> None:
        await super().started()
        interval = self.config.reservation_clean_interval or self.config.reservation_expire
        self.start_soon(self.every, interval, lambda: self.store.quotas.expire(self.now))
        self.start_soon(self._wait_for_reports)
        await self.bus.tell(PublishCapabilities(), to=Target(VOLUME, fanout=True), context=INTERNAL)

    async def clean_up(self, id: str, status: str) -> None:
        self.store.volumes.swap(VolumeId(id), Move((status,), AFTER_CRASH[status]), updated_at=self.now)
        self.store.release(id, self.service_id)

    # -- what it knows of the backends ---------------------------------------------------------------------------------

    async def _wait_for_reports(self) -> None:
        for _ in range(self.config.scheduler_driver_init_wait_time):
            if self._refreshed() and len(self._backends) == len(self.services(VOLUME)):
                break
            await anyio.sleep(TICK)
        self._started.set()

    async def _ready(self) -> None:
        """Wait, for a while after the start, until every backend that is up has reported."""
        await self._started.wait()

    def _refreshed(self) -> list[BackendState]:
        """The backends that are enabled, up, and have reported; the others are forgotten until they are so again."""
        up = {row.host: row for row in self.services(VOLUME) if row.host in self._reports}
        self._backends = {
            host: self._backends.get(host) or BackendState(host, row.zone, self._reports[host])
            for host, row in up.items()
        }
        for host, row in up.items():
            self._backends[host].zone = row.zone
        return list(self._backends.values())

    @UpdateCapabilities.handler
    def update_capabilities(self, msg: UpdateCapabilities) -> None:
        self._reports[msg.host] = msg.capabilities
        if (backend := self._backends.get(msg.host)) is not None:
            backend.report(msg.capabilities)

    def _candidates(self, wanted: Wanted, only: str | None) -> list[BackendState]:
        """The backends that will do, the best first; of these *only* the one with this name, if any is given."""
        found = candidates(
            self._refreshed(),
            wanted,
            filters=self.config.scheduler_default_filters,
            multiplier=self.config.capacity_weight_multiplier,
        )
        return [backend for backend in found if only in {None, backend.name}]

    # -- volumes -------------------------------------------------------------------------------------------------------

    @ScheduleVolume.handler
    async def schedule_volume(self, msg: ScheduleVolume) -> None:
        spec = msg.spec
        self.store.claim(spec.volume_id, "creating", self.service_id)
        await self._ready()
        try:
            backend, retry = self._choose(spec, msg.retry or Retry())
        except NoValidBackend as error:
            self.store.volumes.swap(spec.volume_id, FAILED, updated_at=self.now)
            self.store.release(spec.volume_id, self.service_id)
            self.log.warning("no valid backend", volume=spec.volume_id, reason=str(error))
            await self.bus.publish(self._failure(VolumeSchedulingFailed, spec.volume_id, error))
            return
        placed = self.store.volumes.update(
            spec.volume_id,
            host=backend.name,
            scheduled_at=self.now,
            availability_zone=backend.zone,
            updated_at=self.now,
        )
        if placed is None:
            self.store.release(spec.volume_id, self.service_id)
            self.log.info("deleted before it was scheduled", volume=spec.volume_id)
            return
        request = BuildVolume(spec=spec, retry=retry if self.config.scheduler_max_attempts > 1 else None)
        await self.bus.tell(request, to=Target(VOLUME, server=backend.service), context=request_context())

    def _choose(self, spec: RequestSpec, before: Retry) -> tuple[BackendState, Retry]:
        attempts = before.num_attempts + 1
        check_attempts(attempts, self.config.scheduler_max_attempts)
        for backend in self._backends.values():  # what it was to take there last it did not take
            if before.backends and backend.name == before.backends[-1]:
                backend.consume(-spec.size)
        wanted = Wanted(
            size=spec.size,
            volume_type=spec.volume_type,
            availability_zones=spec.availability_zones,
            tried=before.backends,
        )
        found = self._candidates(wanted, spec.resource_backend)
        if not found:
            raise NoValidBackend(f"no backend has room for {spec.size} GB and fits {spec.volume_type.name}")
        found[0].consume(spec.size, self.now)
        return found[0], Retry(num_attempts=attempts, backends=(*before.backends, found[0].name))

    def _failure(self, kind: type[SchedulingFailed], volume_id: VolumeId, error: Exception) -> SchedulingFailed:
        return kind(publisher_id=f"scheduler.{self.host}", volume_id=volume_id, reason=str(error))

    # -- what is already on a backend ----------------------------------------------------------------------------------

    @ScheduleSnapshot.handler
    async def schedule_snapshot(self, msg: ScheduleSnapshot) -> None:
        await self._ready()
        snapshot = self.store.snapshots.get(msg.snapshot_id)
        volume = None if snapshot is None else self.store.volumes.get(snapshot.volume_id)
        if snapshot is None or volume is None:
            return
        found = self._candidates(Wanted(size=snapshot.size), volume.host)
        if not found:
            error = NoValidBackend(f"{volume.host} has no room for a snapshot of {snapshot.size} GB, or is down")
            self.store.snapshots.update(snapshot.id, status="error", updated_at=self.now)
            await self.bus.publish(self._failure(SnapshotSchedulingFailed, volume.id, error))
            return
        found[0].consume(snapshot.size, self.now)
        self.store.await_worker(snapshot.id, snapshot.status)
        to = Target(VOLUME, server=found[0].service)
        await self.bus.tell(TakeSnapshot(snapshot_id=snapshot.id), to=to, context=request_context())

    @ScheduleExtend.handler
    async def schedule_extend(self, msg: ScheduleExtend) -> None:
        await self._ready()
        volume = self.store.volumes.get(msg.volume_id)
        if volume is None:
            self.store.quotas.rollback(msg.reservations)
            return
        more = msg.new_size - volume.size
        found = self._candidates(
            Wanted(size=more, volume_type=self.store.types.get(volume.volume_type_id)), volume.host
        )
        if not found:
            error = NoValidBackend(f"{volume.host} has no room for {more} GB more, or is down")
            self.store.quotas.rollback(msg.reservations)
            status, _ = self.store.status_by_attachments(volume.id)
            self.store.volumes.swap(volume.id, Move(EXTENDING, status), previous_status=None, updated_at=self.now)
            await self.bus.publish(self._failure(ExtendSchedulingFailed, volume.id, error))
            return
        found[0].consume(more, self.now)
        request = GrowVolume(volume_id=volume.id, new_size=msg.new_size, reservations=msg.reservations)
        await self.bus.tell(request, to=Target(VOLUME, server=found[0].service), context=request_context())
