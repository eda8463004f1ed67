"""Boot from volume: Cinder makes a disk from the image, and it can outlive the server that boots from it.

The body is that of `openstack server create --boot-from-volume 1`, with this cloud's ids.

    python examples/boot_from_volume.py
"""

import anyio

from actors.cinder.messages import ListVolumes
from actors.client.waiting import wait_for_server, wait_until_gone
from actors.cloud import Cloud
from actors.nova.messages.servers import DeleteServer, ListVolumeAttachments
from actors.nova.requests.servers import read_create_server
from bus.sim import World

BODY = {"server": {
    "name": "two", "flavorRef": "1", "imageRef": "", "min_count": 1, "max_count": 1, "networks": "auto",
    "block_device_mapping_v2": [{
        "uuid": "c1205000-0000-4000-8000-000000000001", "source_type": "image", "destination_type": "volume", "boot_index": 0,
        "volume_size": 1, "delete_on_termination": False,
    }],
}}  # fmt: skip


async def main(world: World) -> None:
    cloud = await Cloud().start(world.bus, world.random)
    demo = cloud.session("demo")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch, world, cloud)
        (created,) = await demo.ask(read_create_server(BODY))
        server = await wait_for_server(demo, created.id, interval=0.5)
        (attachment,) = await demo.ask(ListVolumeAttachments(server_id=server.id))
        print(f"{world.now:4.1f} s  the server is {server.status}, and boots from {attachment.device}")
        await demo.ask(DeleteServer(server_id=server.id))
        await wait_until_gone(demo, server.id, interval=0.5)
        (volume,) = await demo.ask(ListVolumes())
        print(f"{world.now:4.1f} s  the server is deleted, the volume is not: it is {volume.status}")
        tasks.cancel_scope.cancel()


async def watch(world: World, cloud: Cloud) -> None:
    session, status = cloud.session("demo"), ""
    while True:
        for volume in await session.ask(ListVolumes()):
            if volume.status != status:
                status = volume.status
                print(f"{world.now:4.1f} s  the volume is {status}")
        await anyio.sleep(0.1)


if __name__ == "__main__":
    World().run(main)
