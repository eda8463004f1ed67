"""A Keystone with an administrator, a service account and a demo user, in a world."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, ClassVar

import attrs

from actors.auth_token import AuthTokenConfig
from actors.calls import ApiRequest
from actors.client.gate import AuthTokenGate
from actors.client.session import Session
from actors.context import Credentials, RequestContext
from actors.ids import DomainId, Ids, ProjectId, RoleId, UserId
from actors.keystone.config import KeystoneConfig
from actors.keystone.messages import Authenticate
from actors.keystone.models import Domain, Endpoint, Project, ProjectScope, Role, User
from actors.keystone.service import KeystoneService
from actors.keystone.store import Grant, Store
from actors.keystone.tokens.directory import MemoryDirectory
from actors.keystone.tokens.fernet import FernetProvider
from actors.keystone.tokens.keys import KeyRepository
from actors.keystone.tokens.rotation import run, set_up
from actors.service import Service, request_context
from bus.message import message
from bus.sim import World
from bus.topic import Target

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


@attrs.frozen
class Town:
    """What a test needs at hand."""

    world: World
    store: Store
    keys: MemoryDirectory
    keystone: Target

    def account(self, name: str) -> Authenticate:
        """How *name* signs in."""
        return Authenticate(
            user_name=name, user_domain_id=DEFAULT, password=f"{name}-secret",
            scope=ProjectScope(name="demo" if name == "demo" else "service", domain_id=DEFAULT),
        )  # fmt: skip

    async def who(self, token: str | None, service_token: str | None = None) -> RequestContext:
        """Call the probe with these tokens."""
        return await self.world.bus.ask(WhoAmI(), context=Credentials(token=token, service_token=service_token))

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


def play(
    story: Story,
    *,
    seed: int | None = None,
    config: KeystoneConfig | None = None,
    auth_token: AuthTokenConfig | None = None,
) -> Any:
    """Play a story in a world with a Keystone and a probe behind `auth_token`."""

    async def program(world: World) -> Any:
        chance = world.random("keystone")
        store, keys = filled_store(chance), MemoryDirectory()
        options = config or KeystoneConfig()
        run(set_up(keys, chance.randbytes, options.max_active_keys), keys)
        provider = FernetProvider(keys=KeyRepository(keys), randomness=chance.randbytes)
        keystone = await world.bus.start(
            KeystoneService, store=store, config=options, ids=Ids(chance), chance=chance, provider=provider, keys=keys
        )
        town = Town(world, store, keys, keystone)
        await world.bus.start(
            Probe, AuthTokenGate(account=town.account("nova"), config=auth_token or AuthTokenConfig())
        )
        return await story(town)

    return World(seed).run(program)
