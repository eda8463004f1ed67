"""What is done to servers, by itself: each operation goes through, and nothing of it stays behind."""

import anyio
import pytest

from actors.cinder.messages import CreateVolume, ShowVolume
from actors.contents import IMAGE
from actors.glance.messages import ListImages
from actors.glance.states import ImageStatus
from actors.hypervisor.messages import EndGuest
from actors.hypervisor.models import PowerState
from actors.ids import ImageId
from actors.neutron.messages import CreateNetwork, CreateSubnet
from actors.nova.errors import (
    FlavorNotUsable,
    ImageNotUsable,
    InstanceInvalidState,
    InvalidInput,
    KeypairNotUsable,
    NetworkAmbiguous,
    OverQuota,
    SecurityGroupNotUsable,
)
from actors.nova.messages.server_groups import CreateServerGroup
from actors.nova.messages.servers import (
    AttachVolume,
    CreateServer,
    CreateServerImage,
    DetachVolume,
    ListServers,
    LiveMigrateServer,
    RebootServer,
    ShowServer,
    StartServer,
    StopServer,
)
from actors.nova.models import NetworkRequest
from actors.nova.service.base import INTERNAL
from actors.testing.operations import EXTRA_VOLUME, TINY
from bus.topic import Target
from tests.actors.nova.stage import Stage, play


def test_a_server_is_shown_to_its_project_and_to_administrators_with_what_it_has():
    async def story(stage: Stage) -> None:
        server = await stage.active(key_name="demo-key", metadata={"a": "b"})
        assert (server.key_name, server.metadata, server.image, server.flavor.name) == (
            "demo-key",
            {"a": "b"},
            IMAGE,
            "m1.tiny",
        )
        assert [address.network for address in server.addresses] == ["shared"]
        assert server.host == "host1"
        mine = await stage.ask(ShowServer(server_id=server.id))
        assert mine.host is None
        assert [row.id for row in await stage.ask(ListServers(status="ACTIVE"))] == [server.id]
        assert await stage.ask(ListServers(status="ERROR")) == ()

    play(story)


def test_several_servers_are_made_at_once_with_numbered_names():
    async def story(stage: Stage) -> None:
        created = await stage.ask(CreateServer(name="web", flavor_ref=TINY, image_ref=IMAGE, min_count=3, max_count=3))
        shown = [await stage.settled(one.id) for one in created]
        assert [server and (server.name, server.status) for server in shown] == [
            (f"web-{number}", "ACTIVE") for number in (1, 2, 3)
        ]

    play(story)


def test_a_server_is_stopped_started_and_rebooted():
    async def story(stage: Stage) -> None:
        server = (await stage.active()).id
        for request, status in (
            (StopServer(server_id=server), "SHUTOFF"),
            (StartServer(server_id=server), "ACTIVE"),
            (RebootServer(server_id=server), "ACTIVE"),
            (RebootServer(server_id=server, type="HARD"), "ACTIVE"),
        ):
            await stage.ask(request)
            shown = await stage.settled(server)
            assert shown is not None
            assert shown.status == status
        with pytest.raises(InstanceInvalidState):
            await stage.ask(StartServer(server_id=server))

    play(story)


def test_a_volume_is_attached_and_detached():
    async def story(stage: Stage) -> None:
        server = (await stage.active()).id
        volume = await stage.ask(CreateVolume(size=1))
        await anyio.sleep(10)
        await stage.ask(AttachVolume(server_id=server, volume_id=volume.id))
        await anyio.sleep(10)
        assert (await stage.ask(ShowVolume(volume_id=volume.id))).status == "in-use"
        (disk,) = (await stage.ask(ShowServer(server_id=server))).volumes_attached
        assert disk.id == volume.id
        await stage.ask(DetachVolume(server_id=server, volume_id=volume.id))
        await anyio.sleep(10)
        assert (await stage.ask(ShowVolume(volume_id=volume.id))).status == "available"
        await stage.delete(server)
        await anyio.sleep(5)
        assert stage.left() == {"volumes": [volume.id]}

    play(story)


def test_a_snapshot_becomes_an_image_that_boots():
    async def story(stage: Stage) -> None:
        server = (await stage.active()).id
        image = await stage.ask(CreateServerImage(server_id=server, name="copy"))
        await stage.settled(server)
        (found,) = await stage.ask(ListImages(name=("copy",)))
        assert (found.id, found.status, found.properties["base_image_ref"]) == (image, ImageStatus.ACTIVE, IMAGE)
        copy = await stage.active(image_ref=image)
        assert copy.image == image

    play(story)


def test_a_live_migration_moves_server_guest_ports_volumes_and_allocation():
    async def story(stage: Stage) -> None:
        server = (await stage.active(block_devices=(EXTRA_VOLUME,))).id
        await stage.admin.ask(LiveMigrateServer(server_id=server))
        shown = await stage.settled(server)
        await anyio.sleep(5)
        stores = stage.cloud.stores
        assert shown is not None
        assert (shown.status, shown.host) == ("ACTIVE", "host2")
        assert [migration.status for migration in stores.nova.migrations.values()] == ["completed"]
        assert [list(stores.hosts[host].guests) for host in ("host1", "host2")] == [[], [server]]
        assert {port.binding_host_id for port in stores.neutron.ports.values() if port.device_id} == {"host2"}
        assert [row.attached_host for row in stores.cinder.attachments] == ["host2"]
        assert list(stores.placement.consumers) == [server]
        assert [len(stores.bridges[host].plugged) for host in ("host1", "host2")] == [0, 1]
        await stage.delete(server)
        await anyio.sleep(30)
        assert stage.left() == {}

    play(story)


def test_a_server_whose_guest_ends_by_itself_is_found_stopped():
    async def story(stage: Stage) -> None:
        server = (await stage.active()).id
        end = EndGuest(server=server, power_state=PowerState.SHUTDOWN)
        await stage.world.bus.ask(end, to=Target("hypervisor", server="host1"), context=INTERNAL)
        await anyio.sleep(700)
        assert (await stage.ask(ShowServer(server_id=server))).status == "SHUTOFF"

    play(story)


def test_members_of_an_anti_affinity_group_are_apart_and_those_of_an_affinity_group_together():
    async def story(stage: Stage) -> None:
        for policy, hosts in (("anti-affinity", 2), ("affinity", 1)):
            group = await stage.ask(CreateServerGroup(name=policy, group_policy=policy))
            members = [await stage.active(group=group.id) for _ in range(2)]
            assert len({member.host for member in members}) == hosts

    play(story)


def test_a_third_member_of_an_anti_affinity_group_finds_no_host_among_two():
    async def story(stage: Stage) -> None:
        group = await stage.ask(CreateServerGroup(name="apart", group_policy="anti-affinity"))
        request = CreateServer(name="x", flavor_ref=TINY, image_ref=IMAGE, group=group.id, min_count=3, max_count=3)
        servers = [await stage.settled(created.id) for created in await stage.ask(request)]
        assert [server and server.status for server in servers] == ["ERROR"] * 3
        assert list(stage.cloud.stores.placement.consumers) == []

    play(story)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"flavor_ref": "99"}, FlavorNotUsable, "Flavor 99 could not be found."),
        ({"image_ref": ImageId("c0ffee")}, ImageNotUsable, "Can not find requested image"),
        ({"key_name": "none"}, KeypairNotUsable, "Invalid key_name provided."),
        ({"security_groups": ("none",)}, SecurityGroupNotUsable, "Security group none not found."),
        ({"availability_zone": "mars"}, InvalidInput, "The requested availability zone is not available"),
        ({"min_count": 2, "max_count": 1}, InvalidInput, "min_count must be <= max_count"),
        ({"min_count": 11, "max_count": 11}, OverQuota, "Quota exceeded for instances: Requested 11, but already used 0 of 10"),
    ],
)  # fmt: skip
def test_what_cannot_be_built_is_refused_before_anything_has_changed(options, error, text):
    async def story(stage: Stage) -> None:
        with pytest.raises(error) as refusal:
            await stage.boot(**options)
        assert text in str(refusal.value)
        assert stage.left() == {}

    play(story)


def test_more_servers_than_the_quota_allows_are_trimmed_to_what_it_does():
    async def story(stage: Stage) -> None:
        request = CreateServer(name="x", flavor_ref=TINY, image_ref=IMAGE, min_count=1, max_count=15)
        assert len(await stage.ask(request)) == 10

    play(story)


def test_with_two_networks_it_must_be_said_which():
    async def story(stage: Stage) -> None:
        network = await stage.ask(CreateNetwork(name="mine"))
        await stage.ask(CreateSubnet(network_id=network.id, cidr="192.168.0.0/24"))
        with pytest.raises(NetworkAmbiguous):
            await stage.boot()
        server = await stage.active(networks=(NetworkRequest(network_id=network.id),))
        assert [address.network for address in server.addresses] == ["mine"]
        alone = await stage.active(networks="none")
        assert alone.addresses == ()

    play(story)
