"""Volumes come, change and go."""

from functools import partial

import anyio
import pytest

from actors.cinder.config import CinderConfig
from actors.cinder.errors import (
    InvalidAvailabilityZone,
    InvalidInput,
    InvalidVolume,
    VolumeBackendAPIException,
    VolumeLimitExceeded,
    VolumeNotFound,
    VolumeSizeExceedsAvailableQuota,
    VolumeSizeExceedsLimit,
    VolumeTypeNotFound,
)
from actors.cinder.messages import (
    CompleteAttachment,
    CreateSnapshot,
    CreateVolumeType,
    DeleteAttachment,
    DeleteVolume,
    ExtendVolume,
    ListVolumes,
    ResetVolumeStatus,
    SetVolumeBootable,
    ShowVolume,
    UpdateQuotaSet,
    UpdateVolume,
)
from actors.cinder.models import GB, Quota, SnapshotId
from actors.cinder.storage import StorageArray, StorageTimes
from actors.errors import BadRequest, Forbidden, NotFound, Unauthorized
from actors.ids import ImageId, VolumeId
from tests.actors.cinder.depot import CIRROS, DEMO, HUGE, QUEUED, SPARSE, Depot, leaks, play

SMALL_QUOTA = CinderConfig(quota_volumes=2, quota_gigabytes=6, per_volume_size_limit=4)


def test_a_volume_is_creating_first_and_available_in_the_end():
    async def story(depot: Depot):
        made = await depot.volume(wait=False, size=3, name="data", metadata={"a": "b"})
        assert (made.status, made.size, made.host, made.volume_type) == ("creating", 3, None, "__DEFAULT__")
        ready = await depot.settled(made.id)
        assert (ready.status, ready.availability_zone, ready.metadata) == ("available", "nova", {"a": "b"})
        assert await depot.told() == ["volume.create.start", "volume.create.end"]
        assert not leaks(depot)
        await depot.ask(DeleteVolume(volume_id=made.id))
        assert (await depot.ask(ShowVolume(volume_id=made.id))).status == "deleting"
        assert await depot.told() == ["volume.delete.start", "volume.delete.end"]
        with pytest.raises(VolumeNotFound):
            await depot.ask(ShowVolume(volume_id=made.id))
        assert not leaks(depot)
        assert not depot.store.workers

    play(story)


def test_a_volume_from_an_image_is_downloading_meanwhile_and_bootable_then():
    async def story(depot: Depot):
        made = await depot.volume(wait=False, image_id=CIRROS)
        await anyio.sleep(5)
        assert (await depot.ask(ShowVolume(volume_id=made.id))).status == "downloading"
        ready = await depot.settled(made.id)
        assert (ready.status, ready.bootable) == ("available", True)
        assert ready.volume_image_metadata == {
            "image_id": "cirros", "size": str(GB // 2), "min_disk": "1", "min_ram": "0", "os_distro": "cirros",
        }  # fmt: skip
        assert depot.shelf.asked == ["demo", "demo"], "the user's own token, in both services"

    play(story)


def test_an_image_that_cannot_be_used_is_refused_before_anything_has_changed():
    async def story(depot: Depot):
        for image, size in ((ImageId("unknown"), 1), (HUGE, 49), (SPARSE, 49), (QUEUED, 1)):
            with pytest.raises(BadRequest):
                await depot.volume(image_id=image, size=size)
        assert not len(depot.store.volumes)
        assert not depot.store.quotas.usages

    play(story)


@pytest.mark.parametrize(
    ("expiry", "status", "attempts"),
    [(13.0, "error", 1), (10.15, "error", 3)],
    ids=["at the download", "at the first look"],
)
def test_a_token_that_dies_on_the_way_costs_the_volume(expiry, status, attempts):
    """A failed download is not tried elsewhere; a failed look at the image is, with the same dead token."""

    async def story(depot: Depot):
        depot.shelf.expiry = expiry
        await anyio.sleep(10 if expiry < 11 else 12.4)
        made = await depot.volume(image_id=CIRROS)
        assert made.status == status
        assert len(depot.shelf.asked) == 1 + attempts
        await depot.ask(DeleteVolume(volume_id=made.id))
        await anyio.sleep(5)
        assert not leaks(depot)
        assert not any(array.disks for array in depot.arrays.values())

    play(story)


def test_a_volume_from_a_snapshot_or_a_volume_is_where_its_source_is():
    async def story(depot: Depot):
        source = await depot.volume(size=2)
        await depot.ask(SetVolumeBootable(volume_id=source.id, bootable=True))
        snapshot = await depot.ask(CreateSnapshot(volume_id=source.id))
        await anyio.sleep(5)
        for fields in ({"source_volid": source.id}, {"snapshot_id": snapshot.id}):
            copy = await depot.volume(size=None, **fields)
            assert (copy.status, copy.size, copy.bootable) == ("available", 2, True)
            hosts = [depot.store.volumes.get(one.id).host for one in (source, copy)]
            assert hosts[0] == hosts[1]
            with pytest.raises(InvalidInput):
                await depot.volume(size=1, **fields)
        assert not leaks(depot)

    play(story)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"size": None}, InvalidInput),
        ({"size": 0}, InvalidInput),
        ({"image_id": CIRROS, "source_volid": VolumeId("x")}, InvalidInput),
        ({"source_volid": VolumeId("x")}, NotFound),
        ({"snapshot_id": SnapshotId("x")}, NotFound),
        ({"volume_type": "x"}, VolumeTypeNotFound),
        ({"availability_zone": "x"}, InvalidAvailabilityZone),
        ({"size": 5}, VolumeSizeExceedsLimit),
    ],
)
def test_what_makes_no_sense_is_refused(fields, error):
    async def story(depot: Depot):
        with pytest.raises(error):
            await depot.volume(**fields)
        assert not len(depot.store.volumes)

    play(story, config=SMALL_QUOTA)


def test_quotas_hold_and_come_back():
    async def story(depot: Depot):
        first = await depot.volume(size=3)
        with pytest.raises(VolumeSizeExceedsAvailableQuota, match="quota of 6, of which 3"):
            await depot.volume(size=4)
        await depot.ask(ExtendVolume(volume_id=first.id, new_size=4))
        with pytest.raises(VolumeSizeExceedsAvailableQuota):
            await depot.volume(size=3)
        await depot.settled(first.id)
        await depot.volume(size=1)
        with pytest.raises(VolumeLimitExceeded):
            await depot.volume(size=1)
        await depot.volume(size=1, token="other")
        await depot.ask(UpdateQuotaSet(project_id=DEMO, volumes=-1), token="admin")
        await depot.volume(size=1)
        await depot.ask(DeleteVolume(volume_id=first.id))
        await anyio.sleep(5)
        assert not leaks(depot)
        assert depot.store.quota_set(DEMO).gigabytes.in_use == 2

    play(story, config=SMALL_QUOTA)


def test_a_volume_can_only_grow_and_only_when_it_rests():
    async def story(depot: Depot):
        volume = await depot.volume(size=2)
        with pytest.raises(InvalidInput):
            await depot.ask(ExtendVolume(volume_id=volume.id, new_size=2))
        await depot.ask(ExtendVolume(volume_id=volume.id, new_size=4))
        with pytest.raises(InvalidVolume):
            await depot.ask(ExtendVolume(volume_id=volume.id, new_size=5))
        grown = await depot.settled(volume.id)
        assert (grown.size, grown.status) == (4, "available")
        assert (await depot.told())[2:] == ["volume.resize.start", "volume.resize.end"]
        assert not leaks(depot)

    play(story)


def test_a_volume_that_its_backend_has_no_room_to_extend_stays_as_it_was():
    async def story(depot: Depot):
        volume = await depot.volume(size=8)
        await depot.ask(ExtendVolume(volume_id=volume.id, new_size=12))
        kept = await depot.settled(volume.id)
        assert (kept.size, kept.status) == (8, "available")
        assert depot.store.quota_set(DEMO).gigabytes.reserved == 0

    play(story, arrays={"block-1@ssd": StorageArray(volume_backend_name="ssd", total_capacity_gb=10)})


def test_a_volume_with_snapshots_goes_only_with_them():
    async def story(depot: Depot):
        volume = await depot.volume()
        await depot.ask(CreateSnapshot(volume_id=volume.id))
        with pytest.raises(InvalidVolume, match="snapshots"):
            await depot.ask(DeleteVolume(volume_id=volume.id))
        with pytest.raises(InvalidVolume):
            await depot.ask(DeleteVolume(volume_id=volume.id, cascade=True))
        await depot.told()
        await depot.ask(DeleteVolume(volume_id=volume.id, cascade=True))
        assert await depot.told() == [
            "volume.delete.start", "snapshot.delete.start", "snapshot.delete.end", "volume.delete.end",
        ]  # fmt: skip
        assert not len(depot.store.snapshots)
        assert not leaks(depot)

    play(story)


def test_a_volume_that_no_backend_has_room_for_goes_to_error_and_is_deleted_at_once():
    async def story(depot: Depot):
        volume = await depot.volume(size=20)
        assert volume.status == "error"
        await depot.ask(DeleteVolume(volume_id=volume.id))
        assert not len(depot.store.volumes)
        assert not leaks(depot)

    play(story, arrays={"block-1@ssd": StorageArray(volume_backend_name="ssd", total_capacity_gb=10)})


class Broken(StorageArray):
    """An array that makes nothing."""

    async def create_volume(self, id, size, *, copied=0):
        await super().create_volume(id, 10**6)


@pytest.mark.parametrize(("ignore", "status"), [(False, "error"), (True, "available")])
def test_a_volume_that_a_backend_cannot_make_is_scheduled_again(ignore, status):
    """With cinder's default filters the roomier backend is tried three times; told to ignore it, the scheduler goes on."""
    filters = CinderConfig().scheduler_default_filters + (("IgnoreAttemptedHostsFilter",) if ignore else ())

    async def story(depot: Depot):
        volume = await depot.volume()
        assert volume.status == status
        await anyio.sleep(5)
        assert not leaks(depot)
        assert not depot.store.workers

    play(
        story,
        config=CinderConfig(scheduler_default_filters=filters),
        arrays={
            "block-1@ssd": Broken(volume_backend_name="ssd", total_capacity_gb=2000),
            "block-2@hdd": StorageArray(volume_backend_name="hdd"),
        },
    )


def test_volumes_of_others_are_not_there_but_for_administrators():
    async def story(depot: Depot):
        volume = await depot.volume()
        for request in (
            ShowVolume(volume_id=volume.id),
            DeleteVolume(volume_id=volume.id),
            UpdateVolume(volume_id=volume.id, name="x"),
        ):
            with pytest.raises(VolumeNotFound):
                await depot.ask(request, token="other")
        with pytest.raises(Unauthorized):
            await depot.ask(ShowVolume(volume_id=volume.id), token=None)
        assert (await depot.ask(ShowVolume(volume_id=volume.id), token="admin")).host is not None
        assert await depot.ask(ListVolumes(), token="admin") == ()
        assert len(await depot.ask(ListVolumes(all_tenants=True), token="admin")) == 1
        assert await depot.ask(ListVolumes(all_tenants=True), token="other") == ()
        with pytest.raises(Forbidden):
            await depot.ask(DeleteVolume(volume_id=volume.id, force=True))

    play(story)


def test_lists_are_filtered_sorted_and_cut():
    async def story(depot: Depot):
        for name, size in (("a", 3), ("b", 1), ("c", 2)):
            await depot.volume(name=name, size=size, metadata={"is": name})

        async def names(**fields):
            return "".join(one.name for one in await depot.ask(ListVolumes(**fields)))

        assert await names() == "cba"
        assert await names(sort="size:asc") == "bca"
        assert await names(name="b") == await names(size=1) == await names(metadata={"is": "b"}) == "b"
        assert await names(status="error") == await names(bootable=True) == ""
        [first] = await depot.ask(ListVolumes(limit=1))
        assert await names(marker=first.id) == await names(offset=1) == "ba"
        for wrong in ({"limit": -1}, {"offset": -1}, {"sort": "shoe:asc"}, {"sort": "size:up"}):
            with pytest.raises(InvalidInput):
                await names(**wrong)
        with pytest.raises(NotFound):
            await names(marker=VolumeId("x"))
        await depot.ask(UpdateVolume(volume_id=first.id, name="z", metadata={}))
        assert await names(metadata={"is": "c"}) == ""
        assert await names() == "zba"

    play(story)


def test_a_volume_type_chooses_the_backend():
    async def story(depot: Depot):
        for backend in ("ssd", "hdd"):
            await depot.ask(CreateVolumeType(name=backend, extra_specs={"volume_backend_name": backend}), token="admin")
            for _ in range(2):
                volume = await depot.volume(volume_type=backend)
                assert depot.store.volumes.get(volume.id).host.endswith(f"#{backend}")

    play(story)


def test_an_administrator_resets_what_is_stuck():
    async def story(depot: Depot):
        volume = await depot.volume()
        with pytest.raises(Forbidden):
            await depot.ask(ResetVolumeStatus(volume_id=volume.id, status="error"))
        for status in ("deleting", "shoe", "in-use"):
            with pytest.raises(InvalidInput):
                await depot.ask(ResetVolumeStatus(volume_id=volume.id, status=status), token="admin")
        await depot.told()
        await depot.ask(ResetVolumeStatus(volume_id=volume.id, status="error"), token="admin")
        assert (await depot.ask(ShowVolume(volume_id=volume.id))).status == "error"
        assert await depot.told() == ["volume.reset_status.start", "volume.reset_status.end"]

    play(story)


def test_a_source_is_not_deleted_while_it_is_copied():
    async def story(depot: Depot):
        source = await depot.volume(size=1)
        copy = await depot.volume(wait=False, size=1, source_volid=source.id)
        await anyio.sleep(1)
        await depot.ask(DeleteVolume(volume_id=source.id))
        await anyio.sleep(10)
        assert source.id in depot.arrays[next(iter(depot.arrays))].disks
        assert (await depot.settled(copy.id)).status == "available"
        await anyio.sleep(2)
        assert not leaks(depot)
        assert len(depot.store.volumes) == 1

    slow = StorageArray(volume_backend_name="ssd", times=StorageTimes(operation=1, copy_gb=100))
    play(story, arrays={"block-1@ssd": slow})


def test_a_volume_that_was_deleted_before_it_was_scheduled_is_not_made():
    async def story(depot: Depot):
        volume = await depot.volume(wait=False)
        await depot.ask(DeleteVolume(volume_id=volume.id))
        await anyio.sleep(30)
        assert not leaks(depot)
        assert not depot.store.workers

    play(story, seed=3)


def test_a_volume_that_is_detached_while_it_grows_cannot_be_extended_again_meanwhile():
    async def story(depot: Depot):
        volume = await depot.volume()
        attachment = await depot.attachment(volume)
        await depot.ask(CompleteAttachment(attachment_id=attachment.id))
        await depot.ask(ExtendVolume(volume_id=volume.id, new_size=2))
        await depot.ask(DeleteAttachment(attachment_id=attachment.id), service_token="service")
        with pytest.raises(InvalidVolume, match="extending"):
            await depot.ask(ExtendVolume(volume_id=volume.id, new_size=2))
        grown = await depot.settled(volume.id)
        assert (grown.status, grown.size) == ("available", 2)
        assert not leaks(depot)

    slow = StorageArray(volume_backend_name="ssd")
    slow.extend_volume = partial(slowly, slow.extend_volume)
    play(story, arrays={"block-1@ssd": slow})


async def slowly(operation, *args):
    await anyio.sleep(5)
    await operation(*args)


class Fickle(StorageArray):
    """An array that makes half of a disk, and cannot extend any."""

    async def create_volume(self, id, size, *, copied=0):
        await super().create_volume(id, size)
        raise VolumeBackendAPIException("half a disk")

    async def extend_volume(self, id, size):
        raise VolumeBackendAPIException("no")


def test_half_a_disk_is_removed_before_another_backend_tries():
    filters = (*CinderConfig().scheduler_default_filters, "IgnoreAttemptedHostsFilter")

    async def story(depot: Depot):
        assert (await depot.volume()).status == "available"
        assert not depot.arrays["block-1@ssd"].disks
        assert not leaks(depot)

    arrays = {
        "block-1@ssd": Fickle(volume_backend_name="ssd", total_capacity_gb=2000),
        "block-2@hdd": StorageArray(volume_backend_name="hdd"),
    }
    play(story, arrays=arrays, config=CinderConfig(scheduler_default_filters=filters))


def test_a_volume_on_its_way_back_to_the_scheduler_has_no_backend_and_is_deleted_at_once():
    async def story(depot: Depot):
        await anyio.sleep(2)
        volume = await depot.volume(wait=False)
        await anyio.sleep(0.7)
        await depot.ask(DeleteVolume(volume_id=volume.id))
        assert not len(depot.store.volumes)
        await anyio.sleep(5)
        assert not leaks(depot)
        assert not depot.store.workers
        assert not depot.arrays["block-1@ssd"].disks

    play(story, arrays={"block-1@ssd": Fickle(volume_backend_name="ssd")})


def test_a_volume_that_its_backend_cannot_extend_is_in_an_error_of_its_own_and_costs_no_quota():
    async def story(depot: Depot):
        volume = await depot.volume()
        await depot.ask(ExtendVolume(volume_id=volume.id, new_size=2))
        kept = await depot.settled(volume.id)
        assert (kept.status, kept.size) == ("error_extending", 1)
        assert depot.store.quota_set(DEMO).gigabytes == Quota(limit=1000, in_use=1)
        await depot.ask(DeleteVolume(volume_id=volume.id))
        await anyio.sleep(5)
        assert not leaks(depot)

    rigid = StorageArray(volume_backend_name="ssd")
    rigid.extend_volume = partial(Fickle.extend_volume, rigid)
    play(story, arrays={"block-1@ssd": rigid})


def test_backends_report_every_minute_what_they_have():
    async def story(depot: Depot):
        await depot.volume()
        await depot.arrays["block-1@ssd"].create_volume(VolumeId("of somebody else"), 998)
        await anyio.sleep(70)
        assert (await depot.volume(size=5)).status == "error"
        told = await depot.told()
        assert told == ["volume.create.start", "volume.create.end", "scheduler.create_volume"], "no backend was asked"

    play(story, arrays={"block-1@ssd": StorageArray(volume_backend_name="ssd")})


def test_a_volume_forced_away_while_it_is_made_leaves_no_disk():
    async def story(depot: Depot):
        await anyio.sleep(2)
        for wait in (0.05, 0.3, 5):
            volume = await depot.volume(wait=False, image_id=CIRROS)
            await anyio.sleep(wait)
            await depot.ask(DeleteVolume(volume_id=volume.id, force=True), token="admin")
            await anyio.sleep(20)
            assert not leaks(depot)
            assert not any(array.disks for array in depot.arrays.values())

    play(story)
