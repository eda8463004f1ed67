"""The part of nova-api that answers without asking anybody, in a world, behind a gate that knows three people."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import ClassVar, TypeVar

import attrs

from actors.calls import ApiRequest
from actors.context import Credentials, RequestContext
from actors.errors import Unauthorized
from actors.ids import Ids, ProjectId, UserId
from actors.nova.config import NovaConfig
from actors.nova.messages import TOPIC
from actors.nova.models import ComputeService
from actors.nova.service.compute_services import ComputeServices
from actors.nova.service.flavors import Flavors
from actors.nova.service.keypairs import Keypairs
from actors.nova.service.quota_sets import QuotaSets
from actors.nova.service.server_groups import ServerGroups
from actors.nova.store import NovaStore
from actors.service import Guard, Service
from bus.sim import World

R = TypeVar("R")

DEMO = ProjectId("demo-project")
CONTEXTS = {
    who: RequestContext(
        user_id=UserId(who), project_id=ProjectId(f"{who}-project"), roles=roles, is_admin="admin" in roles, token=who
    )
    for who, roles in (("admin", ("admin",)), ("demo", ("member",)), ("other", ("member",)))
}


class Desk(Flavors, Keypairs, ServerGroups, QuotaSets, ComputeServices):
    """One member of it."""

    topic: ClassVar[str] = TOPIC

    def __init__(self, *, store: NovaStore, config: NovaConfig, ids: Ids, chance: Random, gate: "Office") -> None:
        self.store = store
        self.config = config
        self.ids = ids
        self.chance = chance
        self.gate = gate

    async def service_disabled_changed(self, row: ComputeService) -> None:
        self.gate.told.append(row)


@attrs.define
class Office:
    """What a test needs at hand."""

    world: World
    store: NovaStore = attrs.field(factory=NovaStore)
    told: list[ComputeService] = attrs.field(factory=list)

    def opened(self, service: Service) -> Guard:
        return self

    async def admit(self, credentials: Credentials) -> RequestContext:
        if credentials.token not in CONTEXTS:
            raise Unauthorized("the request you have made requires authentication")
        return CONTEXTS[credentials.token]

    async def ask(self, request: ApiRequest[R], who: str = "demo") -> R:
        return await self.world.bus.ask(request, context=Credentials(token=who))


def play(story: Callable[[Office], Awaitable[R]], config: NovaConfig | None = None) -> R:
    """Run a story with two members of the API."""

    async def program(world: World) -> R:
        office = Office(world)
        for _ in range(2):
            await world.bus.start(
                Desk, store=office.store, config=config or NovaConfig(), ids=Ids(world.random("ids")),
                chance=world.random("nova"), gate=office,
            )  # fmt: skip
        return await story(office)

    return World().run(program)
