"""The order of states and notifications, spelt out."""

import anyio

from actors.hypervisor.errors import HostFull
from actors.hypervisor.messages import SpawnGuest
from actors.nova.messages.servers import CreateServer
from actors.nova.models import Server
from actors.testing.operations import ROOT_VOLUME
from bus.middleware import Middleware, Passage
from tests.actors.nova.stage import Stage, play

SELECTED = ["scheduler.select_destinations.start", "scheduler.select_destinations.end"]
PICKED_UP = [
    "building/scheduling -> building/None",
    "instance.create.start",
    "building/None -> building/None",
    "building/None -> building/networking",
    "building/networking -> building/block_device_mapping",
]
SPAWNED = ["building/block_device_mapping -> building/spawning"]
BOOTED = [
    *SELECTED,
    "building/scheduling",
    *PICKED_UP,
    *SPAWNED,
    "building/spawning -> active/None",
    "instance.create.end",
]
DELETED = [
    "active/None -> active/deleting",
    "instance.delete.start",
    "instance.shutdown.start",
    "instance.shutdown.end",
    "active/deleting -> deleted/None",
    "instance.delete.end",
]
FAILED_ON_A_HOST = [
    "instance.shutdown.start",
    "instance.shutdown.end",
    "building/spawning -> building/spawning",
    "instance.create.error",
    "building/spawning -> building/spawning",
    "building/spawning -> building/scheduling",
]
"""Shut down, no host any more, the error, no ports any more, and back to scheduling."""


class Full(Middleware):
    """Hypervisors that have no room for a guest, whatever Placement says."""

    def __init__(self, times: int) -> None:
        self.times = times

    def deliver(self, passage: Passage) -> None:
        if isinstance(passage.message, SpawnGuest) and self.times > 0:
            self.times -= 1
            raise HostFull("no room")


def test_a_boot_and_a_delete_notify_every_step_in_novas_order():
    async def story(stage: Stage) -> None:
        server = await stage.active()
        assert stage.heard == BOOTED
        stage.heard.clear()
        await stage.delete(server.id)
        await anyio.sleep(5)
        assert stage.heard == DELETED
        assert stage.left() == {}

    play(story)


def test_a_boot_from_volume_goes_through_the_same_states():
    async def story(stage: Stage) -> None:
        server = await stage.active(image_ref=None, block_devices=(ROOT_VOLUME,))
        assert stage.heard == BOOTED
        (volume,) = stage.cloud.stores.cinder.volumes
        assert volume.status == "in-use"
        assert [attached.id for attached in server.volumes_attached] == [volume.id]
        await stage.delete(server.id)
        await anyio.sleep(30)
        assert stage.left() == {}

    play(story)


def test_a_boot_that_fails_on_a_host_goes_on_elsewhere():
    async def story(stage: Stage) -> None:
        server = await stage.active()
        assert stage.heard == [
            *BOOTED[:3], *PICKED_UP, *SPAWNED, *FAILED_ON_A_HOST,
            "building/scheduling -> building/scheduling",
            *PICKED_UP, *SPAWNED, *BOOTED[-2:],
        ]  # fmt: skip
        assert stage.cloud.stores.nova.instances[server.id].host == "host2"
        await stage.delete(server.id)
        await anyio.sleep(5)
        assert stage.left() == {}

    play(story, middleware=[Full(1)], hosts=3)


def test_a_boot_that_fails_everywhere_is_given_up_after_max_attempts():
    async def story(stage: Stage) -> None:
        server = await stage.settled(await stage.boot())
        assert isinstance(server, Server)
        assert server.status == "ERROR"
        assert server.fault is not None
        assert "Exceeded max scheduling attempts 3" in server.fault.message
        assert stage.heard.count("instance.create.error") == 3
        assert stage.heard[-2:] == ["building/scheduling -> error/None", "compute_task.build_instances.error"]
        assert set(stage.left()) == {"servers", "mappings"}
        await stage.delete(server.id)
        assert stage.left() == {}

    play(story, middleware=[Full(99)], hosts=5)


def test_a_server_that_no_host_can_have_is_buried_and_says_why():
    async def story(stage: Stage) -> None:
        (created,) = await stage.ask(
            CreateServer(name="big", flavor_ref=stage.cloud.stores.nova.flavors["4"].id, image_ref=stage.cloud.image)
        )
        server = await stage.settled(created.id)
        assert server is not None
        assert server.status == "ERROR"
        assert server.fault is not None
        assert server.fault.message == "No valid host was found."
        assert stage.heard == ["building/scheduling -> error/None", "compute_task.build_instances.error"]
        assert stage.cloud.stores.nova.mappings[created.id].cell == "cell0"
        await stage.delete(created.id)
        assert stage.left() == {}

    play(story, hosts=0)
