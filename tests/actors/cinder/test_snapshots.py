"""Snapshots come and go."""

import anyio
import pytest

from actors.cinder.config import CinderConfig
from actors.cinder.errors import InvalidInput, InvalidSnapshot, InvalidVolume, SnapshotLimitExceeded, SnapshotNotFound
from actors.cinder.messages import (
    CreateSnapshot,
    DeleteSnapshot,
    ListSnapshots,
    ResetSnapshotStatus,
    ShowSnapshot,
    UpdateSnapshot,
)
from actors.cinder.storage import StorageArray
from actors.errors import Forbidden
from tests.actors.cinder.depot import DEMO, Depot, leaks, play


def test_a_snapshot_is_creating_first_then_available_then_gone():
    async def story(depot: Depot):
        volume = await depot.volume(size=2)
        await depot.told()
        made = await depot.ask(CreateSnapshot(volume_id=volume.id, name="before"))
        assert (made.status, made.size, made.progress) == ("creating", 2, "0%")
        with pytest.raises(InvalidSnapshot):
            await depot.ask(DeleteSnapshot(snapshot_id=made.id))
        assert await depot.told() == ["snapshot.create.start", "snapshot.create.end"]
        ready = await depot.ask(ShowSnapshot(snapshot_id=made.id))
        assert (ready.status, ready.progress) == ("available", "100%")
        assert depot.store.quota_set(DEMO).gigabytes.in_use == 4
        await depot.ask(DeleteSnapshot(snapshot_id=made.id))
        assert await depot.told() == ["snapshot.delete.start", "snapshot.delete.end"]
        with pytest.raises(SnapshotNotFound):
            await depot.ask(ShowSnapshot(snapshot_id=made.id))
        assert not leaks(depot)
        assert not depot.store.workers

    play(story)


def test_of_a_volume_that_is_not_ready_no_snapshot_is_taken():
    async def story(depot: Depot):
        volume = await depot.volume(wait=False)
        with pytest.raises(InvalidVolume):
            await depot.ask(CreateSnapshot(volume_id=volume.id))

    play(story)


def test_snapshots_have_a_quota_of_their_own():
    async def story(depot: Depot):
        volume = await depot.volume()
        await depot.ask(CreateSnapshot(volume_id=volume.id))
        with pytest.raises(SnapshotLimitExceeded):
            await depot.ask(CreateSnapshot(volume_id=volume.id))
        await anyio.sleep(5)
        assert not leaks(depot)

    play(story, config=CinderConfig(quota_snapshots=1))


def test_a_snapshot_that_there_is_no_room_for_goes_to_error_and_can_be_deleted():
    async def story(depot: Depot):
        volume = await depot.volume(size=6)
        made = await depot.ask(CreateSnapshot(volume_id=volume.id))
        await anyio.sleep(5)
        assert (await depot.ask(ShowSnapshot(snapshot_id=made.id))).status == "error"
        await depot.ask(DeleteSnapshot(snapshot_id=made.id))
        await anyio.sleep(5)
        assert not leaks(depot)
        assert not len(depot.store.snapshots)

    play(story, arrays={"block-1@ssd": StorageArray(volume_backend_name="ssd", total_capacity_gb=10)})


def test_snapshots_are_listed_changed_and_reset():
    async def story(depot: Depot):
        volume = await depot.volume()
        made = [await depot.ask(CreateSnapshot(volume_id=volume.id, name=name)) for name in "ab"]
        await anyio.sleep(5)
        assert [one.name for one in await depot.ask(ListSnapshots(volume_id=volume.id, sort="name:asc"))] == ["a", "b"]
        assert [one.name for one in await depot.ask(ListSnapshots(name="b"))] == ["b"]
        assert await depot.ask(ListSnapshots(), token="other") == ()
        changed = await depot.ask(UpdateSnapshot(snapshot_id=made[0].id, name="c", metadata={"x": "y"}))
        assert (changed.name, changed.metadata) == ("c", {"x": "y"})
        reset = ResetSnapshotStatus(snapshot_id=made[0].id, status="error")
        with pytest.raises(Forbidden):
            await depot.ask(reset)
        await depot.told()
        await depot.ask(reset, token="admin")
        assert await depot.told() == ["snapshot.reset_status.start", "snapshot.reset_status.end"]
        assert [one.id for one in await depot.ask(ListSnapshots(status="error"))] == [made[0].id]
        with pytest.raises(InvalidInput):
            await depot.ask(ResetSnapshotStatus(snapshot_id=made[0].id, status="shoe"), token="admin")
        with pytest.raises(Forbidden):
            await depot.ask(DeleteSnapshot(snapshot_id=made[0].id, force=True))
        await depot.ask(DeleteSnapshot(snapshot_id=made[0].id, force=True), token="admin")
        await anyio.sleep(5)
        assert not leaks(depot)

    play(story)
