"""Delete while building: whatever a server is in when its user deletes it, nothing of it stays.

Nobody tells a host to stop. The delete says `deleting` in the server's row; the build notices when it next wants to change its own
word in there, which is a compare and swap, and clears up.

    python examples/delete_while_building.py
"""

import logging
from functools import partial

import anyio
import structlog

from actors.client.waiting import wait_until_gone
from actors.cloud import Cloud
from actors.ids import FlavorId
from actors.leftovers import leftovers
from actors.nova.messages.servers import CreateServer, DeleteServer, ShowServer
from actors.nova.models import BlockDevice
from bus.sim import World

MOMENTS = (0.0, 0.01, 1.0, 3.2, 4.0, 6.0, 9.6, 12.0)
"""Seconds after the request."""


def disks(cloud: Cloud) -> tuple[BlockDevice, ...]:
    return (
        BlockDevice(source_type="image", destination_type="local", boot_index=0, image_id=cloud.image),
        BlockDevice(source_type="blank", destination_type="volume", volume_size=1, delete_on_termination=True),
    )


async def delete_after(world: World, seconds: float) -> None:
    cloud = await Cloud().start(world.bus, world.random)
    demo = cloud.session("demo")
    request = CreateServer(name="one", flavor_ref=FlavorId("1"), image_ref=cloud.image, block_devices=disks(cloud))
    (created,) = await demo.ask(request)
    await anyio.sleep(seconds)
    asked = world.now
    server, had = await demo.ask(ShowServer(server_id=created.id)), leftovers(cloud.stores)
    print(f"{seconds:5.2f} s  {server.status}, {server.task_state}: it has {had or 'nothing'}")
    await demo.ask(DeleteServer(server_id=created.id))
    await wait_until_gone(demo, created.id, interval=0.1)
    print(f"         gone after {world.now - asked:.1f} s", end=", ")
    await anyio.sleep(10)  # so that its host has done its part
    print(f"leaving {leftovers(cloud.stores) or 'nothing'}")


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for moment in MOMENTS:
        World().run(partial(delete_after, seconds=moment))
