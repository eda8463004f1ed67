"""The stage on which the operations of a workload meet: people who hold tokens, and servers and volumes that are known by name."""

from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

import anyio
import attrs

from actors.calls import ApiRequest
from actors.client.caller import Caller
from actors.cloud import Cloud
from actors.context import Credentials, RequestContext
from actors.errors import CloudError
from actors.ids import ServerId, UserId, VolumeId
from actors.keystone.messages import Authenticate
from actors.keystone.models import IssuedToken
from bus.errors import BusError
from bus.sim import World

R = TypeVar("R")
V = TypeVar("V")

OPERATOR: Final = RequestContext(user_id=UserId(""), roles=("admin",), is_admin=True, token="")
"""The context of what an operator does on a machine itself."""
POLL: Final = 1.0
"""Seconds between two looks of who waits for something."""


class Person:
    """Somebody at a terminal: signs in once, uses the token until it is refused, then signs in again and tries once more.

    Unlike `actors.client.session.Session` it does not renew a token that is about to expire, as a token in an environment variable is
    not renewed.

    Args:
        world: where.
        account: how to sign in.
    """

    def __init__(self, world: World, account: Authenticate) -> None:
        self.account = account
        self.token: IssuedToken | None = None
        self._bus = world.bus
        self._caller = Caller(world.bus)

    async def ask(self, request: ApiRequest[R]) -> R:
        """Call an API. Raises as `actors.client.session.Session.ask`."""
        return await self._caller.call(request, self._credentials, self._forget)

    def sign_in_with(self, password: str) -> None:
        """Use another password from now on."""
        account = self.account
        self.account = Authenticate(
            user_name=account.user_name, user_domain_id=account.user_domain_id, password=password, scope=account.scope
        )

    async def sign_in(self) -> IssuedToken:
        """Get a token, and use it from now on."""
        self.token = await self._bus.ask(self.account)
        return self.token

    async def _credentials(self) -> Credentials:
        return Credentials(token=(self.token or await self.sign_in()).id)

    def _forget(self, refused: Credentials) -> bool:
        if self.token is not None and self.token.id == refused.token:
            self.token = None
        return True


class Named(Generic[V]):
    """Things that operations know by name, and wait for until they are there."""

    def __init__(self) -> None:
        self._there: dict[str, V] = {}
        self._coming: dict[str, anyio.Event] = {}

    def announce(self, name: str) -> None:
        """Say that somebody will put it there, or give it up."""
        self._coming.setdefault(name, anyio.Event())

    def put(self, name: str, thing: V | None) -> None:
        """Put it there; None if it could not be made."""
        if thing is not None:
            self._there[name] = thing
        self._coming.setdefault(name, anyio.Event()).set()

    async def get(self, name: str) -> V | None:
        """Wait for it; None if there is none, and nobody makes one."""
        coming = self._coming.get(name)
        if coming is not None:
            await coming.wait()
        return self._there.get(name)


@attrs.define(eq=False)
class Stage:
    """Where a workload runs.

    Attributes:
        cloud: which has started.
        world: its world.
        demo: an ordinary user.
        admin: an administrator.
        servers: by name.
        volumes: by name.
        rotating: held by whoever rotates keys, until every Keystone has them.
    """

    cloud: Cloud
    world: World
    demo: Person = attrs.field(init=False)
    admin: Person = attrs.field(init=False)
    servers: Named[ServerId] = attrs.field(init=False, factory=Named[ServerId])
    volumes: Named[VolumeId] = attrs.field(init=False, factory=Named[VolumeId])
    rotating: anyio.Lock = attrs.field(init=False, factory=anyio.Lock)

    def __attrs_post_init__(self) -> None:
        self.demo = Person(self.world, self.cloud.account("demo"))
        self.admin = Person(self.world, self.cloud.account("admin"))

    async def attempt(self, what: Awaitable[R]) -> R | None:
        """What came of a call; None if the cloud refused, or did not answer: whether it may is for the invariants to say."""
        try:
            return await what
        except (CloudError, BusError):
            return None

    async def insist(self, what: Callable[[], Awaitable[R]], attempts: int = 20) -> R | None:
        """Repeat a call until it is answered, as an operator does who puts things right again."""
        for _ in range(attempts):
            try:
                return await what()
            except (CloudError, BusError):
                await anyio.sleep(POLL)
        return None

    async def wait_until(self, is_so: Callable[[], bool], seconds: float) -> bool:
        """Look now and then whether something is so; False if it is not in time."""
        with anyio.move_on_after(seconds):
            while not is_so():  # noqa: ASYNC110 (nobody tells)
                await anyio.sleep(POLL)
            return True
        return False
