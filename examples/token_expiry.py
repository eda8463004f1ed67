"""Token expiry: a boot whose token dies on the way, without and with service tokens.

Nobody but its user can renew a token. One of Nova's own beside it makes it good beyond its end.

    python examples/token_expiry.py
"""

import logging
from functools import partial

import anyio
import structlog

from actors.client.held_token import HeldToken
from actors.client.waiting import wait_for_server, wait_until_gone
from actors.cloud import Cloud
from actors.errors import Unauthorized
from actors.ids import FlavorId
from actors.leftovers import leftovers
from actors.nova.config import NovaConfig
from actors.nova.messages.servers import CreateServer, DeleteServer
from actors.nova.models import BlockDevice
from bus.sim import World

SECONDS_LEFT = (-1.0, 1.5, 3.2, 30.0)
"""Before the request is made; while the volume is waited for; while it is attached; after the boot."""


async def boot(world: World, *, seconds_left: float, service_tokens: bool) -> None:
    cloud = await Cloud(nova=NovaConfig(send_service_user_token=service_tokens)).start(world.bus, world.random)
    demo = cloud.session("demo")
    issued = await demo.token()
    client = HeldToken(world.bus, issued.id)  # as `openstack --os-token`: it cannot sign in again
    await anyio.sleep(issued.token.expires_at - world.bus.clock.time() - seconds_left)
    disk = BlockDevice(
        source_type="image", destination_type="volume", boot_index=0, image_id=cloud.image, volume_size=1,
        delete_on_termination=True,
    )  # fmt: skip
    try:
        (created,) = await client.ask(CreateServer(name="one", flavor_ref=FlavorId("1"), block_devices=(disk,)))
    except Unauthorized as error:
        print(f"  {seconds_left:4.1f} s left  refused at once: {error}")
        return
    server = await wait_for_server(demo, created.id)
    await anyio.sleep(5)
    print(f"  {seconds_left:4.1f} s left  {server.status}, has {leftovers(cloud.stores)}")
    if server.fault is not None:
        print("              fault:", server.fault.message)
    await demo.ask(DeleteServer(server_id=created.id))
    await wait_until_gone(demo, created.id)
    await anyio.sleep(5)
    print("              deleted by its user, leaves", leftovers(cloud.stores))


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for service_tokens in (False, True):
        print(f"send_service_user_token = {service_tokens}")
        for seconds_left in SECONDS_LEFT:
            World().run(partial(boot, seconds_left=seconds_left, service_tokens=service_tokens))
