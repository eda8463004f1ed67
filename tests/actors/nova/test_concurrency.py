"""A thousand servers at once: nothing is given away twice, and nothing is left."""

from collections import Counter
from contextlib import suppress
from random import Random

import anyio
import pytest

from actors.errors import CloudError
from actors.hypervisor.models import HostResources
from actors.neutron.config import NeutronConfig
from actors.nova.config import NovaConfig
from actors.nova.messages.servers import DeleteServer
from actors.nova.models import QuotaSet
from actors.testing.operations import EXTRA_VOLUME
from bus.errors import BusError
from tests.actors.nova.stage import Stage, play

HOSTS = 10
ROOM = HostResources(vcpus=8, memory_mb=16_384, local_gb=60)
"""Room for some 300 servers in all, so that hosts are full, and claims are fought for."""


def check(stage: Stage) -> None:
    """What must hold at any instant."""
    stores = stage.cloud.stores
    for host, store in stores.hosts.items():
        memory = sum(guest.resources.memory_mb for guest in store.guests.values())
        assert memory <= ROOM.memory_mb, host
    for provider in stores.placement.providers.values():
        for inventory in provider.inventories.values():
            assert provider.used.get(inventory.resource_class, 0) <= inventory.capacity
    ports = stores.neutron.ports.values()
    addresses = Counter((ip.subnet_id, ip.ip_address) for port in ports for ip in port.fixed_ips)
    assert [address for address, uses in addresses.items() if uses > 1] == []
    macs = Counter(port.mac_address for port in ports)
    assert [mac for mac, uses in macs.items() if uses > 1] == []
    attached = Counter(row.volume_id for row in stores.cinder.attachments)
    assert [volume for volume, uses in attached.items() if uses > 1] == []


async def live(stage: Stage, chance: Random, number: int) -> None:
    """Boot a server at some time, and delete it at some later time, whatever has become of it."""
    await anyio.sleep(chance.uniform(0, 60))
    disks = (EXTRA_VOLUME,) if number % 10 == 0 else ()
    with suppress(CloudError, BusError):
        server = await stage.boot(block_devices=disks)
        await anyio.sleep(chance.choice((0, 0.01, chance.uniform(0, 10), chance.uniform(0, 200))))
        await stage.demo.ask(DeleteServer(server_id=server))


@pytest.mark.parametrize(
    ("servers", "users", "schedule"), [(1000, 0, None), (300, 1, None), (300, 2, None), (200, 3, 1)]
)
def test_boots_and_deletes_at_random_times_fill_no_host_and_share_no_address_or_volume(servers, users, schedule):
    async def story(stage: Stage) -> int:
        chance = Random(users)
        async with anyio.create_task_group() as tasks:
            for number in range(servers):
                tasks.start_soon(live, stage, chance, number)
            for _ in range(150):
                await anyio.sleep(2)
                check(stage)
        while stage.left() and stage.world.now < 5000:
            await anyio.sleep(10)
            for server in list(stage.cloud.stores.nova.mappings):
                with suppress(CloudError, BusError):
                    await stage.demo.ask(DeleteServer(server_id=server))
        check(stage)
        assert stage.left() == {}
        return len(stage.cloud.stores.nova.deleted)

    unlimited = QuotaSet(instances=-1, cores=-1, ram=-1)
    built = play(
        story, seed=schedule, hosts=HOSTS, host=ROOM,
        nova=NovaConfig(send_service_user_token=True, quota=unlimited),
        neutron=NeutronConfig(quota_port=-1),
    )  # fmt: skip
    assert built > servers / 10
