"""Glance: images, their bytes, who may have them, and what comes in between."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.calls import ApiRequest
from actors.context import Credentials, RequestContext
from actors.errors import BadRequest, Conflict, Forbidden, NotFound, Refused, TooLarge, Unauthorized
from actors.glance.config import GlanceConfig
from actors.glance.errors import ImageDataNotFound, ImageGone, InvalidImageStatusTransition, StorageQuotaFull
from actors.glance.messages import (
    AddTag,
    CreateImage,
    DeactivateImage,
    DeleteImage,
    DownloadImage,
    ListImages,
    ReactivateImage,
    RemoveTag,
    ShowImage,
    UpdateImage,
    UploadImage,
)
from actors.glance.models import VISIBILITIES, Image, ImageData
from actors.glance.service import GlanceService
from actors.glance.states import TRANSITIONS, ImageStatus
from actors.glance.store import GlanceStore
from actors.ids import Ids, ImageId, ProjectId, UserId
from actors.service import Guard, Service
from bus.errors import AskTimeout, BusError
from bus.sim import Latency, World
from bus.supervisor import Supervisor
from bus.topic import Target

R = TypeVar("R")

GB = 1_000_000_000
DEMO = ProjectId("demo-project")
CONTEXTS = {
    "admin": RequestContext(
        user_id=UserId("a"), project_id=ProjectId("admins"), roles=("admin",), is_admin=True, token="admin"
    ),
    "demo": RequestContext(user_id=UserId("d"), project_id=DEMO, roles=("member",), token="demo"),
    "other": RequestContext(
        user_id=UserId("o"), project_id=ProjectId("other-project"), roles=("member",), token="other"
    ),
}


@attrs.define
class Town:
    """What a test needs at hand."""

    world: World
    store: GlanceStore = attrs.field(factory=GlanceStore)
    valid: dict[str, RequestContext] = attrs.field(factory=CONTEXTS.copy)

    def opened(self, service: Service) -> Guard:
        return self

    async def admit(self, credentials: Credentials) -> RequestContext:
        if credentials.token not in self.valid:
            raise Unauthorized("the request you have made requires authentication")
        return self.valid[credentials.token]

    async def ask(self, request: ApiRequest[R], who: str = "demo", monitor: float | None = None) -> R:
        return await self.world.bus.ask(request, context=Credentials(token=who), monitor=monitor)

    async def image(self, who: str = "demo", **fields) -> Image:
        return await self.ask(CreateImage(**({"disk_format": "qcow2", "container_format": "bare"} | fields)), who)

    async def upload(self, image: Image, size: int = GB, who: str = "demo", content: bytes = b"bytes") -> None:
        await self.ask(UploadImage(image_id=image.id, data=ImageData(size=size, content=content)), who)

    async def status(self, image: Image) -> ImageStatus:
        return (await self.ask(ShowImage(image_id=image.id), "admin")).status


def play(
    story: Callable[[Town], Awaitable[R]], *, config: GlanceConfig | None = None, world: World | None = None, members: int = 2
) -> R:  # fmt: skip
    async def program(world: World) -> R:
        town = Town(world)
        supervisor = Supervisor(world.bus, intensity=1000)
        for _ in range(members):
            ids = Ids(world.random("ids"))
            await supervisor.start(GlanceService, store=town.store, config=config or GlanceConfig(), ids=ids, gate=town)
        return await story(town)

    return (world or World()).run(program)


# -- bytes -------------------------------------------------------------------------------------------------------------


def test_an_image_is_active_once_all_its_bytes_are_there():
    async def story(town: Town):
        image = await town.image()
        assert (image.status, image.size, image.checksum) == (ImageStatus.QUEUED, None, None)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(town.upload, image)
            await anyio.sleep(7.9)
            assert await town.status(image) is ImageStatus.SAVING
            with pytest.raises(ImageDataNotFound):
                await town.ask(DownloadImage(image_id=image.id))
        assert town.world.now == pytest.approx(8, abs=0.01)
        image = await town.ask(ShowImage(image_id=image.id))
        assert (image.status, image.size, image.os_hash_algo) == (ImageStatus.ACTIVE, GB, "sha512")
        data = await town.ask(DownloadImage(image_id=image.id))
        assert (data.checksum, data.os_hash_value) == (image.checksum, image.os_hash_value)
        assert town.world.now == pytest.approx(16, abs=0.02)

    play(story)


def test_a_token_that_expires_does_not_cut_a_transfer_but_the_next_call():
    async def story(town: Town):
        image = await town.image()
        await town.upload(image)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(town.ask, DownloadImage(image_id=image.id))
            await anyio.sleep(1)
            del town.valid["demo"]
        with pytest.raises(Unauthorized):
            await town.ask(DownloadImage(image_id=image.id))

    play(story)


def test_an_image_without_formats_takes_no_bytes():
    async def story(town: Town):
        image = await town.image(disk_format=None)
        with pytest.raises(BadRequest, match="disk_format"):
            await town.upload(image)
        assert await town.status(image) is ImageStatus.QUEUED
        await town.ask(UpdateImage(image_id=image.id, disk_format="raw"))
        await town.upload(image)
        with pytest.raises(Forbidden, match="queued"):
            await town.ask(UpdateImage(image_id=image.id, disk_format="qcow2"))

    play(story)


def test_bytes_are_taken_once():
    async def story(town: Town):
        image, errors = await town.image(), []

        async def upload() -> None:
            try:
                await town.upload(image)
            except InvalidImageStatusTransition as error:
                errors.append(error)

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(upload)
        assert len(errors) == 2
        with pytest.raises(Conflict, match="active"):
            await town.upload(image)
        assert town.store.used[DEMO] == GB

    play(story)


def test_an_image_that_is_deleted_while_it_is_uploaded_leaves_nothing():
    async def story(town: Town):
        image = await town.image()
        async with anyio.create_task_group() as tasks:

            async def upload() -> None:
                with pytest.raises(ImageGone):
                    await town.upload(image)

            tasks.start_soon(upload)
            await anyio.sleep(4)
            await town.ask(DeleteImage(image_id=image.id))
            with pytest.raises(Conflict):
                await town.image(id=image.id)
        assert (town.store.images, town.store.blobs, town.store.used[DEMO]) == ({}, {}, 0)

    play(story)


def test_a_member_that_crashes_in_an_upload_leaves_an_image_that_can_be_deleted():
    async def story(town: Town):
        image = await town.image()
        async with anyio.create_task_group() as tasks:

            async def upload() -> None:
                request = UploadImage(image_id=image.id, data=ImageData(size=GB))
                with pytest.raises(AskTimeout):
                    await town.ask(request, monitor=30)

            tasks.start_soon(upload)
            await anyio.sleep(4)
            for target in town.world.bus.targets("glance"):
                town.world.crash(target)
        assert await town.status(image) is ImageStatus.SAVING
        await town.ask(DeleteImage(image_id=image.id))
        assert (town.store.images, town.store.blobs) == ({}, {})

    play(story)


def test_a_long_transfer_shows_that_it_lives():
    async def story(town: Town):
        image = await town.image()
        request = UploadImage(image_id=image.id, data=ImageData(size=100 * GB))
        await town.ask(request, monitor=30)
        assert await town.status(image) is ImageStatus.ACTIVE

    play(story)


def test_uploads_stay_within_the_quota_of_the_project_and_the_largest_size():
    async def story(town: Town):
        images = [await town.image() for _ in range(4)]
        with pytest.raises(TooLarge, match=str(3 * GB)):
            await town.upload(images[0], size=3 * GB + 1)
        assert town.world.now < 1
        refused = []

        async def upload(image: Image) -> None:
            try:
                await town.upload(image)
            except StorageQuotaFull as error:
                refused.append((image, error))

        async with anyio.create_task_group() as tasks:
            for image in images:
                tasks.start_soon(upload, image)
        assert (len(refused), town.store.used[DEMO], len(town.store.blobs)) == (2, 2 * GB, 2)
        assert await town.status(refused[0][0]) is ImageStatus.QUEUED
        other = await town.image("other")
        await town.upload(other, who="other")
        (active, *_) = [image for image in images if await town.status(image) is ImageStatus.ACTIVE]
        await town.ask(DeleteImage(image_id=active.id))
        await town.upload(refused[0][0])

    play(story, config=GlanceConfig(user_storage_quota=2 * GB, image_size_cap=3 * GB))


def test_delayed_delete_keeps_the_bytes_for_a_while():
    async def story(town: Town):
        image = await town.image()
        await town.upload(image)
        await town.ask(DeleteImage(image_id=image.id))
        with pytest.raises(NotFound):
            await town.ask(ShowImage(image_id=image.id), "admin")
        await anyio.sleep(50)
        assert list(town.store.blobs) == [image.id]
        for target in town.world.bus.targets("glance"):
            town.world.crash(target)
        await anyio.sleep(51)
        assert (town.store.blobs, town.store.pending, town.store.used[DEMO]) == ({}, {}, 0)

    play(story, config=GlanceConfig(delayed_delete=True, scrub_time=100))


# -- status ------------------------------------------------------------------------------------------------------------


def test_every_status_leads_to_deleted_and_deleted_to_nothing():
    assert set(TRANSITIONS) == set(ImageStatus)
    for status, next_ones in TRANSITIONS.items():
        assert (ImageStatus.DELETED in next_ones) == (status is not ImageStatus.DELETED)


def test_a_status_is_changed_only_by_whoever_saw_it_last():
    store, image_id = GlanceStore(), ImageId("image")
    store.images[image_id] = image = Image(id=image_id, owner=DEMO, created_at=0, updated_at=0)
    saving = attrs.evolve(image, status=ImageStatus.SAVING)
    store.swap(image_id, ImageStatus.QUEUED, saving)
    with pytest.raises(InvalidImageStatusTransition, match="saving"):
        store.swap(image_id, ImageStatus.QUEUED, attrs.evolve(image, status=ImageStatus.ACTIVE))
    with pytest.raises(InvalidImageStatusTransition, match="deactivated"):
        store.swap(image_id, ImageStatus.SAVING, attrs.evolve(image, status=ImageStatus.DEACTIVATED))
    assert store.images == {image_id: saving}


def test_a_deactivated_image_is_downloaded_by_administrators_alone():
    async def story(town: Town):
        image = await town.image()
        with pytest.raises(Forbidden, match="queued"):
            await town.ask(DeactivateImage(image_id=image.id))
        await town.upload(image)
        for _ in range(2):
            await town.ask(DeactivateImage(image_id=image.id))
        with pytest.raises(Forbidden):
            await town.ask(DownloadImage(image_id=image.id))
        await town.ask(DownloadImage(image_id=image.id), "admin")
        for _ in range(2):
            await town.ask(ReactivateImage(image_id=image.id))
        await town.ask(DownloadImage(image_id=image.id))

    play(story)


def test_a_protected_image_is_not_deleted():
    async def story(town: Town):
        image = await town.image(protected=True)
        with pytest.raises(Forbidden, match="protected"):
            await town.ask(DeleteImage(image_id=image.id), "admin")
        await town.ask(UpdateImage(image_id=image.id, protected=False))
        await town.ask(DeleteImage(image_id=image.id))
        with pytest.raises(NotFound, match=image.id):
            await town.ask(DeleteImage(image_id=image.id))

    play(story)


# -- who may have what -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("visibility", "shown", "in_lists"),
    [("private", False, False), ("shared", False, False), ("community", True, False), ("public", True, True)],
)
def test_an_image_is_there_for_others_as_its_visibility_says(visibility: str, shown: bool, in_lists: bool):
    async def story(town: Town):
        image = await town.image("admin", visibility=visibility, owner=DEMO)
        for who in ("demo", "admin"):
            assert (await town.ask(ShowImage(image_id=image.id), who)).id == image.id
        assert len(await town.ask(ListImages())) == 1
        assert len(await town.ask(ListImages(), "other")) == in_lists
        assert len(await town.ask(ListImages(visibility="all"), "other")) == shown
        assert len(await town.ask(ListImages(visibility=visibility), "other")) == shown
        if shown:
            for request in (DeleteImage(image_id=image.id), UpdateImage(image_id=image.id, name="mine")):
                with pytest.raises(Forbidden):
                    await town.ask(request, "other")
        else:
            for request in (
                ShowImage(image_id=image.id),
                DownloadImage(image_id=image.id),
                DeleteImage(image_id=image.id),
            ):
                with pytest.raises(NotFound):
                    await town.ask(request, "other")

    play(story)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"visibility": "public"}, Forbidden),
        ({"visibility": "secret"}, BadRequest),
        ({"owner": ProjectId("other-project")}, Forbidden),
        ({"disk_format": "floppy"}, BadRequest),
        ({"container_format": "box"}, BadRequest),
        ({"min_disk": -1}, BadRequest),
        ({"min_ram": -1}, BadRequest),
        ({"tags": ("a", "b", "c")}, TooLarge),
        ({"properties": {"a": "1", "b": "2", "c": "3"}}, TooLarge),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_has_changed(fields, error):
    async def story(town: Town):
        with pytest.raises(error):
            await town.image(**fields)
        assert town.store.images == {}
        image = await town.image()
        if "owner" not in fields:
            with pytest.raises(error):
                await town.ask(UpdateImage(image_id=image.id, **fields))
        assert await town.ask(ShowImage(image_id=image.id)) == image

    play(story, config=GlanceConfig(image_tag_quota=2, image_property_quota=2))


def test_nobody_is_let_in_without_a_token():
    async def story(town: Town):
        with pytest.raises(Unauthorized):
            await town.ask(ListImages(), "nobody")

    play(story)


# -- fields and lists --------------------------------------------------------------------------------------------------


def test_properties_and_tags_are_added_and_taken_away():
    async def story(town: Town):
        image = await town.image(properties={"a": "1", "b": "2"}, tags=("x", "x"))
        assert image.tags == ("x",)
        image = await town.ask(UpdateImage(image_id=image.id, properties={"c": "3"}, remove_properties=("a",)))
        assert dict(image.properties) == {"b": "2", "c": "3"}
        with pytest.raises(BadRequest, match="'a'"):
            await town.ask(UpdateImage(image_id=image.id, remove_properties=("a",)))
        await town.ask(AddTag(image_id=image.id, tag="y"))
        await town.ask(RemoveTag(image_id=image.id, tag="x"))
        with pytest.raises(NotFound, match="'x'"):
            await town.ask(RemoveTag(image_id=image.id, tag="x"))
        assert (await town.ask(ShowImage(image_id=image.id))).tags == ("y",)

    play(story)


def test_images_are_listed_by_every_filter():
    async def story(town: Town):
        fields = {
            "name": "cirros",
            "min_disk": 1,
            "min_ram": 64,
            "protected": True,
            "tags": ("t",),
            "properties": {"a": "1"},
        }
        image = await town.image(**fields)
        other = await town.image(name="other", disk_format="raw", container_format="ovf", os_hidden=True)
        await town.upload(image, size=100)
        image = await town.ask(ShowImage(image_id=image.id))
        filters = [
            {"id": (image.id,)}, {"name": ("cirros", "x")}, {"status": ("active",)}, {"disk_format": ("qcow2",)},
            {"container_format": ("bare",)}, {"checksum": image.checksum}, {"os_hash_value": image.os_hash_value},
            {"protected": True}, {"min_disk": 1}, {"min_ram": 64}, {"size_min": 100}, {"size_max": 100}, {"tags": ("t",)},
            {"properties": {"a": "1"}}, {"owner": DEMO}, {"visibility": "shared"},
        ]  # fmt: skip
        for one in filters:
            assert await town.ask(ListImages(**one)) == (image,), one
        for one in (
            {"size_min": 101},
            {"size_max": 99},
            {"tags": ("t", "u")},
            {"properties": {"a": "2"}},
            {"limit": 0},
        ):
            assert await town.ask(ListImages(**one)) == (), one
        assert [found.id for found in await town.ask(ListImages(os_hidden=True))] == [other.id]

    play(story)


def test_lists_come_newest_first_and_in_pages():
    async def story(town: Town):
        images = []
        for n in range(30):
            await anyio.sleep(1)
            images.append(await town.image(name=f"{n % 3}"))
        assert await town.ask(ListImages()) == tuple(images[:4:-1])
        second = await town.ask(ListImages(marker=images[5].id))
        assert second == tuple(images[4::-1])
        by_name = await town.ask(ListImages(sort_key=("name", "created_at"), sort_dir=("asc", "desc"), limit=2))
        assert by_name == (images[27], images[24])
        for wrong in (
            {"marker": "none"},
            {"limit": -1},
            {"sort_key": ("x",)},
            {"sort_dir": ("up", "up")},
            {"visibility": "x"},
        ):
            with pytest.raises(BadRequest):
                await town.ask(ListImages(**wrong))

    play(story)


@pytest.mark.parametrize(
    ("option", "value"),
    [("image_size_cap", 0), ("user_storage_quota", -1), ("image_tag_quota", -2), ("limit_param_default", 0),
     ("delayed_delete", "yes"), ("upload_bandwidth", 0), ("download_bandwidth", -1.0), ("scrub_time", -1)],
)  # fmt: skip
def test_nonsense_in_options_is_refused_with_its_option(option: str, value: object):
    with pytest.raises((ValueError, TypeError), match=option):
        GlanceConfig(**{option: value})


# -- any order ---------------------------------------------------------------------------------------------------------


def check(town: Town, *, at_rest: bool) -> None:
    """S21: active means complete; no bytes without an image; what is counted is what is there."""
    store = town.store
    for image in store.images.values():
        blob = store.blobs.get(image.id)
        if image.status in {ImageStatus.ACTIVE, ImageStatus.DEACTIVATED}:
            assert blob is not None
            assert blob.complete
            assert (image.size, image.checksum) == (blob.data.size, blob.data.checksum)
        else:
            assert blob is None or not blob.complete
            assert (image.size, image.checksum) == (None, None)
    for project, used in store.used.items():
        assert used == sum(one.data.size for one in store.blobs.values() if one.owner == project and one.complete)
        assert used <= 3 * GB
    if at_rest:
        assert set(store.blobs) <= set(store.images)


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), crashes=st.booleans())
def test_whatever_happens_active_images_are_whole_and_deleted_ones_leave_nothing(seed: int, crashes: bool):
    async def story(town: Town):
        ids = [ImageId(f"image-{n}") for n in range(12)]

        async def caller(name: str) -> None:
            chance = town.world.random(name)
            for _ in range(25):
                await anyio.sleep(chance.choice([0, 0, 1, 4]))
                image_id = chance.choice(ids)
                data = ImageData(size=chance.choice([0, GB // 2, GB, 2 * GB]), content=name.encode())
                requests = [
                    CreateImage(id=image_id, disk_format="raw", container_format="bare"),
                    UploadImage(image_id=image_id, data=data), UploadImage(image_id=image_id, data=data),
                    DeleteImage(image_id=image_id), DeactivateImage(image_id=image_id), ReactivateImage(image_id=image_id),
                    DownloadImage(image_id=image_id), UpdateImage(image_id=image_id, visibility=chance.choice(VISIBILITIES[1:])),
                ]  # fmt: skip
                with contextlib.suppress(Refused, BusError):
                    await town.ask(chance.choice(requests), monitor=25)
                check(town, at_rest=False)

        async def trouble() -> None:
            chance = town.world.random("trouble")
            for _ in range(4):
                await anyio.sleep(chance.uniform(0, 20))
                town.world.crash(Target("glance", server=str(chance.randint(1, 2))))

        async with anyio.create_task_group() as tasks:
            for n in range(4):
                tasks.start_soon(caller, f"caller {n}")
            if crashes:
                tasks.start_soon(trouble)
        await anyio.sleep(100)
        check(town, at_rest=True)
        for image_id in list(town.store.images):
            await town.ask(DeleteImage(image_id=image_id))
        assert (town.store.blobs, sum(town.store.used.values())) == ({}, 0)

    world = World(seed, latency=Latency.lognormal(0.01, 1.0))
    play(story, world=world, config=GlanceConfig(user_storage_quota=3 * GB))
