"""A town: Keystone, and services of a few lines behind `auth_token`. Most of what goes wrong with tokens needs no more of a cloud."""

from collections.abc import Mapping
from random import Random
from typing import Any, ClassVar, Final, Self, TypeVar

import anyio
import attrs

from actors.auth_token import AuthToken, TokenCache
from actors.calls import ApiRequest
from actors.client.on_behalf import OnBehalf
from actors.client.session import Session
from actors.cloud import Cloud, CloudConfig, Streams, seeded
from actors.context import RequestContext
from actors.keystone.messages import Authenticate
from actors.service import Gate, Guard, Service, request_context
from bus.actor import Actor
from bus.broker import Bus
from bus.message import message
from bus.supervisor import Supervisor

K = TypeVar("K")

NOVA: Final = "nova"
CINDER: Final = "cinder"
"""The desks of a town, by their topics: Nova calls Cinder on behalf of users."""


@message
class Look(ApiRequest[RequestContext]):
    """Ask a desk whom it takes one for."""

    topic: ClassVar[str] = CINDER


@message
class Work(ApiRequest[None]):
    """Have Nova do something that takes a while, and at the end call Cinder with the user's token and its own beside it.

    Attributes:
        seconds: how long it takes.
    """

    topic: ClassVar[str] = NOVA
    timeout: ClassVar[float] = float("inf")
    seconds: float


@message
class Errand(ApiRequest[None]):
    """Have Nova call Cinder with its own account."""

    topic: ClassVar[str] = NOVA


class Desk(Service):
    """A service that does next to nothing, for whoever `auth_token` lets in.

    Args:
        gate: `auth_token`.
        session: opens a session of its own account.
    """

    def __init__(self, *, gate: Gate, session: "Opening") -> None:
        self.gate = gate
        self._open = session

    async def started(self) -> None:
        """Sign in anew in each life."""
        await super().started()
        self._own = self._open(self)
        self._user = OnBehalf(self.bus, self._own)

    @Look.handler
    async def look(self, msg: Look) -> RequestContext:
        return request_context()

    @Work.handler
    async def work(self, msg: Work) -> None:
        await anyio.sleep(msg.seconds)
        await self._user.ask(Look(), request_context())

    @Errand.handler
    async def errand(self, msg: Errand) -> None:
        await self._own.ask(Look())


@attrs.frozen
class Opening:
    """How a service gets a session of its own account.

    Attributes:
        kind: `Session`, or what stands in its place.
        account: how it signs in.
        retries: how often a connection that failed is tried again.
    """

    kind: type[Session]
    account: Authenticate
    retries: int = 0

    def __call__(self, service: Service) -> Session:
        """Open one for the life of *service* that begins."""
        return self.kind(service.bus, service.clock, self.account, connect_retries=self.retries)


@attrs.frozen
class TownGate:
    """`auth_token` as `actors.client.gate` sets it up, of classes that may be replaced.

    Attributes:
        town: which says by what.
        service: whose account asks Keystone.
    """

    town: "Town"
    service: str

    def opened(self, service: Service) -> Guard:
        """A guard for the life of *service* that begins."""
        town, config = self.town, self.town.config.auth_token
        session = town.opening(self.service, config.http_request_max_retries)(service)
        return town.kind(AuthToken)(session, service.clock, config, town.kind(TokenCache)(service.clock))


class Town(Cloud):
    """A cloud of Keystone and two desks. What is *replaced* in it may be any class that it asks `kind` for."""

    def __init__(
        self, config: CloudConfig | None = None, *, replaced: Mapping[type, type] | None = None, **options: Any
    ) -> None:
        super().__init__(config, replaced=replaced, **options)
        self._kinds = replaced or {}

    def kind(self, of: type[K]) -> type[K]:
        """The class *of*, or what stands in its place."""
        return self._kinds.get(of, of)

    async def start(self, bus: Bus, random: Streams | None = None) -> Self:
        """Start Keystone, and the desks."""
        self.bus = bus
        self._random = random or seeded(0)
        self._supervisor = Supervisor(bus, "town", intensity=1_000_000)
        await self._start_identity()
        for name in (NOVA, CINDER):
            await self.begin(Desk, topic=name, gate=self._gate(name), session=self.opening(name))
        return self

    async def begin(self, actor: type[Actor], **arguments: Any) -> None:
        """Start an actor, or what stands in its place, under supervision."""
        await self._begin(actor, **arguments)

    def opening(self, name: str, retries: int = 0) -> Opening:
        """How a service opens a session of the account *name*."""
        return Opening(self.kind(Session), self.account(name), retries)

    def session(self, name: str = "demo") -> Session:
        """A session of an account."""
        return self.kind(Session)(self.bus, self.bus.clock, self.account(name))

    def chance(self, name: str) -> Random:
        """A stream of random numbers."""
        return self._random(name)

    def gate(self, service: str) -> Gate:
        """`auth_token` in front of a service, asking Keystone with the account of that name."""
        gate: Gate = self._gate(service)
        return gate

    def _gate(self, service: str) -> Any:
        """As of `Cloud`, which those who watch it ask for."""
        return TownGate(self, service)
