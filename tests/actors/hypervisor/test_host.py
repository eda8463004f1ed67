"""A host's resources and its image cache."""

import anyio
import pytest

from actors.hypervisor.config import HypervisorConfig
from actors.hypervisor.errors import HostFull, ImageInUse, ImageNotCached
from actors.hypervisor.messages import (
    ListImages,
    LockImage,
    PutImage,
    RemoveImage,
    ResetImageLocks,
    ShowHost,
    SnapshotGuest,
    SpawnGuest,
    UnlockImage,
)
from actors.hypervisor.models import HostResources
from actors.ids import ImageId, ServerId
from bus.errors import AskTimeout
from tests.actors.hypervisor.machine_room import BIG, Room, guest, play

CIRROS = ImageId("cirros")


def test_a_host_tells_what_it_has_and_what_is_taken():
    async def story(room: Room) -> None:
        await room.spawn("one")
        await room.spawn("two", local_gb=0)
        host = await room.ask(ShowHost())
        assert (host.hypervisor_hostname, host.resources, host.running_vms) == ("host1", BIG, 2)
        assert host.used == HostResources(vcpus=2, memory_mb=2048, local_gb=10)

    play(story)


def test_a_full_host_refuses_and_changes_nothing():
    async def story(room: Room) -> None:
        await room.spawn("one", memory_mb=8192)
        with pytest.raises(HostFull, match="1024 MB of memory"):
            await room.spawn("two")
        assert list(await room.states()) == ["one"]

    play(story)


def test_two_guests_that_come_at_once_do_not_share_the_last_room():
    async def story(room: Room) -> list[str]:
        refused: list[str] = []

        async def spawn(name: str) -> None:
            try:
                await room.spawn(name, memory_mb=5000)
            except HostFull:
                refused.append(name)

        async with anyio.create_task_group() as group:
            group.start_soon(spawn, "one")
            group.start_soon(spawn, "two")
        return refused

    assert play(story) == ["two"]


def fetchers(outcomes: list[bool]) -> tuple[list[str], float]:
    """What several builds do that need one image at once: the n-th to fetch succeeds or not."""

    async def story(room: Room) -> tuple[list[str], float]:
        told: list[str] = []
        left = iter(outcomes)

        async def build(name: str) -> None:
            if await room.ask(LockImage(image=CIRROS)):
                told.append(f"{name} has it")
                return
            told.append(f"{name} fetches")
            await anyio.sleep(100)
            await room.ask(PutImage(image=CIRROS, size=7) if next(left) else UnlockImage(image=CIRROS))

        async with anyio.create_task_group() as group:
            for name in ("one", "two", "three"):
                group.start_soon(build, name)
        return told, room.world.now

    return play(story)


def test_one_build_fetches_an_image_and_the_others_wait_for_it():
    assert fetchers([True]) == (["one fetches", "two has it", "three has it"], 100.0)


def test_when_a_fetch_fails_the_next_one_tries():
    assert fetchers([False, True]) == (["one fetches", "two fetches", "three has it"], 200.0)


def test_a_new_nova_compute_frees_the_locks_of_the_old_one():
    async def story(room: Room) -> None:
        assert not await room.ask(LockImage(image=CIRROS))
        async with anyio.create_task_group() as group:
            group.start_soon(room.ask, LockImage(image=CIRROS))  # of the old one, too
            await anyio.sleep(1)
            await room.ask(ResetImageLocks())
        assert not await room.ask(LockImage(image=CIRROS))
        await room.ask(PutImage(image=CIRROS, size=7))
        assert await room.ask(LockImage(image=CIRROS))

    play(story)


def test_whoever_waits_for_an_image_hears_that_the_host_is_alive():
    async def story(room: Room) -> None:
        await room.ask(LockImage(image=CIRROS))
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: room.ask(LockImage(image=CIRROS), monitor=10))
            await anyio.sleep(1000)
            await room.ask(PutImage(image=CIRROS, size=7))

    play(story)


def test_locks_die_with_the_host_and_images_do_not():
    async def story(room: Room) -> None:
        assert not await room.ask(LockImage(image=CIRROS))
        await room.ask(PutImage(image=ImageId("debian"), size=9))
        room.world.crash(room.host())
        await room.world.restart(room.host())
        assert not await room.ask(LockImage(image=CIRROS))
        assert await room.ask(LockImage(image=ImageId("debian")))

    play(story)


def test_a_guest_is_put_on_an_image_that_is_there_and_keeps_it_there():
    async def story(room: Room) -> None:
        with pytest.raises(ImageNotCached, match="cirros"):
            await room.spawn("one", image=CIRROS)
        await room.ask(PutImage(image=CIRROS, size=7))
        (fetched,) = await room.ask(ListImages())
        await anyio.sleep(60)
        await room.spawn("one", image=CIRROS)
        (image,) = await room.ask(ListImages())
        assert (image.size, image.last_used) == (7, fetched.last_used + 60)
        with pytest.raises(ImageInUse, match="1 guests"):
            await room.ask(RemoveImage(image=CIRROS))
        await room.ask(RemoveImage(image=ImageId("other")))
        room.disks["host1"].guests.clear()
        await room.ask(RemoveImage(image=CIRROS))
        assert await room.ask(ListImages()) == ()

    play(story)


def test_a_slow_host_takes_longer_for_everything():
    async def story(room: Room) -> float:
        room.disks["host1"].slowness = 3
        await room.spawn()
        return room.world.now

    assert play(story) == 15.0


def test_whoever_asks_with_a_monitor_waits_for_long_work_and_not_for_a_dead_host():
    async def story(room: Room) -> None:
        await room.spawn("one")
        snapshot = SnapshotGuest(server=ServerId("one"))
        assert await room.ask(snapshot, monitor=10) == 10 << 30
        assert room.world.now == 105.0
        async with anyio.create_task_group() as group:

            async def die() -> None:
                await anyio.sleep(20)
                room.world.crash(room.host())

            group.start_soon(die)
            with pytest.raises(AskTimeout, match="no heartbeat"):
                await room.ask(snapshot, monitor=10)
        assert room.world.now == pytest.approx(105 + 20 + 10, abs=6)

    play(story, config=HypervisorConfig(snapshot_seconds_per_gb=10.0))


def test_a_paused_host_answers_when_it_goes_on():
    async def story(room: Room) -> float:
        room.world.pause(room.host())

        async def go_on() -> None:
            await anyio.sleep(100)
            room.world.resume(room.host())

        async with anyio.create_task_group() as group:
            group.start_soon(go_on)
            await room.ask(SpawnGuest(definition=guest()))
        return room.world.now

    assert play(story) == 105.0
