"""A Keystone with an administrator, a service account and a demo user, in a world."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from random import Random
from typing import Any, ClassVar, TypeVar

import attrs

from actors.auth_token import AuthTokenConfig
from actors.calls import ApiRequest, Rpc
from actors.client.gate import AuthTokenGate
from actors.client.session import Session
from actors.context import Credentials, RequestContext
from actors.ids import DomainId, Ids, ProjectId, RoleId, UserId
from actors.keystone.config import KeystoneConfig
from actors.keystone.messages import Authenticate
from actors.keystone.models import Domain, Endpoint, IssuedToken, Project, ProjectScope, Role, User
from actors.keystone.providers import Backing, make_provider, set_up
from actors.keystone.service import KeystoneService
from actors.keystone.store import Grant, Store
from actors.keystone.tokens.authority import Authority, create_authority
from actors.keystone.tokens.directory import Directory
from actors.keystone.tokens.store import TokenStore
from actors.keystone.tokens_region import TokensRegion
from actors.service import Service, request_context
from bus.message import message
from bus.middleware import Middleware
from bus.sim import World
from bus.sim.world import EPOCH
from bus.topic import Target
from bus.trace import Sink

R = TypeVar("R")

DEFAULT = DomainId("default")
ACCOUNTS = {"admin": "admin", "nova": "service", "demo": "member"}


@message
class WhoAmI(ApiRequest[RequestContext]):
    """Ask the probe whom it takes one for."""

    topic: ClassVar[str] = "probe"


class Probe(Service):
    """A service behind `auth_token` that tells whom it let in."""

    topic: ClassVar[str] = "probe"

    def __init__(self, gate: AuthTokenGate) -> None:
        self.gate = gate

    @WhoAmI.handler
    async def who(self, msg: WhoAmI) -> RequestContext:
        return request_context()


OPERATOR = RequestContext(user_id=UserId("operator"), is_admin=True, token="")
"""Who runs `keystone-manage`."""


@attrs.frozen
class Town:
    """What a test needs at hand.

    Attributes:
        backing: what the first Keystone's tokens rest on.
        keystones: addresses of all Keystones.
    """

    world: World
    store: Store
    backing: Backing
    keystones: tuple[Target, ...]

    @property
    def keys(self) -> Directory | None:
        """The folder of the first Keystone's Fernet keys."""
        return self.backing.keys

    @property
    def keystone(self) -> Target:
        """The first Keystone."""
        return self.keystones[0]

    def account(self, name: str) -> Authenticate:
        """How *name* signs in."""
        return Authenticate(
            user_name=name, user_domain_id=DEFAULT, password=f"{name}-secret",
            scope=ProjectScope(name="demo" if name == "demo" else "service", domain_id=DEFAULT),
        )  # fmt: skip

    async def who(self, token: str | None, service_token: str | None = None) -> RequestContext:
        """Call the probe with these tokens."""
        return await self.world.bus.ask(WhoAmI(), context=Credentials(token=token, service_token=service_token))

    async def ask(self, message: ApiRequest[R], token: str | None, *, to: Target | None = None) -> R:
        """Call an API with this token."""
        return await self.world.bus.ask(message, to=to, context=Credentials(token=token))

    async def operate(self, message: Rpc[R], keystone: int = 0) -> R:
        """Do what `keystone-manage` does, on one of the Keystones."""
        return await self.world.bus.ask(message, to=self.keystones[keystone], context=OPERATOR)

    async def sign_in(self, name: str = "demo", **changes: Any) -> IssuedToken:
        """Sign *name* in, or otherwise by *changes*."""
        return await self.world.bus.ask(attrs.evolve(self.account(name), **changes))

    def session(self, name: str) -> Session:
        """A session of *name*."""
        return Session(self.world.bus, self.world.bus.clock, self.account(name))


def filled_store(chance: Random) -> Store:
    """A database with the three accounts."""
    store = Store()
    store.domains[DEFAULT] = Domain(id=DEFAULT, name="Default")
    store.endpoints.append(Endpoint(service_type="compute", service_name="nova", topic="nova-api"))
    for name in ("service", "demo"):
        store.projects[ProjectId(name)] = Project(id=ProjectId(name), name=name, domain_id=DEFAULT)
    for name, role in ACCOUNTS.items():
        store.roles[RoleId(role)] = Role(id=RoleId(role), name=role)
        user = User(id=UserId(name), name=name, domain_id=DEFAULT)
        store.users[user.id] = user
        store.set_password(user.id, f"{name}-secret", chance)
        store.grants[Grant(user.id, "demo" if name == "demo" else "service", RoleId(role))] = None
    return store


Story = Callable[[Town], Awaitable[Any]]


@cache
def authority() -> Authority:
    """Who signs PKI tokens: the same one in all stories, for making its keys takes a second."""
    return create_authority(Random("authority").randbytes, EPOCH)


def backing_for(config: KeystoneConfig, chance: Random) -> Backing:
    """What the tokens rest on."""
    if config.provider in {"pki", "pkiz"}:
        return Backing(tokens=TokenStore(), authority=authority())
    return set_up(config, chance, EPOCH)


def play(
    story: Story,
    *,
    seed: int | None = None,
    config: KeystoneConfig | None = None,
    auth_token: AuthTokenConfig | None = None,
    keystones: int = 1,
    region: TokensRegion | None = None,
    trace: Sink | None = None,
    middleware: Sequence[Middleware] = (),
) -> Any:
    """Play a story in a world with Keystones and a probe behind `auth_token`.

    Args:
        story: what happens.
        seed: of the world.
        config: of Keystone.
        auth_token: of the probe.
        keystones: how many members Keystone has; each has a copy of the first one's keys.
        region: what they remember of tokens, together.
        trace: where the world's records go.
        middleware: of the world's bus.
    """

    async def program(world: World) -> Any:
        chance = world.random("keystone")
        store, options = filled_store(chance), config or KeystoneConfig()
        backing = backing_for(options, chance)
        targets: list[Target] = []
        for n in range(keystones):
            own = backing if n == 0 else backing.copied()
            provider = make_provider(options, chance, own)
            targets.append(
                await world.bus.start(
                    KeystoneService, store=store, config=options, ids=Ids(chance), chance=chance, provider=provider,
                    keys=own.keys, region=region,
                )
            )  # fmt: skip
        town = Town(world, store, backing, tuple(targets))
        await world.bus.start(
            Probe, AuthTokenGate(account=town.account("nova"), config=auth_token or AuthTokenConfig())
        )
        try:
            return await story(town)
        finally:
            if backing.tokens is not None:
                backing.tokens.close()

    return World(seed, trace=trace, middleware=middleware).run(program)
