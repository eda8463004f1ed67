"""What the bus saw of a boot: whose credential each call carried, what the server was in, and to which step a call belongs."""

from collections import Counter

import anyio
import pytest

from actors.client.held_token import HeldToken
from actors.client.waiting import wait_for_server, wait_until_gone
from actors.cloud import Cloud
from actors.errors import Unauthorized
from actors.ids import FlavorId
from actors.journey import STEPS, Call, Credential, Recorder, step_of
from actors.leftovers import leftovers
from actors.nova.config import NovaConfig
from actors.nova.messages.servers import CreateServer, DeleteServer, ListServers
from actors.nova.models import BlockDevice
from bus.sim import Latency, World

LATENCY = 0.001


def boot(*, service_tokens: bool = False, notify: bool = True) -> tuple[Recorder, str]:
    """Boot a server with a volume; the recorder, and the token that it took."""
    recorder = Recorder()

    async def program(world: World) -> str:
        on = "vm_and_task_state" if notify else None
        nova = NovaConfig(send_service_user_token=service_tokens, notify_on_state_change=on)
        cloud = await Cloud(nova=nova).start(world.bus, world.random)
        recorder.forget()
        demo = cloud.session("demo")
        disks = (
            BlockDevice(source_type="image", destination_type="local", boot_index=0, image_id=cloud.image),
            BlockDevice(source_type="blank", destination_type="volume", volume_size=1),
        )
        request = CreateServer(name="one", flavor_ref=FlavorId("1"), image_ref=cloud.image, block_devices=disks)
        (created,) = await demo.ask(request)
        server = await wait_for_server(demo, created.id)
        assert server.status == "ACTIVE"
        return (await demo.token()).id

    token = World(middleware=[recorder], latency=Latency.constant(LATENCY)).run(program)
    return recorder, token


@pytest.fixture(scope="module")
def recorded() -> tuple[Recorder, str]:
    return boot()


@pytest.fixture(scope="module")
def journey(recorded) -> list[Call]:
    return recorded[0].journey()


def one(journey: list[Call], message: str, sender: str = "") -> Call:
    return next(call for call in journey if call.message == message and call.sender.startswith(sender))


@pytest.mark.parametrize(
    ("sender", "message", "credential"),
    [
        ("client", "Authenticate", Credential.NONE),
        ("client", "CreateServer", Credential.USER),
        ("nova-api", "ShowImage", Credential.USER),
        ("nova-api", "ValidateToken", Credential.SERVICE),
        ("nova-api", "ScheduleAndBuildInstances", Credential.CONTEXT),
        ("nova-scheduler", "UpdateAllocations", Credential.SERVICE),
        ("nova-compute", "CreatePort", Credential.USER),
        ("nova-compute", "UpdatePort", Credential.SERVICE),
        ("nova-compute", "CreateVolume", Credential.USER),
        ("nova-compute", "DownloadImage", Credential.USER),
        ("nova-compute", "SpawnGuest", Credential.CONTEXT),
        ("nova-compute", "PlugInterface", Credential.NONE),
        ("neutron", "CreateExternalEvents", Credential.SERVICE),
    ],
)
def test_each_call_carries_the_credential_that_openstack_gives_it(journey, sender, message, credential):
    assert one(journey, message, sender).credential is credential


def test_with_service_tokens_the_users_calls_carry_both():
    journey = boot(service_tokens=True)[0].journey()
    assert {call.credential for call in journey if call.message in {"ShowImage", "CreatePort", "CreateVolume"}} == {
        Credential.BOTH
    }


def test_every_step_of_a_boot_is_taken_but_that_of_security_groups_that_nobody_asks_for(journey):
    assert {step_of(call) for call in journey} == STEPS.keys() - {5}


def test_the_server_passes_through_novas_states_in_their_order(journey):
    states = list(dict.fromkeys(call.state for call in sorted(journey, key=lambda call: call.id) if call.state))
    assert states == ["scheduling", "building", "block_device_mapping", "spawning", "active"]


def test_without_novas_notifications_no_state_is_known():
    assert {call.state for call in boot(notify=False)[0].journey()} == {""}


def test_a_call_lasts_from_its_sending_to_the_end_of_its_handler(journey):
    download = one(journey, "DownloadImage")
    assert download.seconds == pytest.approx(0.125 * (1 << 30) / 125_000_000 + LATENCY, abs=2 * LATENCY)
    assert one(journey, "ShowImage").time < one(journey, "SelectDestinations").time < download.time


def test_looking_how_the_server_is_and_what_happens_by_itself_are_no_part_of_it(recorded, journey):
    others = Counter(call.message for call in recorded[0].calls) - Counter(call.message for call in journey)
    assert others["ShowServer"] > 1
    assert "ShowServer" not in {call.message for call in journey}


def test_no_text_of_it_shows_a_token(recorded, journey):
    recorder, token = recorded
    assert token not in repr(recorder) + repr(recorder.calls) + repr(journey)


def test_a_refusal_is_noted_with_the_call_that_met_it():
    recorder = Recorder()

    async def program(world: World) -> None:
        await Cloud(hosts=0).start(world.bus, world.random)
        with pytest.raises(Unauthorized):
            await HeldToken(world.bus, "no token").ask(ListServers())

    World(middleware=[recorder]).run(program)
    assert isinstance(one(recorder.journey(), "ListServers").error, Unauthorized)


def test_a_message_that_nobody_handles_lasts_for_ever():
    recorder = Recorder()

    async def program(world: World) -> None:
        cloud = await Cloud(hosts=0).start(world.bus, world.random)
        with world.faults.drop(message=ListServers), pytest.raises(TimeoutError):
            await cloud.session("demo").ask(ListServers(), timeout=5)

    World(middleware=[recorder]).run(program)
    assert one(recorder.journey(), "ListServers").seconds is None


def test_leftovers_are_what_there_is_and_nothing_after_a_delete():
    async def program(world: World) -> None:
        cloud = await Cloud().start(world.bus, world.random)
        assert leftovers(cloud.stores) == {}
        demo = cloud.session("demo")
        (created,) = await demo.ask(CreateServer(name="one", flavor_ref=FlavorId("1"), image_ref=cloud.image))
        await wait_for_server(demo, created.id)
        assert leftovers(cloud.stores) == {"ports": 1, "allocations": 1, "guests": 1}
        await demo.ask(DeleteServer(server_id=created.id))
        await wait_until_gone(demo, created.id)
        await anyio.sleep(10)
        assert leftovers(cloud.stores) == {}

    World().run(program)
