"""Real time: the same cloud under plain `anyio.run`, where a second is a second.

An actor cannot tell the difference. So that the boot is over soon, hosts are fast here, and the image is small.

    python examples/real_time.py
"""

import anyio

from actors.client.waiting import wait_for_server, wait_until_gone
from actors.cloud import Cloud
from actors.contents import Contents
from actors.hypervisor.config import HypervisorConfig
from actors.ids import FlavorId
from actors.leftovers import leftovers
from actors.neutron.config import NeutronConfig
from actors.nova.messages.servers import CreateServer, DeleteServer
from bus import Bus


async def main() -> None:
    cloud = Cloud(
        hosts=3,
        contents=Contents(image_bytes=1_000_000),
        hypervisor=HypervisorConfig(spawn_seconds=0.05, destroy_seconds=0.01, unpause_seconds=0.01),
        neutron=NeutronConfig(wiring_time=0.01, dhcp_reload_time=0.01),
    )
    async with Bus() as bus:
        await cloud.start(bus)
        demo = cloud.session("demo")
        request = CreateServer(name="web", flavor_ref=FlavorId("1"), image_ref=cloud.image, min_count=3, max_count=3)
        created = await demo.ask(request)
        for one in created:
            server = await wait_for_server(demo, one.id, interval=0.05)
            print(f"{server.name} is {server.status}")
        print(leftovers(cloud.stores))
        for one in created:
            await demo.ask(DeleteServer(server_id=one.id))
        for one in created:
            await wait_until_gone(demo, one.id, interval=0.05)
        print("deleted")


if __name__ == "__main__":
    anyio.run(main)
