"""Waiting for a server ends as soon as nothing is being done to it any more."""

import anyio
import pytest

from actors.client.waiting import wait_for_server, wait_until_gone
from actors.cloud import Cloud
from actors.errors import NotFound
from actors.ids import FlavorId
from actors.nova.messages.servers import CreateServer, DeleteServer, RebootServer, ShowServer
from bus.sim import World


def in_a_cloud(hosts: int, story) -> None:
    async def program(world: World) -> None:
        cloud = await Cloud(hosts=hosts).start(world.bus, world.random)
        demo = cloud.session("demo")
        (created,) = await demo.ask(CreateServer(name="one", flavor_ref=FlavorId("1"), image_ref=cloud.image))
        await story(world, demo, created.id)

    World().run(program)


def test_a_server_that_works_ends_active():
    async def story(world, demo, server_id):
        assert (await wait_for_server(demo, server_id)).status == "ACTIVE"

    in_a_cloud(1, story)


def test_a_server_that_does_not_ends_in_error():
    async def story(world, demo, server_id):
        assert (await wait_for_server(demo, server_id)).status == "ERROR"

    in_a_cloud(0, story)


def test_a_reboot_is_waited_for_too():
    async def story(world, demo, server_id):
        await wait_for_server(demo, server_id)
        began = world.now
        await demo.ask(RebootServer(server_id=server_id))
        assert (await wait_for_server(demo, server_id, interval=0.5)).status == "ACTIVE"
        assert 5.0 <= world.now - began < 6.0

    in_a_cloud(1, story)


def test_a_delete_is_over_when_the_server_is_not_found():
    async def story(world, demo, server_id):
        await wait_for_server(demo, server_id)
        await demo.ask(DeleteServer(server_id=server_id))
        assert (await demo.ask(ShowServer(server_id=server_id))).task_state == "deleting"
        await wait_until_gone(demo, server_id)
        with pytest.raises(NotFound):
            await demo.ask(ShowServer(server_id=server_id))

    in_a_cloud(1, story)


def test_a_server_that_nobody_deletes_is_waited_for_as_long_as_the_caller_likes():
    async def story(world, demo, server_id):
        with pytest.raises(TimeoutError), anyio.fail_after(3600):
            await wait_until_gone(demo, server_id)
        assert world.now > 3600

    in_a_cloud(1, story)
