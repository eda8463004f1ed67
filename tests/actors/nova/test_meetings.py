"""Operations on one server that meet: whoever is second, nothing is left of what the first had begun."""

from contextlib import ExitStack

import anyio
import attrs
import pytest

from actors.cinder.messages import CreateAttachment, CreateVolume, DeleteVolume
from actors.errors import Unavailable
from actors.hypervisor.messages import DetachDisk, SpawnGuest
from actors.neutron.messages import ActivatePortBinding
from actors.nova.external_events import CreateExternalEvents
from actors.nova.messages.servers import DeleteServer, DetachVolume, LiveMigrateServer
from actors.nova.models import BlockDevice
from actors.placement.messages import DeleteAllocations
from actors.testing.operations import EXTRA_VOLUME
from bus.middleware import Middleware
from bus.sim.links import Latency
from tests.actors.nova.stage import Stage, play


@pytest.mark.parametrize("late", [(), (ActivatePortBinding, DeleteAllocations)], ids=["calm", "late"])
@pytest.mark.parametrize("tenths", range(0, 96, 6))
def test_a_server_that_is_deleted_on_its_way_leaves_nothing_on_either_host(tenths, late):
    async def story(stage: Stage) -> None:
        server = (await stage.active(block_devices=(EXTRA_VOLUME,))).id
        stage.world.links.set(Latency.constant(0.1))
        with ExitStack() as delays:
            for message in late:
                delays.enter_context(stage.world.faults.delay(3, message=message))
            await stage.admin.ask(LiveMigrateServer(server_id=server))
            await anyio.sleep(tenths / 10)
            await stage.demo.ask(DeleteServer(server_id=server))
            await anyio.sleep(300)
        for volume in stage.left().get("volumes", ()):  # one that was being attached when it was to be deleted
            await stage.demo.ask(DeleteVolume(volume_id=volume))
        await anyio.sleep(10)
        assert stage.left() == {}

    play(story)


@pytest.mark.parametrize("tenths", range(0, 60, 4))
def test_a_volume_that_is_detached_while_its_server_moves_is_free_and_attached_to_nothing(tenths):
    async def story(stage: Stage) -> None:
        server = (await stage.active(block_devices=(attrs.evolve(EXTRA_VOLUME, delete_on_termination=False),))).id
        (volume,) = stage.cloud.stores.cinder.volumes
        stage.world.links.set(Latency.constant(0.1))
        with stage.world.faults.delay(tenths / 10, message=DetachDisk):
            await stage.demo.ask(DetachVolume(server_id=server, volume_id=volume.id))
            await stage.admin.ask(LiveMigrateServer(server_id=server))
            await anyio.sleep(300)
        stores = stage.cloud.stores
        disks = [disk for disk in stores.nova.block_devices[server] if disk.is_volume]
        assert (disks, list(stores.cinder.attachments)) == ([], [])

    play(story)


class FirstSpawnFails(Middleware):
    def __init__(self) -> None:
        self.failed = False

    def deliver(self, passage) -> None:
        if isinstance(passage.message, SpawnGuest) and not self.failed:
            self.failed = True
            raise Unavailable("no hypervisor")


def test_a_server_that_is_deleted_while_it_is_sent_to_another_host_leaves_its_volume_free():
    spawns = FirstSpawnFails()

    async def story(stage: Stage) -> None:
        volume = await stage.ask(CreateVolume(size=1))
        await anyio.sleep(10)
        disk = BlockDevice(source_type="volume", destination_type="volume", volume_id=volume.id)
        with stage.world.faults.delay(5, message=CreateAttachment, sender="nova-conductor*"):
            server = await stage.boot(block_devices=(disk,))
            while not spawns.failed:  # noqa: ASYNC110 (nobody tells)
                await anyio.sleep(0.1)
            await anyio.sleep(3)
            await stage.ask(DeleteServer(server_id=server))
            await anyio.sleep(300)
        assert stage.left() == {"volumes": [volume.id]}

    play(story, middleware=[spawns])


class NothingIsReservedAgain(FirstSpawnFails):
    def deliver(self, passage) -> None:
        super().deliver(passage)
        if isinstance(passage.message, CreateAttachment) and passage.sender.startswith("nova-conductor"):
            raise Unavailable("no volumes")


def test_a_server_that_cannot_be_sent_to_the_host_that_was_claimed_for_it_claims_none():
    async def story(stage: Stage) -> None:
        volume = await stage.ask(CreateVolume(size=1))
        await anyio.sleep(10)
        disk = BlockDevice(source_type="volume", destination_type="volume", volume_id=volume.id)
        server = await stage.boot(block_devices=(disk,))
        assert (await stage.settled(server)).status == "ERROR"
        await anyio.sleep(60)
        assert "allocations" not in stage.left()

    play(story, middleware=[NothingIsReservedAgain()])


def test_disks_that_go_with_a_server_go_when_it_cannot_be_built():
    async def story(stage: Stage) -> None:
        with stage.world.faults.drop(message=CreateExternalEvents):
            server = await stage.boot(block_devices=(EXTRA_VOLUME,))
            shown = await stage.settled(server)
        assert shown.status == "ERROR"
        assert [disk.destination_type for disk in stage.cloud.stores.nova.block_devices[server]] == ["local"]
        assert {"volumes", "attachments"}.isdisjoint(stage.left())

    play(story)
