"""Clouds that are watched, and guards that go wrong, for the tests of invariants."""

from functools import partial

import attrs

from actors.auth_token import AuthTokenConfig
from actors.cloud import Cloud, CloudConfig
from actors.contents import IMAGE
from actors.errors import Unauthorized
from actors.ids import FlavorId
from actors.keystone.config import KeystoneConfig
from actors.nova.messages.servers import CreateServer
from actors.testing.cases import SMALL
from actors.testing.invariants import Watch
from actors.testing.rest import rest
from actors.testing.stage import Stage
from bus.sim import World

TOKENS = KeystoneConfig(expiration=30, allow_expired_window=60, max_active_keys=3, password_hash_rounds=1)
CONFIG = attrs.evolve(SMALL, keystone=TOKENS, auth_token=AuthTokenConfig(token_cache_time=10))


class Watched:
    """A cloud that is watched, on a stage."""

    def __init__(self, world: World, config: CloudConfig = CONFIG, gate=None, invariants=None, **options) -> None:
        self.world = world
        self.cloud = Cloud(config)
        self.stores = self.cloud.stores
        if gate is not None:
            self.cloud._gate = partial(gate, self.cloud._gate)
        self.watch = Watch(self.cloud, world, invariants, **options)

    async def start(self) -> "Watched":
        await self.cloud.start(self.world.bus, self.world.random)
        self.stage = Stage(self.cloud, self.world)
        return self

    async def boot(self, name: str = "one", **how):
        """A server that is ACTIVE."""
        request = CreateServer(name=name, flavor_ref=FlavorId("1"), image_ref=IMAGE, **how)
        (made,) = await self.stage.demo.ask(request)
        await rest(self.cloud, self.world)
        return self.stores.nova.instances[made.id]

    def broken(self) -> set[str]:
        """Names of the invariants that broke."""
        if self.watch._errors:
            raise self.watch._errors[0]
        return {one.invariant for one in self.watch.violations}


class Wrong:
    """Base of gates that are wrong: each guard is handed the right one."""

    def __init__(self, make, service: str) -> None:
        self._right = make(service)

    def opened(self, service):
        guard = type(self).guard(self._right.opened(service))
        guard.service = service
        return guard


class Gullible(Wrong):
    """Once let in, always let in."""

    class guard:
        def __init__(self, right) -> None:
            self.right, self.known = right, {}

        async def admit(self, credentials):
            if credentials.token not in self.known:
                self.known[credentials.token] = await self.right.admit(credentials)
            return attrs.evolve(self.known[credentials.token], request_id=credentials.request_id)


class Confused(Wrong):
    """Takes each caller for the one before."""

    class guard:
        def __init__(self, right) -> None:
            self.right, self.last = right, None

        async def admit(self, credentials):
            context = await self.right.admit(credentials)
            last, self.last = self.last or context, context
            return last


class Paranoid(Wrong):
    """Lets nobody in to nova-api that was issued more than two seconds into the run."""

    class guard:
        def __init__(self, right) -> None:
            self.right = right

        async def admit(self, credentials):
            context = await self.right.admit(credentials)
            if self.service.target.topic == "nova-api" and self.service.clock.monotonic() > 2:
                raise Unauthorized("I do not trust you")
            return context


def run(story, seed: int | None = None):
    """Run a story in a world of its own."""
    return World(seed).run(story)
