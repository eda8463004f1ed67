"""Volumes are reserved for servers, connected to hosts, and let go."""

from functools import partial

import anyio
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from actors.cinder.errors import (
    ConflictNovaUsingAttachment,
    InvalidInput,
    InvalidVolume,
    ResourceConflict,
    VolumeAttachmentNotFound,
)
from actors.cinder.messages import (
    CompleteAttachment,
    CreateAttachment,
    CreateVolumeType,
    DeleteAttachment,
    DeleteVolume,
    ForceDetachVolume,
    ListAttachments,
    ResetVolumeStatus,
    ShowAttachment,
    ShowVolume,
    UpdateAttachment,
)
from actors.cinder.models import Connector
from actors.errors import CloudError, Forbidden, InternalError
from actors.ids import ServerId
from bus.sim import World
from tests.actors.cinder.depot import CIRROS, SERVER, Depot, leaks, play

OTHER = ServerId("server-2")
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)


async def statuses(depot: Depot, volume) -> tuple[str, str]:
    found = await depot.ask(ShowVolume(volume_id=volume.id))
    return found.status, found.attach_status


def test_a_volume_goes_from_available_by_reserved_and_attaching_to_in_use_and_back():
    async def story(depot: Depot):
        volume = await depot.volume()
        await depot.told()
        made = await depot.ask(CreateAttachment(volume_id=volume.id, instance=SERVER))
        assert (made.status, made.connection_info) == ("reserved", None)
        assert await statuses(depot, volume) == ("reserved", "detached")
        connector = Connector(host="host-1", mountpoint="/dev/vdb")
        updated = await depot.ask(UpdateAttachment(attachment_id=made.id, connector=connector))
        assert (updated.status, updated.attach_mode, updated.mountpoint) == ("attaching", "rw", "/dev/vdb")
        assert updated.connection_info.volume_id == volume.id
        assert await statuses(depot, volume) == ("attaching", "attaching")
        await depot.ask(CompleteAttachment(attachment_id=made.id))
        assert await statuses(depot, volume) == ("in-use", "attached")
        [shown] = (await depot.ask(ShowVolume(volume_id=volume.id))).attachments
        assert (shown.id, shown.instance, shown.attached_host) == (made.id, SERVER, None)
        assert await depot.ask(DeleteAttachment(attachment_id=made.id), service_token="service") == ()
        assert await statuses(depot, volume) == ("available", "detached")
        assert await depot.told() == [
            "volume.attach.start", "volume.attach.end", "volume.detach.start", "volume.detach.end",
        ]  # fmt: skip
        assert not leaks(depot)

    play(story)


def test_a_reservation_alone_is_dropped_by_the_api():
    async def story(depot: Depot):
        volume = await depot.volume()
        made = await depot.ask(CreateAttachment(volume_id=volume.id, instance=SERVER))
        await depot.told()
        depot.world.crash(depot.volumes[depot.store.volumes.get(volume.id).host.partition("#")[0]])
        await depot.ask(DeleteAttachment(attachment_id=made.id))
        assert await statuses(depot, volume) == ("available", "detached")
        assert await depot.told() == ["volume.detach.start", "volume.detach.end"]

    play(story)


def test_of_two_servers_that_want_a_volume_one_gets_it():
    async def story(depot: Depot):
        volume = await depot.volume()
        await depot.ask(CreateAttachment(volume_id=volume.id, instance=SERVER))
        with pytest.raises(InvalidVolume, match="is reserved: it must be available or downloading"):
            await depot.ask(CreateAttachment(volume_id=volume.id, instance=OTHER))
        with pytest.raises(InvalidVolume):
            await depot.ask(CreateAttachment(volume_id=volume.id))
        await depot.ask(CreateAttachment(volume_id=volume.id, instance=SERVER))
        assert len(await depot.ask(ListAttachments(volume_id=volume.id))) == 2
        assert await depot.ask(ListAttachments(instance=OTHER)) == ()
        assert await depot.ask(ListAttachments(), token="other") == ()

    play(story)


def test_a_volume_reserved_while_its_image_comes_does_not_become_available_under_its_user():
    async def story(depot: Depot):
        volume = await depot.volume(wait=False, image_id=CIRROS)
        await anyio.sleep(5)
        await depot.ask(CreateAttachment(volume_id=volume.id, instance=SERVER))
        await anyio.sleep(20)
        assert (await statuses(depot, volume))[0] == "reserved"
        with pytest.raises(InvalidVolume):
            await depot.ask(CreateAttachment(volume_id=volume.id, instance=OTHER))
        assert not leaks(depot)

    play(story)


def test_a_connected_attachment_is_novas_to_delete():
    """CVE-2023-2088: a user may not, while a server uses it; what no server uses (any more) anybody may."""

    async def story(depot: Depot):
        volume = await depot.volume()
        used = await depot.attachment(volume)
        depot.servers.attachments[SERVER, volume.id] = used.id
        for service_token in (None, "member"):
            with pytest.raises(ConflictNovaUsingAttachment):
                await depot.ask(DeleteAttachment(attachment_id=used.id), service_token=service_token)
        with pytest.raises(ConflictNovaUsingAttachment):
            await depot.ask(ForceDetachVolume(volume_id=volume.id), token="admin")
        del depot.servers.attachments[SERVER, volume.id]
        await depot.ask(DeleteAttachment(attachment_id=used.id))
        again = await depot.attachment(volume)
        depot.servers.attachments[SERVER, volume.id] = again.id
        await depot.ask(DeleteAttachment(attachment_id=again.id), service_token="service")
        assert not leaks(depot)

    play(story)


def test_without_a_nova_only_services_delete_what_is_connected():
    async def story(depot: Depot):
        used = await depot.attachment(await depot.volume())
        with pytest.raises(ConflictNovaUsingAttachment):
            await depot.ask(DeleteAttachment(attachment_id=used.id))

    play(story, servers=False)


def test_a_volume_connected_by_one_attachment_is_not_connected_by_another():
    async def story(depot: Depot):
        volume = await depot.volume()
        first, second = [await depot.ask(CreateAttachment(volume_id=volume.id, instance=SERVER)) for _ in range(2)]
        await depot.ask(UpdateAttachment(attachment_id=first.id, connector=Connector(host="host-1")))
        with pytest.raises(ResourceConflict):
            await depot.ask(UpdateAttachment(attachment_id=second.id, connector=Connector(host="host-2")))
        await depot.ask(ResetVolumeStatus(volume_id=volume.id, status="error"), token="admin")
        with pytest.raises(ResourceConflict):
            await depot.ask(UpdateAttachment(attachment_id=first.id, connector=Connector(host="host-1")))
        with pytest.raises(InvalidVolume, match="in error"):
            await depot.ask(CreateAttachment(volume_id=volume.id, instance=SERVER))

    play(story)


def test_a_migration_connects_the_new_host_as_it_reserves():
    async def story(depot: Depot):
        volume = await depot.volume()
        old = await depot.attachment(volume)
        await depot.ask(CompleteAttachment(attachment_id=old.id))
        new = await depot.ask(
            CreateAttachment(volume_id=volume.id, instance=SERVER, connector=Connector(host="host-2"))
        )
        assert new.connection_info is not None
        await depot.ask(CompleteAttachment(attachment_id=new.id))
        left = await depot.ask(DeleteAttachment(attachment_id=old.id), service_token="service")
        assert [one.id for one in left] == [new.id]
        assert await statuses(depot, volume) == ("in-use", "attached")
        assert not leaks(depot)

    play(story)


def test_a_multiattach_volume_serves_several_servers():
    async def story(depot: Depot):
        await depot.ask(CreateVolumeType(name="shared", extra_specs={"multiattach": "<is> True"}), token="admin")
        volume = await depot.volume(volume_type="shared")
        attachments = []
        for server in (SERVER, OTHER):
            attachments.append(await depot.attachment(volume, instance=server, host=f"host of {server}"))
            await depot.ask(CompleteAttachment(attachment_id=attachments[-1].id))
        assert await statuses(depot, volume) == ("in-use", "attached")
        for left, attachment in zip((1, 0), attachments, strict=True):
            assert len(await depot.ask(DeleteAttachment(attachment_id=attachment.id), service_token="service")) == left
        assert await statuses(depot, volume) == ("available", "detached")
        assert not leaks(depot)

    play(story)


def test_a_backend_that_is_silent_is_waited_for_60_seconds():
    async def story(depot: Depot):
        volume = await depot.volume()
        made = await depot.ask(CreateAttachment(volume_id=volume.id, instance=SERVER))
        backend = depot.volumes[depot.store.volumes.get(volume.id).host.partition("#")[0]]
        depot.world.pause(backend)
        before = depot.world.now
        with pytest.raises(InternalError, match="silent"):
            await depot.ask(UpdateAttachment(attachment_id=made.id, connector=Connector(host="host-1")))
        assert depot.world.now - before == pytest.approx(60, abs=0.1)
        depot.world.resume(backend)
        await anyio.sleep(5)
        late = await depot.ask(ShowAttachment(attachment_id=made.id))
        assert (late.status, late.connection_info) == ("attaching", None), "connected after all, and nobody was told"
        await depot.ask(DeleteAttachment(attachment_id=made.id))
        assert not leaks(depot)

    play(story)


def test_an_attachment_deleted_while_it_is_connected_leaves_no_connection():
    async def story(depot: Depot):
        volume = await depot.volume()
        made = await depot.ask(CreateAttachment(volume_id=volume.id, instance=SERVER))
        async with anyio.create_task_group() as group:

            async def connect():
                with pytest.raises(VolumeAttachmentNotFound):
                    await depot.ask(UpdateAttachment(attachment_id=made.id, connector=Connector(host="host-1")))

            group.start_soon(connect)
            await anyio.sleep(0.1)
            await depot.ask(DeleteAttachment(attachment_id=made.id))
        assert not leaks(depot)
        assert await statuses(depot, volume) == ("available", "detached")

    play(story)


def test_an_attachment_deleted_twice_at_once_is_detached_once():
    async def story(depot: Depot):
        attachment = await depot.attachment(await depot.volume())
        await depot.told()
        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(
                    partial(depot.ask, DeleteAttachment(attachment_id=attachment.id), service_token="service")
                )
        assert (await depot.told()).count("volume.detach.end") == 1
        assert not leaks(depot)

    play(story)


def test_administrators_force_a_detach():
    async def story(depot: Depot):
        volume = await depot.volume()
        with pytest.raises(InvalidVolume):
            await depot.ask(ForceDetachVolume(volume_id=volume.id), token="admin")
        await depot.attachment(volume)
        with pytest.raises(Forbidden):
            await depot.ask(ForceDetachVolume(volume_id=volume.id))
        await depot.ask(ForceDetachVolume(volume_id=volume.id), token="admin")
        assert await statuses(depot, volume) == ("available", "detached")
        await depot.ask(CreateAttachment(volume_id=volume.id, instance=SERVER))
        with pytest.raises(InvalidInput):
            await depot.ask(ResetVolumeStatus(volume_id=volume.id, attach_status="shoe"), token="admin")
        reset = ResetVolumeStatus(volume_id=volume.id, status="available", attach_status="detached")
        await depot.ask(reset, token="admin")
        assert await depot.ask(ListAttachments()) == ()
        assert not leaks(depot)

    play(story)


def test_what_is_attached_is_not_deleted():
    async def story(depot: Depot):
        volume = await depot.volume()
        attachment = await depot.attachment(volume)
        with pytest.raises(InvalidVolume):
            await depot.ask(DeleteVolume(volume_id=volume.id))
        await depot.ask(CompleteAttachment(attachment_id=attachment.id))
        with pytest.raises(InvalidVolume):
            await depot.ask(DeleteVolume(volume_id=volume.id, force=True), token="admin")

    play(story)


@settings(max_examples=30, phases=NO_SHRINKING)
@given(seed=st.integers(0, 10**6), takers=st.integers(2, 5))
def test_however_many_want_it_no_volume_is_attached_twice(seed, takers):
    async def story(depot: Depot):
        volume = await depot.volume(wait=False, image_id=CIRROS)
        used: list[ServerId] = []

        async def take(server: ServerId) -> None:
            """Take it when it can be had, use it for a while, and give it back."""
            for _ in range(12):
                await anyio.sleep(depot.world.random(server).random() * 5)
                try:
                    made = await depot.ask(CreateAttachment(volume_id=volume.id, instance=server))
                except CloudError:
                    continue
                connector = Connector(host=f"host of {server}")
                await depot.ask(UpdateAttachment(attachment_id=made.id, connector=connector))
                await depot.ask(CompleteAttachment(attachment_id=made.id))
                used.append(server)
                await anyio.sleep(depot.world.random(server).random() * 3)
                assert used == [server], "others took it meanwhile"
                used.remove(server)
                await depot.ask(DeleteAttachment(attachment_id=made.id), service_token="service")

        async with anyio.create_task_group() as group:
            for n in range(takers):
                group.start_soon(take, ServerId(f"server-{n}"))
        await anyio.sleep(60)
        assert not leaks(depot)

    play(story, world=World(seed))
