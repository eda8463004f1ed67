"""Services crash in the middle of things, and what they kept in the database holds."""

import anyio
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from actors.cinder.config import CinderConfig
from actors.cinder.messages import (
    CompleteAttachment,
    CreateAttachment,
    CreateSnapshot,
    DeleteAttachment,
    DeleteSnapshot,
    DeleteVolume,
    ExtendVolume,
    ListSnapshots,
    ListVolumes,
    ResetSnapshotStatus,
    ResetVolumeStatus,
    ShowSnapshot,
    ShowVolume,
    UpdateAttachment,
)
from actors.cinder.models import Connector
from actors.cinder.states import LEFT_TO_THE_OPERATOR
from actors.cinder.storage import StorageArray
from actors.errors import InternalError, Refused
from actors.ids import ServerId
from bus.sim import World
from tests.actors.cinder.depot import CIRROS, DEMO, REST, Depot, leaks, play

ONE = {"block-1@ssd": "ssd"}
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""A smaller seed is no simpler run; `bus.sim.search.shrink` makes runs simpler."""
EXPIRE = 600.0
LONG = 3600.0
"""Seconds: longer than any schedule holds up a timer."""


def one_array() -> dict[str, StorageArray]:
    return {host: StorageArray(volume_backend_name=name) for host, name in ONE.items()}


async def crash_and_return(depot: Depot) -> None:
    """Crash the only backend, and have it back 5 seconds later."""
    await depot.world.reboot(depot.volumes["block-1@ssd"], 5)
    await anyio.sleep(5)


@pytest.mark.parametrize("image", [None, CIRROS], ids=["creating", "downloading"])
def test_a_volume_that_was_being_made_goes_to_error(image):
    async def story(depot: Depot):
        await anyio.sleep(2)
        volume = await depot.volume(wait=False, image_id=image)
        await anyio.sleep(0.3 if image is None else 5)
        await crash_and_return(depot)
        assert (await depot.ask(ShowVolume(volume_id=volume.id))).status == "error"
        await depot.ask(DeleteVolume(volume_id=volume.id))
        await anyio.sleep(5)
        assert not (found := leaks(depot)), found
        assert not depot.arrays["block-1@ssd"].disks

    play(story, arrays=one_array())


def test_a_deletion_is_gone_on_with():
    async def story(depot: Depot):
        volume = await depot.volume()
        await depot.ask(CreateSnapshot(volume_id=volume.id))
        await anyio.sleep(5)
        await depot.ask(DeleteVolume(volume_id=volume.id, cascade=True))
        await anyio.sleep(0.2)
        await crash_and_return(depot)
        assert not len(depot.store.volumes)
        assert not len(depot.store.snapshots)
        assert not (found := leaks(depot)), found

    play(story, arrays=one_array())


def test_a_snapshot_that_was_being_taken_goes_to_error():
    async def story(depot: Depot):
        snapshot = await depot.ask(CreateSnapshot(volume_id=(await depot.volume()).id))
        await anyio.sleep(0.2)
        await crash_and_return(depot)
        assert (await depot.ask(ShowSnapshot(snapshot_id=snapshot.id))).status == "error"

    play(story, arrays=one_array())


def test_a_request_that_waits_for_a_backend_is_served_when_it_returns():
    async def story(depot: Depot):
        volume = await depot.volume()
        backend = depot.volumes["block-1@ssd"]
        depot.world.crash(backend)
        await depot.ask(DeleteVolume(volume_id=volume.id))
        await anyio.sleep(100)
        assert (await depot.ask(ShowVolume(volume_id=volume.id))).status == "deleting"
        await depot.world.restart(backend)
        await anyio.sleep(5)
        assert not len(depot.store.volumes)

    play(story, arrays=one_array())


def test_a_scheduler_that_crashes_over_a_volume_sends_it_to_error():
    async def story(depot: Depot):
        depot.world.crash(depot.scheduler)
        volume = await depot.volume(wait=False)
        depot.world.crash(depot.volumes["block-1@ssd"])
        await anyio.sleep(100)
        await depot.world.restart(depot.scheduler)  # it waits for the backend to report
        await anyio.sleep(5)
        await depot.world.reboot(depot.scheduler, 5)
        assert (await depot.ask(ShowVolume(volume_id=volume.id))).status == "error"

    play(story, arrays=one_array())


def test_a_scheduler_that_starts_asks_the_backends_what_they_have():
    async def story(depot: Depot):
        await anyio.sleep(30)
        await depot.world.reboot(depot.scheduler, 1)
        assert (await depot.volume()).status == "available"
        assert depot.world.now < 40

    play(story)


def test_what_nobody_will_finish_is_an_administrators_to_reset():
    async def story(depot: Depot):
        volume = await depot.volume()
        await depot.ask(ExtendVolume(volume_id=volume.id, new_size=3))
        await anyio.sleep(0.2)
        await crash_and_return(depot)
        assert (await depot.ask(ShowVolume(volume_id=volume.id))).status == "extending"
        assert depot.store.quota_set(DEMO).gigabytes.reserved == 2
        await anyio.sleep(2 * 86400)
        assert depot.store.quota_set(DEMO).gigabytes.reserved == 0, "it has expired"
        await depot.ask(ResetVolumeStatus(volume_id=volume.id, status="available"), token="admin")
        await depot.ask(DeleteVolume(volume_id=volume.id))
        await anyio.sleep(5)
        assert not (found := leaks(depot)), found

    play(story, arrays=one_array())


class Troubled(StorageArray):
    """An array that now and then fails. It is told so by its test."""

    failing = False

    def _take(self, more: int) -> None:
        super()._take(10**9 if self.failing else more)


async def user(depot: Depot, name: str, silent: list[str]) -> None:
    """One user, who does this and that, and takes every refusal as it comes."""
    chance = depot.world.random(name)
    server = ServerId(f"server of {name}")
    for _ in range(8):
        await anyio.sleep(chance.random() * 20)
        try:
            await step(depot, server, chance.randrange(7), chance.random())
        except Refused:
            continue
        except InternalError as error:
            silent.append(str(error))


async def step(depot: Depot, server: ServerId, kind: int, where: float) -> None:
    volumes = await depot.ask(ListVolumes())
    if kind < 2 or not volumes:
        sources = ({}, {"image_id": CIRROS}, {"source_volid": volumes[0].id} if volumes else {})
        await depot.volume(wait=False, **sources[int(where * 3)])
        return
    volume = volumes[int(where * len(volumes))]
    if kind == 2:
        await depot.ask(DeleteVolume(volume_id=volume.id, cascade=where < 0.5))
    elif kind == 3:
        await depot.ask(ExtendVolume(volume_id=volume.id, new_size=volume.size + 1))
    elif kind == 4:
        await depot.ask(CreateSnapshot(volume_id=volume.id))
    elif kind == 5:
        for snapshot in await depot.ask(ListSnapshots(limit=1)):
            await depot.ask(DeleteSnapshot(snapshot_id=snapshot.id))
    else:
        made = await depot.ask(CreateAttachment(volume_id=volume.id, instance=server))
        await depot.ask(UpdateAttachment(attachment_id=made.id, connector=Connector(host=f"host of {server}")))
        await depot.ask(CompleteAttachment(attachment_id=made.id))
        await anyio.sleep(where * 10)
        await depot.ask(DeleteAttachment(attachment_id=made.id), service_token="service")


async def trouble(depot: Depot) -> None:
    """Crash this service and that."""
    chance = depot.world.random("trouble")
    services = [depot.scheduler, *depot.volumes.values()]
    for _ in range(6):
        await anyio.sleep(chance.random() * 20)
        array = depot.arrays[chance.choice(sorted(depot.arrays))]
        assert isinstance(array, Troubled)
        array.failing = not array.failing
        await depot.world.reboot(chance.choice(services), chance.random() * 15)
    for array in depot.arrays.values():
        array.failing = False


async def operator(depot: Depot) -> None:
    """Mend what cinder leaves to its operator, and delete everything."""
    for attachment in list(depot.store.attachments):
        await depot.ask(DeleteAttachment(attachment_id=attachment.id), token="admin", service_token="service")
    for volume in list(depot.store.volumes):
        if volume.status in LEFT_TO_THE_OPERATOR or volume.status == "error_deleting":
            await depot.ask(ResetVolumeStatus(volume_id=volume.id, status="error"), token="admin")
    for snapshot in list(depot.store.snapshots):
        if snapshot.status not in {"available", "error"}:
            await depot.ask(ResetSnapshotStatus(snapshot_id=snapshot.id, status="error"), token="admin")
    for volume in list(depot.store.volumes):
        await depot.ask(DeleteVolume(volume_id=volume.id, cascade=True), token="admin")
    await anyio.sleep(LONG)


@settings(max_examples=50, phases=NO_SHRINKING)
@given(seed=st.integers(0, 10**6), crashes=st.booleans())
def test_whatever_crashes_all_comes_to_rest_and_nothing_is_left_in_the_end(seed, crashes):
    """S13, S14, S17, L1, L2, L6."""

    async def story(depot: Depot):
        silent: list[str] = []
        async with anyio.create_task_group() as group:
            for n in range(4):
                group.start_soon(user, depot, f"user-{n}", silent)
            if crashes:
                group.start_soon(trouble, depot)
        assert all("silent" in error for error in silent), silent
        for target in (depot.scheduler, *depot.volumes.values()) if crashes else ():
            await depot.world.reboot(target, 1)
        await anyio.sleep(LONG)
        check_rest(depot, crashes=crashes)
        await operator(depot)
        assert not len(depot.store.volumes)
        assert not len(depot.store.snapshots)
        assert not len(depot.store.attachments)
        assert not any(array.disks or array.snapshots or array.connections for array in depot.arrays.values())
        assert not (found := leaks(depot)), found
        await anyio.sleep(2 * EXPIRE)
        assert not any(one.held for one in depot.store.quotas.reservations.values())
        assert not any(usage.in_use or usage.reserved for usage in depot.store.quotas.usages.values())

    arrays: dict[str, StorageArray] = {name: Troubled(volume_backend_name=name[-3:]) for name in ("b-1@ssd", "b-2@hdd")}
    play(story, world=World(seed), arrays=arrays, config=CinderConfig(reservation_expire=EXPIRE))


def check_rest(depot: Depot, *, crashes: bool) -> None:
    """All invariants of a Cinder in which nothing happens, and may have been crashed."""
    assert not (found := leaks(depot)), found
    quotas = depot.store.quota_set(DEMO)
    assert quotas.volumes.in_use <= quotas.volumes.limit
    for volume in depot.store.volumes:
        worker = depot.store.workers.get(volume.id)
        lost = crashes and volume.status in LEFT_TO_THE_OPERATOR
        assert volume.status in REST or lost, volume
        assert worker is None or (lost and worker.service is None), (volume, worker)
