"""A key rotation that loses tokens: rotated every twenty minutes, three keys are too few for tokens that live for an hour.

How many are needed is what `python -m actors tokens advise --expiration 1h --allow-expired-window 0 --rotation-interval 20m` says.

    python examples/key_rotation.py
"""

from functools import partial

import anyio

from actors.auth_token import AuthTokenConfig
from actors.client.held_token import HeldToken
from actors.cloud import Cloud
from actors.context import RequestContext
from actors.errors import Unauthorized
from actors.glance.messages import ListImages
from actors.ids import UserId
from actors.keystone.config import KeystoneConfig
from actors.keystone.messages import RotateKeys
from actors.keystone.tokens.advice import KeyPlan
from bus.sim import World

EXPIRATION, INTERVAL = 3600, 1200
OPERATOR = RequestContext(user_id=UserId("operator"), is_admin=True, token="")


async def live_of_a_token(world: World, keys: int) -> float:
    """Seconds for which a token is good, while keys are rotated."""
    config = KeystoneConfig(expiration=EXPIRATION, max_active_keys=keys)
    auth_token = AuthTokenConfig(token_cache_time=-1)  # Keystone is asked each time
    cloud = await Cloud(hosts=0, keystone=config, auth_token=auth_token).start(world.bus, world.random)
    user = HeldToken(world.bus, (await world.bus.ask(cloud.account("demo"))).id)
    issued, rotations = world.now, 0
    while True:
        await anyio.sleep(60)
        if world.now - issued >= 60 + INTERVAL * rotations:  # the first one comes a minute after the token
            rotations += 1
            await world.bus.ask(RotateKeys(), context=OPERATOR)
        try:
            await user.ask(ListImages())
        except Unauthorized:
            return world.now - issued


if __name__ == "__main__":
    plan = KeyPlan(max_active_keys=3, rotation_interval=INTERVAL)
    needed = plan.keys_needed(EXPIRATION)
    assert needed is not None  # it would be, if keys took longer to distribute than to rotate
    for keys in (3, needed - 1, needed):
        good = World().run(partial(live_of_a_token, keys=keys))
        print(f"{keys} keys: a token that should live for {EXPIRATION} s is good for {good:.0f} s")
