"""A cloud: which actors there are, in which order they start, and what is in it to begin with.

::

    cloud = Cloud(hosts=3)


    async def program(world):
        await cloud.start(world.bus, world.random)
        demo = cloud.session("demo")
        (server,) = await demo.ask(CreateServer(name="one", flavor_ref=FlavorId("1"), image_ref=cloud.image))


    World(seed=7).run(program)

In real time the same cloud starts on a `bus.Bus`. Databases, disks and storage arrays are in `Cloud.stores` and outlive the actors;
every actor is supervised, so one that crashes begins a new life with an empty memory.
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final, Self

import anyio
import attrs
from attrs.validators import ge, instance_of, min_len

from actors.accounts import ACCOUNTS, fill
from actors.auth_token import AuthTokenConfig, TokenCache
from actors.cinder.config import CinderConfig
from actors.cinder.neighbours import Glance
from actors.cinder.service.api import CinderApi
from actors.cinder.service.scheduler import CinderScheduler
from actors.cinder.service.volume import CinderVolume
from actors.cinder.storage import StorageArray
from actors.cinder.store import CinderStore
from actors.client.gate import AuthTokenGate
from actors.client.nova import NovaCaller, NovaServers
from actors.client.session import Session
from actors.contents import IMAGE, Contents, furnish
from actors.glance.config import GlanceConfig
from actors.glance.service import GlanceService
from actors.glance.store import GlanceStore
from actors.hypervisor.config import HypervisorConfig
from actors.hypervisor.models import HostResources
from actors.hypervisor.service import HypervisorService
from actors.hypervisor.store import HostStore
from actors.ids import DomainId, Ids, ImageId
from actors.keystone.config import KeystoneConfig
from actors.keystone.messages import Authenticate
from actors.keystone.providers import make_provider, set_up
from actors.keystone.service import KeystoneService
from actors.keystone.store import Store as KeystoneStore
from actors.neutron.config import NeutronConfig
from actors.neutron.dhcp_agent import DhcpAgent, HostsFile
from actors.neutron.l2_agent import Bridge, L2Agent
from actors.neutron.rpc import L2_AGENT_TYPE
from actors.neutron.service import NeutronService
from actors.neutron.store import NeutronStore
from actors.nova.config import NovaConfig
from actors.nova.service.api import NovaApi
from actors.nova.service.compute import NovaCompute
from actors.nova.service.conductor import NovaConductor
from actors.nova.service.scheduler import NovaScheduler
from actors.nova.store import NovaStore
from actors.placement.config import PlacementConfig
from actors.placement.service import PlacementService
from actors.placement.store import PlacementStore
from bus.actor import Actor
from bus.broker import Bus
from bus.supervisor import Supervisor

READY_POLL: Final = 0.5
"""Seconds between two looks whether all hosts have reported."""
RESTARTS: Final = 1_000_000
"""Crashes that the cloud mends; experiments crash actors as often as they like."""

Streams = Callable[[str], Random]
"""Streams of random numbers, by name: `bus.sim.World.random`."""


def seeded(seed: int) -> Streams:
    """Streams for real time, each a function of the seed and its name."""
    streams: dict[str, Random] = {}
    return lambda name: streams.setdefault(name, Random(f"{name}/{seed}"))


@attrs.frozen(kw_only=True)
class Members:
    """How many members each service has; all of them share one database.

    Attributes:
        keystone: each with key files of its own.
        glance: members of Glance.
        placement: members of Placement.
        neutron: members of neutron-server.
        cinder_api: members of cinder-api.
        cinder_scheduler: members of cinder-scheduler.
        nova_api: members of nova-api.
        nova_conductor: members of nova-conductor.
        nova_scheduler: members of nova-scheduler.
    """

    keystone: int = attrs.field(default=1, validator=ge(1))
    glance: int = attrs.field(default=1, validator=ge(1))
    placement: int = attrs.field(default=1, validator=ge(1))
    neutron: int = attrs.field(default=1, validator=ge(1))
    cinder_api: int = attrs.field(default=1, validator=ge(1))
    cinder_scheduler: int = attrs.field(default=1, validator=ge(1))
    nova_api: int = attrs.field(default=1, validator=ge(1))
    nova_conductor: int = attrs.field(default=1, validator=ge(1))
    nova_scheduler: int = attrs.field(default=1, validator=ge(1))


@attrs.frozen(kw_only=True)
class CloudConfig:
    """What a cloud is made of.

    The options of the services are OpenStack's own, with its defaults, but for one: `send_service_user_token` is on in Nova, without
    which no current cloud gets its volumes back (CVE-2023-2088), and in Cinder, whose images outlive a token otherwise.

    Attributes:
        hosts: hypervisors; they are called ``host1``, ``host2``, ...
        host: what each of them has.
        members: how many members each service has.
        backends: names of the cinder-volume backends, each with a storage array.
        array_gb: GB of each array.
        dhcp_agents: hosts that run a DHCP agent.
        keystone: options.
        glance: options.
        placement: options.
        neutron: options.
        cinder: options.
        nova: options.
        hypervisor: how long things take on a host.
        auth_token: options of the middleware in front of every service.
        shared_token_cache: whether the members of a service share what their middleware remembers, as with memcached.
        contents: flavors, an image, a network and a keypair to begin with; None for none.
    """

    hosts: int = attrs.field(default=2, validator=[instance_of(int), ge(0)])
    host: HostResources = HostResources(vcpus=16, memory_mb=65_536, local_gb=1000)
    members: Members = Members()
    backends: tuple[str, ...] = attrs.field(default=("lvm",), converter=tuple, validator=min_len(0))
    array_gb: float = attrs.field(default=10_000, validator=ge(0))
    dhcp_agents: int = attrs.field(default=1, validator=[instance_of(int), ge(0)])
    keystone: KeystoneConfig = KeystoneConfig()
    glance: GlanceConfig = GlanceConfig()
    placement: PlacementConfig = PlacementConfig()
    neutron: NeutronConfig = NeutronConfig()
    cinder: CinderConfig = CinderConfig(send_service_user_token=True)
    nova: NovaConfig = NovaConfig(send_service_user_token=True)
    hypervisor: HypervisorConfig = HypervisorConfig()
    auth_token: AuthTokenConfig = AuthTokenConfig()
    shared_token_cache: bool = False
    contents: Contents | None = Contents()


@attrs.define
class Stores:
    """What outlives every actor: databases, disks, bridges, storage arrays."""

    keystone: KeystoneStore
    cinder: CinderStore
    glance: GlanceStore = attrs.field(factory=GlanceStore)
    placement: PlacementStore = attrs.field(factory=PlacementStore)
    neutron: NeutronStore = attrs.field(factory=NeutronStore)
    nova: NovaStore = attrs.field(factory=NovaStore)
    hosts: dict[str, HostStore] = attrs.field(factory=dict[str, HostStore])
    bridges: dict[str, Bridge] = attrs.field(factory=dict[str, Bridge])
    arrays: dict[str, StorageArray] = attrs.field(factory=dict[str, StorageArray])


class Cloud:
    """A whole cloud.

    Args:
        config: what it is made of.
        replaced: for experiments: classes of actors, and what is started in their place.
        **options: in place of *config*: the attributes of a `CloudConfig`.
    """

    def __init__(
        self, config: CloudConfig | None = None, *, replaced: Mapping[type[Actor], type[Actor]] | None = None,
        **options: Any,
    ) -> None:  # fmt: skip
        self.config = attrs.evolve(config or CloudConfig(), **options)
        self._replaced = replaced or {}
        self.stores = Stores(KeystoneStore(self.config.keystone.password_hash_rounds), CinderStore(self.config.cinder))
        self.hosts = tuple(f"host{number}" for number in range(1, self.config.hosts + 1))

    async def start(self, bus: Bus, random: Streams | None = None) -> Self:
        """Start every actor, wait until all hosts have reported, and put in what it is to contain.

        Args:
            bus: where.
            random: where chance comes from; None for the same streams each time.
        """
        self.bus = bus
        self._random = random or seeded(0)
        self._supervisor = Supervisor(bus, "cloud", intensity=RESTARTS)
        await self._start_identity()
        await self._start_services()
        await self._start_nova()
        await self._start_hosts()
        await self._wait_for_hosts()
        if self.config.contents is not None:
            await furnish(self.config.contents, self.session("admin"), self.session("demo"))
        return self

    @property
    def image(self) -> ImageId:
        """The image that is in every cloud with contents."""
        return IMAGE

    def account(self, name: str) -> Authenticate:
        """How one of `actors.accounts.ACCOUNTS` signs in."""
        return ACCOUNTS[name].sign_in(DomainId(self.config.keystone.default_domain_id))

    def session(self, name: str = "demo") -> Session:
        """A session of one of the accounts: ``"admin"``, ``"demo"``, or that of a service."""
        return Session(self.bus, self.bus.clock, self.account(name))

    # -- starting --------------------------------------------------------------------------------------------------------

    def _chance(self, name: str) -> dict[str, Any]:
        stream = self._random(name)
        return {"ids": Ids(stream), "chance": stream}

    def _gate(self, service: str) -> AuthTokenGate:
        """`auth_token` in front of a service, asking Keystone with the service's own account."""
        shared = TokenCache(self.bus.clock) if self.config.shared_token_cache else None
        return AuthTokenGate(account=self.account(service), config=self.config.auth_token, shared=shared)

    async def _begin(self, actor: type[Actor], **arguments: Any) -> None:
        await self._supervisor.start(self._replaced.get(actor, actor), **arguments)

    async def _members(self, count: int, actor: type[Actor], **arguments: Any) -> None:
        for _ in range(count):
            await self._begin(actor, **arguments)

    async def _start_identity(self) -> None:
        config, chance, store = self.config.keystone, self._chance("keystone"), self.stores.keystone
        fill(store, chance["ids"], chance["chance"], DomainId(config.default_domain_id))
        backing = set_up(config, chance["chance"], self.bus.clock.time())
        for number in range(self.config.members.keystone):
            own = backing.copied() if number else backing
            provider = make_provider(config, chance["chance"], own)
            await self._begin(KeystoneService, store=store, config=config, provider=provider, keys=own.keys, **chance)

    async def _start_services(self) -> None:
        config, members, stores = self.config, self.config.members, self.stores
        await self._members(
            members.glance, GlanceService, store=stores.glance, config=config.glance, gate=self._gate("glance"),
            ids=self._chance("glance")["ids"],
        )  # fmt: skip
        await self._members(
            members.placement, PlacementService, store=stores.placement, config=config.placement,
            gate=self._gate("placement"), **self._chance("placement"),
        )  # fmt: skip
        await self._members(
            members.neutron, NeutronService, store=stores.neutron, config=config.neutron, gate=self._gate("neutron"),
            session=self.session("neutron"), **self._chance("neutron"),
        )  # fmt: skip
        await self._members(
            members.cinder_api, CinderApi, store=stores.cinder, config=config.cinder, gate=self._gate("cinder"),
            ids=self._chance("cinder")["ids"], glance=self._glance(), servers=NovaServers(),
        )  # fmt: skip
        await self._members(members.cinder_scheduler, CinderScheduler, store=stores.cinder, config=config.cinder)
        for backend in config.backends:
            stores.arrays[backend] = StorageArray(volume_backend_name=backend, total_capacity_gb=config.array_gb)
            await self._begin(
                CinderVolume, store=stores.cinder, config=config.cinder, array=stores.arrays[backend], glance=self._glance(),
                server=f"storage@{backend}",
            )  # fmt: skip

    def _glance(self) -> Glance:
        """Glance as a service of Cinder asks it."""
        session = self.session("cinder")

        async def service_token() -> str:
            return (await session.token()).id

        return Glance(service_token if self.config.cinder.send_service_user_token else None)

    async def _start_nova(self) -> None:
        members, nova = self.config.members, self._nova("nova")
        await self._members(members.nova_api, NovaApi, gate=self._gate("nova"), **nova)
        await self._members(members.nova_conductor, NovaConductor, **nova)
        await self._members(members.nova_scheduler, NovaScheduler, **nova)

    def _nova(self, stream: str) -> dict[str, Any]:
        """What every one of Nova's services is given."""
        caller = NovaCaller(
            account=self.account("nova"), send_service_user_token=self.config.nova.send_service_user_token
        )
        return {"store": self.stores.nova, "config": self.config.nova, "caller": caller, **self._chance(stream)}

    async def _start_hosts(self) -> None:
        config, stores, nova = self.config, self.stores, self._nova("nova-compute")
        for number, host in enumerate(self.hosts):
            stores.hosts[host], stores.bridges[host] = HostStore(config.host), Bridge()
            await self._begin(HypervisorService, server=host, store=stores.hosts[host], config=config.hypervisor)
            await self._begin(L2Agent, server=host, host=host, bridge=stores.bridges[host], config=config.neutron)
            if number < config.dhcp_agents:
                await self._begin(DhcpAgent, server=host, host=host, file=HostsFile(), config=config.neutron)
            await self._begin(NovaCompute, server=host, **nova)

    async def _wait_for_hosts(self) -> None:
        """Wait until each host's nova-compute and L2 agent have reported: before that no server can be there."""
        while not self._hosts_reported():  # noqa: ASYNC110 (nobody tells; the tables are looked at)
            await anyio.sleep(READY_POLL)

    def _hosts_reported(self) -> bool:
        services, agents = self.stores.nova.services, self.stores.neutron.agents
        return all(("nova-compute", host) in services and (L2_AGENT_TYPE, host) in agents for host in self.hosts)
