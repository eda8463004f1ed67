"""Guests, and how they move."""

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.errors import CloudError
from actors.hypervisor.config import HypervisorConfig
from actors.hypervisor.errors import (
    DeviceExists,
    DeviceNotFound,
    GuestExists,
    GuestNotFound,
    HostFull,
    InvalidPowerState,
    MigrationFailed,
)
from actors.hypervisor.messages import (
    AbortMigration,
    AttachDisk,
    AttachInterface,
    ChangePower,
    DestroyGuest,
    DetachDisk,
    DetachInterface,
    EndGuest,
    FinishMigration,
    MigrateGuest,
    PrepareMigration,
    ShowGuest,
    ShowHost,
    SnapshotGuest,
    SpawnGuest,
)
from actors.hypervisor.models import Disk, HostResources, Interface, PowerAction, PowerState
from actors.ids import PortId, ServerId, VolumeId
from bus.errors import BusError
from tests.actors.hypervisor.machine_room import Room, guest, play

ONE = ServerId("one")
RUNNING, PAUSED, SHUTDOWN = PowerState.RUNNING, PowerState.PAUSED, PowerState.SHUTDOWN


def power(action: PowerAction) -> ChangePower:
    return ChangePower(server=ONE, action=action)


def test_a_guest_is_spawned_shown_and_destroyed():
    async def story(room: Room) -> None:
        spawned = await room.spawn("one")
        assert room.world.now == 5.0
        assert spawned.power_state is RUNNING
        assert spawned == await room.ask(ShowGuest(server=ONE))
        with pytest.raises(GuestExists):
            await room.spawn("one")
        await room.ask(DestroyGuest(server=ONE))
        with pytest.raises(GuestNotFound, match="no guest one on host host1"):
            await room.ask(ShowGuest(server=ONE))
        assert (await room.ask(ShowHost())).used == HostResources()
        await room.ask(DestroyGuest(server=ONE))  # is as good as done

    play(story)


def test_a_guest_waits_paused_for_its_network():
    async def story(room: Room) -> None:
        assert (await room.ask(SpawnGuest(definition=guest(), paused=True))).power_state is PAUSED
        assert (await room.ask(power(PowerAction.UNPAUSE))).power_state is RUNNING

    play(story)


def test_a_guest_on_its_way_up_holds_its_memory_and_has_no_state():
    async def story(room: Room) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(room.spawn)
            await anyio.sleep(1)
            assert await room.states() == {"one": PowerState.NOSTATE}
            assert (await room.ask(ShowHost())).used.memory_mb == 1024

    play(story)


def test_a_guest_that_is_destroyed_on_its_way_up_does_not_come_up():
    async def story(room: Room) -> None:
        async with anyio.create_task_group() as group:

            async def spawn() -> None:
                with pytest.raises((GuestNotFound, InvalidPowerState)):
                    await room.spawn()

            group.start_soon(spawn)
            await anyio.sleep(1)
            await room.ask(DestroyGuest(server=ONE))
        assert await room.states() == {}

    play(story)


def test_power_is_changed_by_the_table_and_takes_its_time():
    async def story(room: Room) -> None:
        await room.spawn()
        for action, state, seconds in [
            (PowerAction.PAUSE, PAUSED, 0.1),
            (PowerAction.UNPAUSE, RUNNING, 0.1),
            (PowerAction.SUSPEND, PowerState.SUSPENDED, 5),
            (PowerAction.RESUME, RUNNING, 5),
            (PowerAction.STOP, SHUTDOWN, 5),
            (PowerAction.START, RUNNING, 2),
            (PowerAction.REBOOT, RUNNING, 5),
        ]:
            before = room.world.now
            assert (await room.ask(power(action))).power_state is state
            assert room.world.now == pytest.approx(before + seconds)
        with pytest.raises(InvalidPowerState, match="cannot start a guest that is RUNNING"):
            await room.ask(power(PowerAction.START))

    play(story)


def test_a_guest_that_is_off_leaves_its_memory_to_others_and_may_not_get_it_back():
    async def story(room: Room) -> None:
        await room.spawn("one", memory_mb=8000)
        await room.ask(power(PowerAction.STOP))
        await room.spawn("two", memory_mb=8000)
        with pytest.raises(HostFull):
            await room.ask(power(PowerAction.START))
        assert await room.states() == {"one": SHUTDOWN, "two": RUNNING}

    play(story)


def test_of_two_who_change_a_guest_at_once_one_is_told_so():
    async def story(room: Room) -> None:
        await room.spawn()
        errors: list[Exception] = []

        async def change(action: PowerAction) -> None:
            try:
                await room.ask(power(action))
            except CloudError as error:
                errors.append(error)

        async with anyio.create_task_group() as group:
            group.start_soon(change, PowerAction.STOP)
            group.start_soon(change, PowerAction.PAUSE)
        assert [str(one) for one in errors] == ["guest one became PAUSED while it was to become SHUTDOWN"]

    play(story)


@pytest.mark.parametrize("state", [SHUTDOWN, PowerState.CRASHED])
def test_a_guest_may_end_by_itself_and_be_started_again(state):
    async def story(room: Room) -> None:
        await room.spawn()
        with pytest.raises(InvalidPowerState):
            await room.ask(EndGuest(server=ONE, power_state=PAUSED))
        await room.ask(EndGuest(server=ONE, power_state=state))
        assert await room.states() == {"one": state}
        with pytest.raises(InvalidPowerState):
            await room.ask(EndGuest(server=ONE, power_state=state))
        assert (await room.ask(power(PowerAction.START))).power_state is RUNNING

    play(story)


def test_after_a_crash_of_the_host_its_guests_are_defined_and_off():
    async def story(room: Room) -> None:
        await room.spawn("one")
        await room.spawn("two")
        await room.ask(power(PowerAction.SUSPEND))
        room.world.crash(room.host())
        await room.world.restart(room.host())
        assert await room.states() == {"one": SHUTDOWN, "two": SHUTDOWN}
        assert (await room.ask(ShowHost())).used == HostResources(local_gb=20)

    play(story)


def test_a_host_that_crashes_while_it_spawns_has_the_guest_defined_and_off():
    async def story(room: Room) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(room.spawn)
            await anyio.sleep(1)
            room.world.crash(room.host())
            group.cancel_scope.cancel()
        await room.world.restart(room.host())
        await anyio.sleep(60)
        assert await room.states() == {"one": SHUTDOWN}

    play(story)


def test_volumes_come_and_go():
    async def story(room: Room) -> None:
        await room.spawn()
        root, more = (
            Disk(volume=VolumeId("v"), mountpoint="/dev/vdb"),
            Disk(volume=VolumeId("w"), mountpoint="/dev/vdc"),
        )
        await room.ask(AttachDisk(server=ONE, disk=root))
        assert (await room.ask(AttachDisk(server=ONE, disk=more))).definition.disks == (root, more)
        for wrong in (
            Disk(volume=VolumeId("v"), mountpoint="/dev/vdd"),
            Disk(volume=VolumeId("x"), mountpoint="/dev/vdb"),
        ):
            with pytest.raises(DeviceExists, match="volume v at /dev/vdb"):
                await room.ask(AttachDisk(server=ONE, disk=wrong))
        assert (await room.ask(DetachDisk(server=ONE, volume=VolumeId("v")))).definition.disks == (more,)
        with pytest.raises(DeviceNotFound, match="does not have volume v"):
            await room.ask(DetachDisk(server=ONE, volume=VolumeId("v")))

    play(story)


def test_ports_come_and_go():
    async def story(room: Room) -> None:
        await room.spawn()
        port = Interface(port=PortId("p"), mac_address="fa:16:3e:00:00:01")
        assert (await room.ask(AttachInterface(server=ONE, interface=port))).definition.interfaces == (port,)
        with pytest.raises(DeviceExists):
            await room.ask(AttachInterface(server=ONE, interface=port))
        assert (await room.ask(DetachInterface(server=ONE, port=PortId("p")))).definition.interfaces == ()
        with pytest.raises(DeviceNotFound):
            await room.ask(DetachInterface(server=ONE, port=PortId("p")))

    play(story)


def test_of_a_volume_attached_twice_at_once_one_is_refused():
    async def story(room: Room) -> None:
        await room.spawn()
        refused: list[Exception] = []

        async def attach(mountpoint: str) -> None:
            try:
                await room.ask(AttachDisk(server=ONE, disk=Disk(volume=VolumeId("v"), mountpoint=mountpoint)))
            except DeviceExists as error:
                refused.append(error)

        async with anyio.create_task_group() as group:
            group.start_soon(attach, "/dev/vdb")
            group.start_soon(attach, "/dev/vdc")
        assert len(refused) == 1

    play(story)


def test_a_snapshot_takes_time_by_size_and_fails_with_its_guest():
    async def story(room: Room) -> None:
        await room.spawn()
        before = room.world.now
        assert await room.ask(SnapshotGuest(server=ONE)) == 10 << 30
        assert room.world.now == before + 50
        async with anyio.create_task_group() as group:

            async def snapshot() -> None:
                with pytest.raises(GuestNotFound):
                    await room.ask(SnapshotGuest(server=ONE))

            group.start_soon(snapshot)
            await room.ask(DestroyGuest(server=ONE))

    play(story)


async def ready(room: Room, *, destination: str = "host2") -> MigrateGuest:
    """A guest that runs on host1 and is prepared elsewhere."""
    await room.spawn("one", memory_mb=4096)
    await room.ask(PrepareMigration(definition=guest("one", memory_mb=4096)), destination)
    return MigrateGuest(server=ONE, destination=destination)


async def everywhere(room: Room) -> dict[str, str]:
    """Where the guest is, and what it does there."""
    found = {name: await room.states(name) for name in room.disks}
    return {name: states[ONE].name for name, states in found.items() if ONE in states}


@pytest.mark.parametrize(("block", "seconds"), [(False, 4.5), (True, 14.5)])
def test_a_guest_moves_while_it_runs(block, seconds):
    async def story(room: Room) -> None:
        migrate = await ready(room)
        before = room.world.now
        await room.ask(MigrateGuest(server=ONE, destination="host2", block_migration=block))
        assert room.world.now == pytest.approx(before + seconds)
        assert await everywhere(room) == {"host2": "RUNNING"}
        assert (await room.ask(ShowHost())).used == HostResources()
        with pytest.raises(GuestNotFound):
            await room.ask(migrate)

    play(story, hosts=2)


def test_a_paused_guest_moves_and_stays_paused():
    async def story(room: Room) -> None:
        migrate = await ready(room)
        await room.ask(power(PowerAction.PAUSE))
        await room.ask(migrate)
        assert await everywhere(room) == {"host2": "PAUSED"}

    play(story, hosts=2)


def test_a_prepared_host_holds_the_room_until_it_is_told_otherwise():
    async def story(room: Room) -> None:
        await ready(room)
        assert (await room.ask(ShowHost(), "host2")).used.memory_mb == 4096
        for again in (
            PrepareMigration(definition=guest("one")),
            SpawnGuest(definition=guest("one")),
        ):
            with pytest.raises(GuestExists):
                await room.ask(again, "host2")
        await room.ask(DestroyGuest(server=ONE), "host2")
        assert (await room.ask(ShowHost(), "host2")).used == HostResources()

    play(story, hosts=2)


def test_a_full_host_cannot_be_prepared():
    async def story(room: Room) -> None:
        with pytest.raises(HostFull):
            await room.ask(PrepareMigration(definition=guest("one", memory_mb=10_000)))

    play(story)


def test_a_guest_goes_on_where_it_was_if_the_new_host_is_not_prepared_or_not_there():
    async def story(room: Room) -> None:
        await room.spawn()
        for nowhere in ("host2", "host9"):
            with pytest.raises(MigrationFailed, match=f"{nowhere} did not take guest one: it goes on here"):
                await room.ask(MigrateGuest(server=ONE, destination=nowhere))
            assert await everywhere(room) == {"host1": "RUNNING"}

    play(story, hosts=2)


def test_a_migration_can_be_aborted_while_it_copies():
    async def story(room: Room) -> None:
        migrate = await ready(room)
        async with anyio.create_task_group() as group:

            async def move() -> None:
                with pytest.raises(MigrationFailed, match="was aborted"):
                    await room.ask(migrate)

            group.start_soon(move)
            await anyio.sleep(1)
            await room.ask(AbortMigration(server=ONE))
        assert await everywhere(room) == {"host1": "RUNNING"}
        with pytest.raises(GuestNotFound):
            await room.ask(AbortMigration(server=ONE))

    play(story, hosts=2)


def test_a_guest_that_is_being_migrated_is_left_alone():
    async def story(room: Room) -> None:
        migrate = await ready(room)
        async with anyio.create_task_group() as group:
            group.start_soon(room.ask, migrate)
            for _ in range(2):  # while it is copied, and while it stands still between the two
                await anyio.sleep(2.1)
                for disturbing in (power(PowerAction.STOP), power(PowerAction.UNPAUSE), migrate):
                    with pytest.raises(InvalidPowerState, match="is being migrated"):
                        await room.ask(disturbing)
        assert await everywhere(room) == {"host2": "RUNNING"}

    play(story, hosts=2)


def test_a_guest_that_ends_while_it_is_copied_does_not_move():
    async def story(room: Room) -> None:
        migrate = await ready(room)
        async with anyio.create_task_group() as group:

            async def move() -> None:
                with pytest.raises(MigrationFailed, match="ended while it was being copied"):
                    await room.ask(migrate)

            group.start_soon(move)
            await anyio.sleep(1)
            await room.ask(EndGuest(server=ONE))
        assert await everywhere(room) == {"host1": "CRASHED"}

    play(story, hosts=2)


def test_a_guest_stays_paused_where_it_was_if_the_new_host_does_not_answer():
    async def story(room: Room) -> None:
        migrate = await ready(room)
        room.world.pause(room.host("host2"))
        with pytest.raises(MigrationFailed, match="stays paused here"):
            await room.ask(migrate)
        assert await room.states() == {"one": PAUSED}
        room.world.resume(room.host("host2"))  # which now does what it was told
        await anyio.sleep(1)
        assert await everywhere(room) == {"host1": "PAUSED", "host2": "RUNNING"}

    play(story, hosts=2)


def test_only_a_prepared_host_takes_a_guest_over():
    async def story(room: Room) -> None:
        with pytest.raises(GuestNotFound, match="is not prepared here"):
            await room.ask(FinishMigration(server=ONE, power_state=RUNNING))

    play(story)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    when=st.integers(0, 6_000),
    victim=st.sampled_from(["host1", "host2"]),
    back=st.booleans(),
)
def test_a_guest_never_runs_on_two_hosts_whichever_crashes_when(seed, when, victim, back):
    async def story(room: Room) -> None:
        migrate = await ready(room)

        async def move() -> None:
            try:
                await room.ask(migrate, monitor=60)
            except (CloudError, BusError):
                return

        async with anyio.create_task_group() as group:
            group.start_soon(move)
            await anyio.sleep(when / 1000)
            room.world.crash(room.host(victim))
            if back:
                await room.world.restart(room.host(victim))
        if not back:
            await room.world.restart(room.host(victim))
        where = await everywhere(room)
        assert list(where.values()).count("RUNNING") <= 1
        assert where, "the guest is lost"

    play(story, seed=seed, hosts=2)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), deeds=st.integers(1, 15))
def test_a_host_never_gives_more_than_it_has_whatever_is_asked_at_once(seed, deeds):
    has = HostResources(vcpus=2, memory_mb=3000, local_gb=40)
    config = HypervisorConfig(cpu_overcommit=2.0)

    async def caller(room: Room, name: str) -> None:
        chance = room.world.random(name)
        for _ in range(deeds):
            server = ServerId(chance.choice(["one", "two", "three", "four"]))
            host = chance.choice(["host1", "host2"])
            deed = chance.choice(
                [
                    SpawnGuest(definition=guest(server)),
                    DestroyGuest(server=server),
                    PrepareMigration(definition=guest(server)),
                    MigrateGuest(server=server, destination="host2" if host == "host1" else "host1"),
                    *(ChangePower(server=server, action=action) for action in PowerAction),
                ]
            )
            try:
                await room.ask(deed, host)
            except CloudError:
                continue
            finally:
                for one in room.disks:
                    taken = (await room.ask(ShowHost(), one)).used
                    assert taken.vcpus <= 4
                    assert taken.memory_mb <= 3000
                    assert taken.local_gb <= 40

    async def story(room: Room) -> None:
        async with anyio.create_task_group() as group:
            for name in "abc":
                group.start_soon(caller, room, name)
        for host in room.disks:
            for server in ("one", "two", "three", "four"):
                await room.ask(DestroyGuest(server=ServerId(server)), host)
            assert (await room.ask(ShowHost(), host)).used == HostResources()

    play(story, seed=seed, hosts=2, has=has, config=config)
