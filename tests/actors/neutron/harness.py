"""A Neutron with its agents, a Nova that listens, and callers, in a world."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import attrs

from actors.calls import ApiRequest
from actors.context import Credentials, RequestContext
from actors.errors import Unauthorized
from actors.ids import Ids, PortId, ProjectId, ServerId, UserId
from actors.neutron.config import NeutronConfig
from actors.neutron.dhcp_agent import DhcpAgent, HostsFile
from actors.neutron.l2_agent import Bridge, L2Agent
from actors.neutron.messages import CreateNetwork, CreatePort, CreateSubnet, UpdatePort
from actors.neutron.models import Network, Port, Subnet
from actors.neutron.rpc import PlugInterface, UnplugInterface, dhcp_agent, l2_agent
from actors.neutron.service import NeutronService
from actors.neutron.store import NeutronStore
from actors.nova.external_events import CreateExternalEvents, ExternalEvent, ExternalEventResult
from actors.service import Guard, Service
from bus.actor import Actor
from bus.sim import World
from bus.supervisor import Supervisor
from bus.topic import Target

R = TypeVar("R")

DEMO, OTHER = ProjectId("demo-project"), ProjectId("other-project")
CONTEXTS = {
    "admin": RequestContext(
        user_id=UserId("admin"), project_id=ProjectId("admins"), roles=("admin",), is_admin=True, token="admin"
    ),
    "demo": RequestContext(user_id=UserId("demo"), project_id=DEMO, roles=("member",), token="demo"),
    "other": RequestContext(user_id=UserId("other"), project_id=OTHER, roles=("member",), token="other"),
    "nova": RequestContext(user_id=UserId("nova"), project_id=ProjectId("service"), roles=("service",), token="nova"),
}
SERVER = ServerId("11111111-1111-4111-8111-111111111111")


class StubGate:
    """Lets in whoever's name is the token."""

    def opened(self, service: Service) -> Guard:
        return self

    async def admit(self, credentials: Credentials) -> RequestContext:
        if credentials.token not in CONTEXTS:
            raise Unauthorized("the request you have made requires authentication")
        return CONTEXTS[credentials.token]


class NovaStub(Actor):
    """Takes events, and notes when each came."""

    topic = "nova-api"

    def __init__(self, heard: list[tuple[float, ExternalEvent]], batches: list[float]) -> None:
        self.heard = heard
        self.batches = batches

    @CreateExternalEvents.handler
    async def events(self, msg: CreateExternalEvents) -> tuple[ExternalEventResult, ...]:
        now = self.clock.monotonic()
        self.batches.append(now)
        self.heard.extend((now, event) for event in msg.events)
        return tuple(ExternalEventResult(event=event, code=200) for event in msg.events)


@attrs.frozen
class StubSession:
    """Neutron's account."""

    world: World

    async def ask(self, request: ApiRequest[R]) -> R:
        return await self.world.bus.ask(request, context=Credentials(token="nova"))


@attrs.define
class Town:
    """What a test needs at hand."""

    world: World
    config: NeutronConfig
    store: NeutronStore = attrs.field(factory=NeutronStore)
    heard: list[tuple[float, ExternalEvent]] = attrs.field(factory=list)
    batches: list[float] = attrs.field(factory=list)
    servers: list[Target] = attrs.field(factory=list)
    bridges: dict[str, Bridge] = attrs.field(factory=dict)
    files: dict[str, HostsFile] = attrs.field(factory=dict)

    async def settle(self, servers: int, hosts: int, dhcp: int, service: type[NeutronService], agent: type[L2Agent]):
        bus, config = self.world.bus, self.config
        supervisor = Supervisor(bus, intensity=1000)
        await bus.start(NovaStub, self.heard, self.batches)
        for _ in range(servers):
            self.servers.append(
                await supervisor.start(
                    service, store=self.store, config=config, ids=Ids(self.world.random("ids")), gate=StubGate(),
                    chance=self.world.random("neutron"), session=StubSession(self.world),
                )
            )  # fmt: skip
        for n in range(hosts):
            self.bridges[f"host{n}"] = Bridge()
            await supervisor.start(
                agent, host=f"host{n}", bridge=self.bridges[f"host{n}"], config=config,
                topic=L2Agent.topic, server=f"host{n}",
            )  # fmt: skip
        for n in range(dhcp):
            self.files[f"net{n}"] = HostsFile()
            await supervisor.start(
                DhcpAgent, host=f"net{n}", file=self.files[f"net{n}"], config=config,
                topic=DhcpAgent.topic, server=f"net{n}",
            )  # fmt: skip

    async def ask(self, request: ApiRequest[R], who: str = "demo") -> R:
        """Call the API."""
        return await self.world.bus.ask(request, context=Credentials(token=who))

    async def network(self, cidr: str | None = "10.0.0.0/24", who: str = "demo", **fields: Any) -> Network:
        """A network, with a subnet if there is a *cidr*."""
        network = await self.ask(CreateNetwork(**fields), who)
        if cidr is not None:
            await self.subnet(network, cidr, who)
        return network

    async def subnet(self, network: Network, cidr: str, who: str = "demo", **fields: Any) -> Subnet:
        version = 6 if ":" in cidr else 4
        return await self.ask(CreateSubnet(network_id=network.id, cidr=cidr, ip_version=version, **fields), who)

    async def port(self, network: Network, who: str = "demo", **fields: Any) -> Port:
        return await self.ask(CreatePort(network_id=network.id, **fields), who)

    async def servers_port(self, network: Network, device_id: str = SERVER) -> Port:
        return await self.port(network, device_id=device_id)

    async def bind(self, port: Port, host: str) -> Port:
        """Bind a server's port as Nova does."""
        return await self.ask(UpdatePort(port_id=port.id, device_owner="compute:nova", binding_host_id=host), "nova")

    async def plug(self, port_id: PortId, host: str) -> None:
        await self.world.bus.ask(PlugInterface(port_id=port_id), to=l2_agent(host))

    async def unplug(self, port_id: PortId, host: str) -> None:
        await self.world.bus.ask(UnplugInterface(port_id=port_id), to=l2_agent(host))

    def events(self, name: str | None = None) -> list[ExternalEvent]:
        """What Nova heard."""
        return [event for _, event in self.heard if name is None or event.name == name]

    def agents(self) -> list[Target]:
        return [*map(l2_agent, self.bridges), *map(dhcp_agent, self.files)]


def play(
    story: Callable[[Town], Awaitable[R]], *, world: World | None = None, config: NeutronConfig | None = None,
    servers: int = 1, hosts: int = 2, dhcp: int = 1, service: type[NeutronService] = NeutronService,
    agent: type[L2Agent] = L2Agent,
) -> R:  # fmt: skip
    """Run *story* in a town."""

    async def program(world: World) -> R:
        town = Town(world, config or NeutronConfig())
        await town.settle(servers, hosts, dhcp, service, agent)
        return await story(town)

    return (world or World()).run(program)
