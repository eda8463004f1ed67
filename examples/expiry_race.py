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
from actors.nova.config import NovaConfig
from actors.nova.messages.servers import CreateServer
from actors.testing.restraint import restrain
from bus.sim import World, hunt, replay, shrink

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


async def boot(world: World, *, service_tokens: bool) -> str:
    begin = restrain(world)  # before we begin nothing is late, and then nothing by more than fifteen seconds
    nova = NovaConfig(send_service_user_token=service_tokens)
    cloud = await Cloud(nova=nova).start(world.bus, world.random)
    demo = cloud.session("demo")
    issued = await demo.token()
    await anyio.sleep(issued.token.expires_at - world.bus.clock.time() - 5)
    request = CreateServer(name="one", flavor_ref=FlavorId("1"), image_ref=cloud.image)
    (created,) = await HeldToken(world.bus, issued.id).ask(request)
    begin()
    server = await wait_for_server(demo, created.id)
    assert server.status == "ACTIVE", server.fault and server.fault.message
    return server.status


if __name__ == "__main__":
    bare, protected = partial(boot, service_tokens=False), partial(boot, service_tokens=True)
    print("calm:", World().run(bare))
    failure = hunt(bare)
    assert failure is not None
    print(f"run {failure.runs}: {failure.error}".splitlines()[0])
    small = shrink(failure)
    print("all goes as usual, except:", ", ".join(str(one) for one in small.schedule.deviations))
    print(small.schedule)
    print("the same with service tokens:", replay(protected, str(small.schedule)))
    print("and in other runs:", "held" if hunt(protected, runs=20) is None else "failed")
