"""Bindings, agents and what Nova hears: a port's way to ACTIVE, and all that can come in between."""

import anyio
import pytest

from actors.errors import BadRequest, Conflict, Forbidden, NotFound
from actors.neutron.config import NeutronConfig
from actors.neutron.errors import AgentNotFound, PortBindingAlreadyActive, PortBindingError
from actors.neutron.messages import (
    ActivatePortBinding,
    CreatePortBinding,
    DeleteAgent,
    DeletePort,
    DeletePortBinding,
    ListAgents,
    ListPortBindings,
    ShowAgent,
    ShowPort,
    ShowPortBinding,
    UpdateAgent,
    UpdatePort,
    UpdatePortBinding,
)
from actors.neutron.rpc import (
    AGENT_CONTEXT,
    L2_AGENT_TYPE,
    GetDevicesDetails,
    GetDhcpHosts,
    UpdateDeviceList,
    dhcp_agent,
    l2_agent,
)
from actors.neutron.states import BindingStatus, PortStatus, VifType
from tests.actors.neutron.harness import SERVER, Town, play
from tests.actors.neutron.invariants import check_agents, check_tables


async def status(town: Town, port) -> PortStatus:
    return (await town.ask(ShowPort(port_id=port.id))).status


def test_a_port_that_is_bound_and_plugged_becomes_active_and_nova_hears_of_it():
    async def story(town: Town):
        port = await town.servers_port(await town.network())
        bound = await town.bind(port, "host0")
        assert (bound.binding_vif_type, bound.status) == (VifType.OVS, PortStatus.DOWN)
        await anyio.sleep(10)
        assert await status(town, port) is PortStatus.DOWN
        assert town.events("network-vif-plugged") == []
        await town.plug(port.id, "host0")
        await anyio.sleep(0.51)
        assert await status(town, port) is PortStatus.ACTIVE
        await anyio.sleep(2)
        (event,) = town.events("network-vif-plugged")
        assert (event.server_uuid, event.tag, event.status) == (SERVER, port.id, "completed")
        check_agents(town)

    play(story)


def test_a_port_that_is_plugged_first_becomes_active_once_it_is_bound():
    async def story(town: Town):
        port = await town.servers_port(await town.network())
        await town.plug(port.id, "host0")
        await anyio.sleep(5)
        await town.bind(port, "host0")
        await anyio.sleep(5)
        assert await status(town, port) is PortStatus.ACTIVE
        assert len(town.events("network-vif-plugged")) == 1

    play(story)


def test_a_port_waits_for_its_dhcp_agent_too():
    async def story(town: Town):
        network = await town.network()
        await town.port(network)  # the first port of a network finds it an agent
        await anyio.sleep(1)
        town.world.pause(dhcp_agent("net0"))
        port = await town.bind(await town.servers_port(network), "host0")
        await town.plug(port.id, "host0")
        await anyio.sleep(10)
        assert await status(town, port) is PortStatus.BUILD
        town.world.resume(dhcp_agent("net0"))
        await anyio.sleep(10)
        assert await status(town, port) is PortStatus.ACTIVE
        check_agents(town)

    play(story)


@pytest.mark.parametrize("host", ["nowhere", "host0"])
def test_without_a_living_agent_binding_fails(host: str):
    async def story(town: Town):
        if host == "host0":
            await anyio.sleep(1)
            town.world.pause(l2_agent("host0"))
            await anyio.sleep(106)
        port = await town.bind(await town.servers_port(await town.network()), host)
        assert (port.binding_host_id, port.binding_vif_type) == (host, VifType.BINDING_FAILED)

    play(story)


def test_what_could_not_be_bound_is_bound_when_the_agent_is_back():
    async def story(town: Town):
        await anyio.sleep(1)
        town.world.pause(l2_agent("host0"))
        await anyio.sleep(106)
        port = await town.bind(await town.servers_port(await town.network()), "host0")
        town.world.resume(l2_agent("host0"))
        await town.plug(port.id, "host0")
        await anyio.sleep(40)
        assert await status(town, port) is PortStatus.ACTIVE
        check_agents(town)

    play(story)


def test_a_kind_of_interface_that_no_agent_wires_fails_to_bind():
    async def story(town: Town):
        port = await town.port(await town.network(), binding_vnic_type="direct", device_id=SERVER)
        assert (await town.bind(port, "host0")).binding_vif_type == VifType.BINDING_FAILED

    play(story)


def test_nova_hears_when_a_port_is_unplugged_changed_and_deleted():
    async def story(town: Town):
        port = await town.bind(await town.servers_port(await town.network()), "host0")
        await town.plug(port.id, "host0")
        await anyio.sleep(10)
        town.heard.clear()
        await town.ask(UpdatePort(port_id=port.id, name="x"))
        await anyio.sleep(5)
        await town.unplug(port.id, "host0")
        await anyio.sleep(5)
        assert await status(town, port) is PortStatus.DOWN
        await town.ask(DeletePort(port_id=port.id))
        await anyio.sleep(5)
        assert [event.name for event in town.events()] == [
            "network-changed",
            "network-vif-unplugged",
            "network-vif-deleted",
        ]

    play(story)


def test_nova_hears_nothing_of_ports_that_are_no_servers():
    async def story(town: Town):
        network = await town.network()
        port = await town.port(network, device_id=SERVER, device_owner="baremetal:none")
        await town.ask(UpdatePort(port_id=port.id, name="x"))
        port = await town.port(network, device_id="no-uuid", device_owner="compute:nova")
        await town.ask(UpdatePort(port_id=port.id, name="x"))
        await town.ask(DeletePort(port_id=port.id))
        await anyio.sleep(5)
        assert town.events() == []

    play(story)


def test_the_first_event_goes_at_once_and_then_one_batch_in_two_seconds():
    async def story(town: Town):
        network = await town.network()
        for _ in range(30):
            port = await town.bind(await town.servers_port(network), "host0")
            await anyio.sleep(0.2)
            await town.ask(UpdatePort(port_id=port.id, name="x"))
        await anyio.sleep(5)
        assert len(town.events("network-changed")) == 60
        first, *gaps = [round(b - a, 3) for a, b in zip([0.0, *town.batches], town.batches, strict=False)]
        assert first < 0.1
        assert all(gap == 2 for gap in gaps)

    play(story)


def test_events_are_lost_if_nova_is_away_for_longer_than_a_second():
    async def story(town: Town):
        network = await town.network()
        await town.world.bus.stop(_nova(town))
        await town.bind(await town.servers_port(network), "host0")
        await anyio.sleep(10)
        assert town.events() == []
        assert len(town.store.ports) == 1

    play(story)


def _nova(town: Town):
    (target,) = town.world.bus.targets("nova-api")
    return target


def test_a_port_that_is_administratively_down_stays_down():
    async def story(town: Town):
        port = await town.port(await town.network(), device_id=SERVER, admin_state_up=False)
        await town.bind(port, "host0")
        await town.plug(port.id, "host0")
        await anyio.sleep(5)
        assert await status(town, port) is PortStatus.DOWN
        await town.ask(UpdatePort(port_id=port.id, admin_state_up=True))
        await anyio.sleep(5)
        assert await status(town, port) is PortStatus.ACTIVE
        check_agents(town)

    play(story)


def test_a_restarted_agent_wires_all_that_is_plugged():
    async def story(town: Town):
        network = await town.network()
        port = await town.bind(await town.servers_port(network), "host0")
        await town.plug(port.id, "host0")
        town.world.crash(l2_agent("host0"))
        town.world.crash(dhcp_agent("net0"))
        await anyio.sleep(5)
        assert await status(town, port) is PortStatus.ACTIVE
        check_agents(town)

    play(story)


def test_a_server_that_was_away_is_asked_again():
    async def story(town: Town):
        network = await town.network()
        await town.port(network)  # the first port of a network finds it an agent
        await anyio.sleep(1)
        with town.world.faults.drop(sender="neutron-*", receiver="neutron.*"):
            port = await town.bind(await town.servers_port(network), "host0")
            await town.plug(port.id, "host0")
            await anyio.sleep(70)
        await anyio.sleep(70)
        assert await status(town, port) is PortStatus.ACTIVE
        check_agents(town)

    play(story)


def test_a_dhcp_agent_that_got_no_answer_asks_again():
    async def story(town: Town):
        network = await town.network()
        await town.port(network)  # the first port of a network finds it an agent
        await anyio.sleep(1)
        with town.world.faults.drop(message=GetDhcpHosts):
            port = await town.bind(await town.servers_port(network), "host0")
            await town.plug(port.id, "host0")
            await anyio.sleep(50)
        assert await status(town, port) is PortStatus.BUILD
        await anyio.sleep(20)
        assert await status(town, port) is PortStatus.ACTIVE

    play(story)


def test_a_port_that_is_deleted_while_its_agent_asks_about_it_is_not_wired():
    async def story(town: Town):
        port = await town.bind(await town.servers_port(await town.network()), "host0")
        with town.world.faults.delay(1, message=GetDevicesDetails, answers=True):
            await town.plug(port.id, "host0")
            await anyio.sleep(1)
            await town.ask(DeletePort(port_id=port.id))
            await anyio.sleep(10)
        check_agents(town)

    play(story)


# -- live migration ----------------------------------------------------------------------------------------------------


def test_live_migration_moves_a_port_without_a_moment_in_which_two_hosts_wire_it():
    async def story(town: Town):
        port = await town.bind(await town.servers_port(await town.network()), "host0")
        await town.plug(port.id, "host0")
        await anyio.sleep(10)
        new = await town.ask(CreatePortBinding(port_id=port.id, host="host1"), "nova")
        assert (new.status, new.vif_type) == (BindingStatus.INACTIVE, VifType.OVS)
        await town.plug(port.id, "host1")
        await anyio.sleep(10)
        assert list(town.bridges["host1"].wired) == []
        assert await status(town, port) is PortStatus.ACTIVE
        town.heard.clear()
        await town.ask(ActivatePortBinding(port_id=port.id, host="host1"), "nova")
        assert await status(town, port) is PortStatus.DOWN
        await anyio.sleep(10)
        assert await status(town, port) is PortStatus.ACTIVE
        assert (list(town.bridges["host0"].wired), list(town.bridges["host1"].wired)) == ([], [port.id])
        assert [event.name for event in town.events()] == ["network-vif-unplugged", "network-vif-plugged"]
        bindings = await town.ask(ListPortBindings(port_id=port.id), "nova")
        assert [(one.host, one.status) for one in bindings] == [("host1", "ACTIVE"), ("host0", "INACTIVE")]
        await town.ask(DeletePortBinding(port_id=port.id, host="host0"), "nova")
        assert len(await town.ask(ListPortBindings(port_id=port.id), "nova")) == 1
        check_agents(town)
        check_tables(town)

    play(story)


def test_bindings_that_cannot_be_are_refused():
    async def story(town: Town):
        network = await town.network()
        port = await town.bind(await town.servers_port(network), "host0")
        with pytest.raises(Forbidden):
            await town.ask(CreatePortBinding(port_id=port.id, host="host1"))
        with pytest.raises(Conflict):
            await town.ask(CreatePortBinding(port_id=port.id, host="host0"), "nova")
        with pytest.raises(PortBindingError, match="nowhere"):
            await town.ask(CreatePortBinding(port_id=port.id, host="nowhere"), "nova")
        with pytest.raises(PortBindingAlreadyActive):
            await town.ask(ActivatePortBinding(port_id=port.id, host="host0"), "nova")
        for request in (ActivatePortBinding, ShowPortBinding, DeletePortBinding, UpdatePortBinding):
            with pytest.raises(NotFound, match="host1"):
                await town.ask(request(port_id=port.id, host="host1"), "nova")
        with pytest.raises(BadRequest):
            await town.ask(CreatePortBinding(port_id=(await town.port(network)).id, host="host1"), "nova")
        assert (await town.ask(ShowPortBinding(port_id=port.id, host="host0"), "nova")).vif_type == VifType.OVS

    play(story)


def test_the_active_binding_can_be_deleted_made_and_changed():
    async def story(town: Town):
        port = await town.bind(await town.servers_port(await town.network()), "host0")
        await town.ask(DeletePortBinding(port_id=port.id, host="host0"), "nova")
        assert (await town.ask(ShowPort(port_id=port.id), "nova")).binding_vif_type == VifType.UNBOUND
        binding = await town.ask(CreatePortBinding(port_id=port.id, host="host1", profile={"a": "b"}), "nova")
        assert (binding.status, dict(binding.profile)) == (BindingStatus.ACTIVE, {"a": "b"})
        binding = await town.ask(UpdatePortBinding(port_id=port.id, host="host1", profile={}), "nova")
        assert (binding.vif_type, dict(binding.profile)) == (VifType.OVS, {})
        await town.ask(CreatePortBinding(port_id=port.id, host="host0"), "nova")
        binding = await town.ask(UpdatePortBinding(port_id=port.id, host="host0", profile={"c": "d"}), "nova")
        assert binding.status is BindingStatus.INACTIVE
        assert (await town.ask(ShowPortBinding(port_id=port.id, host="host0"), "nova")) == binding

    play(story)


def test_nova_is_told_of_a_port_that_another_host_wires():
    async def story(town: Town):
        port = await town.bind(await town.servers_port(await town.network()), "host0")
        await town.world.bus.ask(UpdateDeviceList(host="host1", devices_up=(port.id, "gone")), context=AGENT_CONTEXT)
        await anyio.sleep(3)
        assert len(town.events("network-vif-plugged")) == 1
        assert await status(town, port) is PortStatus.DOWN

    play(story)


# -- agents ------------------------------------------------------------------------------------------------------------


def test_agents_are_known_by_their_reports_and_down_without_them():
    async def story(town: Town):
        await anyio.sleep(1)
        assert len(await town.ask(ListAgents(alive=True), "admin")) == 3
        town.world.pause(l2_agent("host0"))
        await anyio.sleep(105)
        (dead,) = await town.ask(ListAgents(alive=False), "admin")
        assert (dead.host, dead.agent_type) == ("host0", L2_AGENT_TYPE)
        town.world.resume(l2_agent("host0"))
        await anyio.sleep(31)
        assert (await town.ask(ShowAgent(agent_id=dead.id), "admin")).alive
        with pytest.raises(Forbidden):
            await town.ask(ListAgents())

    play(story)


def test_a_lost_answer_does_not_make_an_agent_seem_down():
    async def story(town: Town):
        await anyio.sleep(1)
        with town.world.faults.drop(receiver="neutron-*", answers=True):
            for _ in range(20):
                await anyio.sleep(20)
                reported = [agent.heartbeat_timestamp for agent in await town.ask(ListAgents(alive=True), "admin")]
                assert len(reported) == 3
                assert min(reported) >= town.world.bus.clock.time() - 31

    play(story)


def test_an_agent_whose_clock_is_slow_is_not_believed_until_it_says_a_time_after_the_servers_start():
    async def story(town: Town):
        town.world.clock(l2_agent("host0")).skew = -100
        await anyio.sleep(31)
        assert await town.ask(ListAgents(host=("host0",)), "admin") == ()
        await anyio.sleep(91)
        assert len(await town.ask(ListAgents(host=("host0",)), "admin")) == 1

    play(story)


def test_an_agent_that_is_deleted_comes_back_and_one_that_is_set_down_is_given_no_ports():
    async def story(town: Town):
        await anyio.sleep(1)
        (agent,) = await town.ask(ListAgents(host=("host0",)), "admin")
        await town.ask(DeleteAgent(agent_id=agent.id), "admin")
        assert await town.ask(ListAgents(host=("host0",)), "admin") == ()
        await anyio.sleep(31)
        (agent,) = await town.ask(ListAgents(host=("host0",)), "admin")
        await town.ask(UpdateAgent(agent_id=agent.id, admin_state_up=False), "admin")
        port = await town.bind(await town.servers_port(await town.network()), "host0")
        assert port.binding_vif_type == VifType.BINDING_FAILED
        with pytest.raises(AgentNotFound):
            await town.ask(ShowAgent(agent_id="none"), "admin")

    play(story)


def test_networks_go_to_the_dhcp_agents_that_have_the_fewest():
    async def story(town: Town):
        await anyio.sleep(1)
        for n in range(4):
            await town.port(await town.network(f"10.0.{n}.0/24"))
        hosts = list(town.store.dhcp_hosts.values())
        assert sorted(hosts) == [("net0",), ("net0",), ("net1",), ("net1",)]
        await anyio.sleep(5)
        check_agents(town)

    play(story, dhcp=2)


def test_a_cloud_without_filters_wires_ports_all_the_same():
    async def story(town: Town):
        port = await town.bind(await town.servers_port(await town.network()), "host0")
        await town.plug(port.id, "host0")
        await anyio.sleep(5)
        assert await status(town, port) is PortStatus.ACTIVE
        check_agents(town)

    play(story, config=NeutronConfig(enable_security_group=False))
