"""What the races of the boot path have in common: a small and quick cloud, and whoever boots servers in it."""

from typing import Any, Final

import anyio
import attrs

from actors.cinder.messages import CreateVolume, ShowVolume
from actors.client.session import Session
from actors.cloud import Cloud, Members
from actors.contents import IMAGE
from actors.hypervisor.config import HypervisorConfig
from actors.hypervisor.models import HostResources
from actors.ids import FlavorId, ServerId, VolumeId
from actors.neutron.config import NeutronConfig
from actors.nova.config import NovaConfig
from actors.nova.messages.servers import CreateServer, ShowServer
from actors.nova.models import BlockDevice
from actors.races.base import Stage
from bus.sim.links import Latency

TINY: Final = FlavorId("1")
"""One processor, 512 MB of memory, 1 GB of disk."""
QUICK: Final = HypervisorConfig(spawn_seconds=1.0, destroy_seconds=0.5, attach_seconds=0.5, detach_seconds=0.5)
"""Hypervisors that soon have done what they are asked."""
LATENCY: Final = 0.1
"""Seconds that a message takes at most, unless a run is calm."""

QUERY: Final = 0.05
"""Seconds that pass between a look into a database and the write that rests on it, where those are two."""


def nova(**options: Any) -> NovaConfig:
    """Nova as it should be, but for *options*, with short timeouts."""
    usual: dict[str, Any] = {"send_service_user_token": True, "vif_plugging_timeout": 20.0}
    return NovaConfig(**(usual | options))


async def open_small(stage: Stage, *, latency: float = LATENCY, **options: Any) -> Cloud:
    """Start a cloud with one host and no volumes, unless *options* say otherwise.

    Args:
        stage: where.
        latency: seconds that a message takes at most, once the cloud has started.
        **options: of a `CloudConfig`.
    """
    small: dict[str, Any] = {
        "hosts": 1, "backends": (), "dhcp_agents": 0, "hypervisor": QUICK, "nova": nova(),
        "neutron": NeutronConfig(send_events_interval=0.5),
    }  # fmt: skip
    cloud = await stage.open(Cloud, **(small | options))
    stage.world.links.set(Latency.within(latency))
    return cloud


def server(name: str, **options: Any) -> CreateServer:
    """A request for one server of the smallest flavor."""
    usual: dict[str, Any] = {"flavor_ref": TINY, "image_ref": IMAGE}
    return CreateServer(name=name, **(usual | options))


async def make_volume(who: Session) -> VolumeId:
    """A volume of 1 GB, as soon as it is available."""
    volume = await who.ask(CreateVolume(size=1))
    while volume.status != "available":
        await anyio.sleep(0.5)
        volume = await who.ask(ShowVolume(volume_id=volume.id))
    return volume.id


def on_volume(volume: VolumeId) -> BlockDevice:
    """A disk that is a volume which is there already."""
    return BlockDevice(source_type="volume", destination_type="volume", volume_id=volume)


async def active_server(who: Session, name: str = "one") -> ServerId:
    """A server, as soon as it runs."""
    (made,) = await who.ask(server(name))
    while (await who.ask(ShowServer(server_id=made.id))).status == "BUILD":  # noqa: ASYNC110 (nobody tells)
        await anyio.sleep(1)
    return made.id


async def open_overbooked(stage: Stage, **options: Any) -> Cloud:
    """Start a cloud of two hosts with room for one server each, where Placement thinks that there is room for two.

    So a build fails on a host to which two schedulers send one each, and is sent on to the other host.
    """
    room = HostResources(vcpus=1, memory_mb=65_536, local_gb=1000)
    tight = attrs.evolve(QUICK, cpu_overcommit=1.0)
    return await open_small(
        stage, hosts=2, host=room, hypervisor=tight, nova=nova(initial_cpu_allocation_ratio=2.0),
        members=Members(nova_scheduler=2), **options,
    )  # fmt: skip
