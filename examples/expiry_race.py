"""A token that expires in the middle of a boot: found by `hunt`, made small by `shrink`, run again from its line, and mended.

The user's token has five seconds left when a server is asked for. That is enough for all calls that need it, or so it seems: one message
that is late will do.

    python examples/expiry_race.py
"""

import logging
from functools import partial

import anyio
import structlog

from actors.client.held_token import HeldToken
from actors.client.waiting import wait_for_server
from actors.cloud import Cloud
from actors.ids import FlavorId
from actors.keystone.config import KeystoneConfig
from actors.nova.config import NovaConfig
from actors.nova.messages.servers import CreateServer
from actors.testing.restraint import restrain
from bus.sim import World, hunt, replay, shrink

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


async def boot(world: World, *, service_tokens: bool) -> str:
    begin = restrain(world)  # whatever is late is late by fifteen seconds at most, and nothing is before we begin
    nova = NovaConfig(send_service_user_token=service_tokens)
    cloud = await Cloud(keystone=KeystoneConfig(expiration=20), nova=nova).start(world.bus, world.random)
    user = HeldToken(world.bus, (await world.bus.ask(cloud.account("demo"))).id)
    await anyio.sleep(15)
    begin()
    (created,) = await user.ask(CreateServer(name="one", flavor_ref=FlavorId("1"), image_ref=cloud.image))
    server = await wait_for_server(cloud.session("demo"), created.id)
    assert server.status == "ACTIVE", server.fault and server.fault.message
    return server.status


if __name__ == "__main__":
    bare, protected = partial(boot, service_tokens=False), partial(boot, service_tokens=True)
    print("calm:", World().run(bare))
    failure = hunt(bare, runs=200)
    assert failure is not None
    print(f"run {failure.runs}: {str(failure.error).splitlines()[0]}")
    small = shrink(failure)
    print("all goes as usual, except:", ", ".join(str(one) for one in small.schedule.deviations))
    print(small.schedule)
    print("the same with service tokens:", replay(protected, str(small.schedule)))
