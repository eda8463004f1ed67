"""A burst: a hundred servers are asked for at once, and ten hosts share them.

Each of three schedulers takes the best host by what it remembers, so all take the same one; Placement alone knows who has room, and
refuses whoever comes too late. With `host_subset_size` chance chooses among the best hosts, and there are fewer refusals.

    python examples/burst.py
"""

from functools import partial

import anyio

from actors.client.waiting import wait_for_server
from actors.cloud import Cloud, Members
from actors.hypervisor.models import HostResources
from actors.ids import FlavorId
from actors.journey import Recorder
from actors.nova.config import NovaConfig
from actors.nova.messages.servers import CreateServer
from actors.nova.models import QuotaSet, Server
from bus.sim import World


async def boot(cloud: Cloud, number: int, servers: list[Server]) -> None:
    session = cloud.session("admin")
    (created,) = await session.ask(CreateServer(name=f"s{number}", flavor_ref=FlavorId("1"), image_ref=cloud.image))
    servers.append(await wait_for_server(session, created.id, interval=0.5))


async def burst(world: World, *, host_subset_size: int, recorder: Recorder) -> None:
    cloud = Cloud(
        hosts=10,
        host=HostResources(vcpus=3, memory_mb=65_536, local_gb=100),  # room for 12 servers of one processor each
        members=Members(nova_scheduler=3, nova_conductor=2),
        nova=NovaConfig(host_subset_size=host_subset_size, quota=QuotaSet(instances=100, cores=100)),
    )
    await cloud.start(world.bus, world.random)
    servers: list[Server] = []
    async with anyio.create_task_group() as tasks:
        for number in range(100):
            tasks.start_soon(boot, cloud, number, servers)
    refused = sum(call.message == "UpdateAllocations" and call.error is not None for call in recorder.calls)
    print(f"host_subset_size = {host_subset_size}: Placement refuses {refused} claims")
    for host in cloud.hosts:
        print(f"  {'#' * sum(server.host == host for server in servers):<13}{host}")
    took = sorted(server.launched_at - server.created for server in servers if server.launched_at)
    print(f"  {len(took)} servers are ACTIVE after {took[0]:.1f} to {took[-1]:.1f} s")


if __name__ == "__main__":
    for size in (1, 10):
        World(middleware=[recorder := Recorder()]).run(partial(burst, host_subset_size=size, recorder=recorder))
