"""One boot in a cloud of its own, in simulated time: what was asked, what became of it, and what was left behind.

The client holds one token for the whole boot, as one with ``--os-token`` does. If the token is to die on the way, the client signs in,
and waits for most of the token's life before it asks for the server.
"""

from typing import Any, Final, TypeVar, cast

import anyio
import attrs

from actors.cinder.messages import ShowVolume
from actors.cinder.models import Volume
from actors.client.held_token import HeldToken
from actors.client.session import Session
from actors.client.waiting import wait_until_gone
from actors.cloud import Cloud, CloudConfig
from actors.contents import FLAVORS, IMAGE
from actors.errors import Unauthorized
from actors.glance.messages import ListImages
from actors.ids import NetworkId, ServerId
from actors.journey import Call, Recorder, service_of
from actors.keystone.messages import Authenticate
from actors.keystone.models import IssuedToken
from actors.leftovers import leftovers
from actors.neutron.messages import CreateSecurityGroup, ListNetworks, ListSecurityGroups
from actors.nova.messages.keypairs import CreateKeypair, ListKeypairs
from actors.nova.messages.servers import CreateServer, DeleteServer, ListVolumeAttachments, ShowServer
from actors.nova.models import Server, VolumeAttachment
from actors.nova.states import VmState
from bus.sim import Latency, Schedule, World

M = TypeVar("M")

LATENCY: Final = 0.001
"""Seconds that each message takes, so that it shows in the times which came first."""
SETTLED: Final = 10.0
"""Seconds after which whatever follows a server's last state has been done, too."""
TRIES: Final = 20
"""How often it is tried to have a token die at a certain call."""
BUILDERS: Final = ("nova-conductor", "nova-compute")
"""Who works on a server after its client was told that it is accepted."""


@attrs.frozen(kw_only=True)
class Plan:
    """What to try.

    Attributes:
        config: of the cloud.
        seed: of whatever is drawn: ids, keys, addresses. All runs are calm.
        account: how the client signs in.
        request: what it asks for.
        adapt: whether ids in *request* that the cloud does not know stand for what it has.
        life: seconds that the token has left when the server is asked for; None for nearly all of its life.
    """

    config: CloudConfig
    seed: int
    account: Authenticate
    request: CreateServer
    adapt: bool
    life: float | None = None


@attrs.frozen(kw_only=True)
class Launch:
    """What came of a plan.

    Attributes:
        calls: its journey.
        began: seconds of the bus's clock when the server was asked for.
        issued: the client's token.
        servers: as administrators see them.
        attachments: of the servers.
        volumes: of the servers, in the order of *attachments*.
        left: what there was in the cloud when all had come to rest.
        left_after_delete: what there was when the user had signed in again and deleted the servers.
    """

    calls: list[Call]
    began: float
    issued: IssuedToken
    servers: list[Server]
    attachments: list[VolumeAttachment]
    volumes: list[Volume]
    left: dict[str, int]
    left_after_delete: dict[str, int]

    def call(self, name: str) -> Call | None:
        """The first of `users_calls` of this name; None if there is none."""
        return next((call for call in self.users_calls if call.message == name), None)

    @property
    def users_calls(self) -> list[Call]:
        """What was called with the user's token once the server was accepted, in order."""
        return [call for call in self.calls if call.credential.is_users and service_of(call.sender) in BUILDERS]


def launch(plan: Plan) -> Launch:
    """Do it.

    Raises:
        CloudError: if the sign-in or the request is refused.
    """
    recorder = Recorder()
    world = World(schedule=Schedule(seed=plan.seed), latency=Latency.constant(LATENCY), middleware=[recorder])
    return world.run(_Trial(plan, recorder).run)


def launch_dying(plan: Plan, calm: Launch, name: str) -> Launch:
    """Do it with a token that dies just before the call *name*.

    Args:
        plan: what to try; its *life* is found here.
        calm: what came of it with a token that lived.
        name: of one of the calls that were then made with the user's token, once the server was accepted.
    """
    wanted = calm.call(name)
    assert wanted is not None
    life = wanted.time - calm.began
    for _ in range(TRIES):
        found = launch(attrs.evolve(plan, life=life))
        call = found.call(name)
        if call is None:  # it died before: services of an older cloud sign in anew, which takes time
            life += LATENCY
        elif not isinstance(call.error, Unauthorized) and round(call.time - found.began, 6) < life:
            life = round(call.time - found.began, 6)
        else:
            return found
    raise AssertionError(f"no life of a token ends just before {name}")


class _Trial:
    """One run of a plan."""

    def __init__(self, plan: Plan, recorder: Recorder) -> None:
        self.plan = plan
        self.recorder = recorder

    async def run(self, world: World) -> Launch:
        plan, self.world = self.plan, world
        cloud = self.cloud = await Cloud(plan.config).start(world.bus, world.random)
        request = await self._adapted() if plan.adapt else plan.request
        self.recorder.forget()
        issued = await self._session().token()
        client = HeldToken(world.bus, issued.id)
        await client.ask(ListImages())
        if plan.life is not None:
            await anyio.sleep(issued.token.expires_at - world.bus.clock.time() - plan.life)
        began = anyio.current_time()
        created = [one.id for one in await client.ask(request)]
        await self._rest(created)
        calls, left = self.recorder.journey(), leftovers(cloud.stores)
        admin = cloud.session("admin")
        servers = [await admin.ask(ShowServer(server_id=uuid)) for uuid in created]
        attachments = [one for uuid in created for one in await admin.ask(ListVolumeAttachments(server_id=uuid))]
        volumes = [await admin.ask(ShowVolume(volume_id=one.volume_id)) for one in attachments]
        await self._delete(created)
        return Launch(
            calls=calls, began=began, issued=issued, servers=servers, attachments=attachments, volumes=volumes, left=left,
            left_after_delete=leftovers(cloud.stores),
        )  # fmt: skip

    def _session(self) -> Session:
        return Session(self.world.bus, self.world.bus.clock, self.plan.account)

    async def _rest(self, servers: list[ServerId]) -> None:
        """Wait until nothing is being done to the servers, without asking anybody: only the boot is to be seen."""
        rows = self.cloud.stores.nova.instances
        while any(uuid not in rows or rows[uuid].vm_state is VmState.BUILDING for uuid in servers):  # noqa: ASYNC110
            await anyio.sleep(SETTLED)
        await anyio.sleep(SETTLED)

    async def _delete(self, servers: list[ServerId]) -> None:
        user = self._session()
        for uuid in servers:
            await user.ask(DeleteServer(server_id=uuid))
            await wait_until_gone(user, uuid)
        await anyio.sleep(SETTLED)

    async def _adapted(self) -> CreateServer:
        """The request, with ids that the cloud knows; keypair and security groups are made under the names that it has."""
        request, ask = self.plan.request, self._session().ask
        network = (await ask(ListNetworks()))[0].id
        if request.key_name and request.key_name not in {one.name for one in await ask(ListKeypairs())}:
            await ask(CreateKeypair(name=request.key_name))
        groups = {name for one in await ask(ListSecurityGroups()) for name in (one.id, one.name)}
        for name in request.security_groups:
            if name not in groups:
                await ask(CreateSecurityGroup(name=name))
        return adapted(request, network)


def adapted(request: CreateServer, network: NetworkId) -> CreateServer:
    """A request from elsewhere with a flavor, an image and a network that there is."""
    networks = request.networks
    if not isinstance(networks, str):
        networks = tuple(attrs.evolve(one, network_id=network) if one.network_id else one for one in networks)
    return changed(
        request,
        flavor_ref=request.flavor_ref if request.flavor_ref in {one.id for one in FLAVORS} else FLAVORS[0].id,
        image_ref=request.image_ref and IMAGE,
        networks=networks,
        block_devices=tuple(attrs.evolve(one, image_id=one.image_id and IMAGE) for one in request.block_devices),
    )


def changed(message: M, **fields: Any) -> M:
    """A message with other values for some of its fields (mypy does not take messages for attrs classes)."""
    return cast("M", attrs.evolve(cast("Any", message), **fields))
