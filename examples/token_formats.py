"""Token formats: how long each is, who is asked about one, and when its end, by revocation or by age, is noticed.

What it costs to make a token and to check it is measured by `make bench`.

    python examples/token_formats.py
"""

from functools import partial

import anyio

from actors.auth_token import AuthTokenConfig
from actors.client.held_token import HeldToken
from actors.cloud import Cloud
from actors.errors import Unauthorized
from actors.ids import FlavorId
from actors.journey import Recorder, service_of
from actors.keystone.config import TOKEN_PROVIDERS, KeystoneConfig
from actors.keystone.messages import RevokeToken
from actors.nova.messages.servers import CreateServer, ListServers
from bus.sim import World


async def questions(cloud: Cloud, recorder: Recorder) -> list[str]:
    recorder.forget()
    demo = cloud.session("demo")
    await demo.ask(CreateServer(name="one", flavor_ref=FlavorId("1"), image_ref=cloud.image))
    await anyio.sleep(20)  # that is how long it takes, and more
    return [call.message for call in recorder.journey() if service_of(call.receiver) == "keystone"]


async def seconds_good(world: World, client: HeldToken) -> float:
    began = world.now
    while True:
        try:
            await client.ask(ListServers())
        except Unauthorized:
            return world.now - began
        await anyio.sleep(2)


async def try_out(world: World, *, name: str, cloud: Cloud, recorder: Recorder) -> None:
    await cloud.start(world.bus, world.random)
    first, second = [await questions(cloud, recorder) for _ in range(2)]
    asked = "Keystone" if "ValidateToken" in second else "nobody"
    old, new = [(await cloud.session("demo").token()).id for _ in range(2)]
    await HeldToken(world.bus, old).ask(ListServers())  # from now on nova-api remembers it
    await HeldToken(world.bus, old).ask(RevokeToken(subject=old))
    revoked, more = [await seconds_good(world, HeldToken(world.bus, token)) for token in (old, new)]
    size = float(f"{len(new):.1e}")  # characters, but not exactly: it depends on the machine's zlib
    print(f"{name}  {size:5.0f}  {asked:<8} {len(first):6} {len(second):6} {revoked:7.0f} s {revoked + more:7.0f} s")


if __name__ == "__main__":
    print("token_cache_time   size  asked    1. boot 2. boot  revoked  expires")
    for options in (AuthTokenConfig(), AuthTokenConfig(token_cache_time=-1)):
        for provider in TOKEN_PROVIDERS:
            cloud = Cloud(keystone=KeystoneConfig(provider=provider, expiration=600), auth_token=options)
            program = partial(try_out, name=f"{provider:<6} {options.token_cache_time:9}", cloud=cloud)
            World(middleware=[recorder := Recorder()]).run(partial(program, recorder=recorder))
