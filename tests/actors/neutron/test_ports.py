"""Ports: their addresses, what may be set by whom, quotas, lists."""

import anyio
import pytest

from actors.errors import BadRequest, Conflict, Forbidden, NotFound
from actors.neutron.config import NeutronConfig
from actors.neutron.errors import IpAddressGenerationFailure, IpAddressInUse, MacAddressInUse, OverQuota, PortBound
from actors.neutron.messages import (
    CreatePort,
    DeletePort,
    DeleteQuota,
    ListPorts,
    ListSubnets,
    ShowPort,
    ShowQuota,
    ShowQuotaDetails,
    UpdatePort,
    UpdateQuota,
)
from actors.neutron.models import FixedIpRequest
from actors.neutron.states import PortStatus
from bus.topic import Target
from tests.actors.neutron.harness import DEMO, OTHER, SERVER, Town, play
from tests.actors.neutron.invariants import check_tables


def test_a_port_gets_a_mac_address_an_address_and_the_default_group():
    async def story(town: Town):
        port = await town.port(await town.network())
        assert port.mac_address.startswith("fa:16:3e:")
        assert port.fixed_ips_ip_address[0].startswith("10.0.0.")
        assert port.security_groups == (town.store.default_groups[DEMO],)
        assert port.status is PortStatus.DOWN
        check_tables(town)

    play(story)


def test_a_port_gets_one_address_of_each_ip_version_and_every_automatic_one():
    async def story(town: Town):
        network = await town.network(None)
        for cidr in ("10.0.0.0/24", "10.0.1.0/24", "2001:db8:0:1::/64"):
            await town.subnet(network, cidr)
        await town.subnet(network, "2001:db8:0:2::/64", ipv6_address_mode="slaac", ipv6_ra_mode="slaac")
        v4, stateful, automatic = (await town.port(network)).fixed_ips_ip_address
        assert v4.startswith("10.0.0.")
        assert stateful.startswith("2001:db8:0:1:")
        assert automatic.startswith("2001:db8:0:2:f816:3e")
        check_tables(town)

    play(story)


def test_a_network_without_subnets_has_ports_without_addresses():
    async def story(town: Town):
        assert (await town.port(await town.network(None))).fixed_ips == ()

    play(story)


def test_when_no_address_is_left_nothing_has_changed():
    async def story(town: Town):
        network = await town.network("10.0.0.0/30")
        await town.subnet(network, "2001:db8::/64")
        port = await town.port(network)
        with pytest.raises(IpAddressGenerationFailure, match=network.id):
            await town.port(network)
        check_tables(town)
        await town.ask(DeletePort(port_id=port.id))
        assert (await town.port(network)).fixed_ips_ip_address[0] == port.fixed_ips_ip_address[0]
        check_tables(town)

    play(story)


def test_addresses_are_given_as_they_are_asked_for():
    async def story(town: Town):
        network = await town.network()
        (subnet,) = await town.ask(ListSubnets(network_id=(network.id,)))
        for asked in (
            FixedIpRequest(ip_address="10.0.0.7"),
            FixedIpRequest(subnet_id=subnet.id, ip_address="10.0.0.8"),
        ):
            port = await town.port(network, fixed_ips=(asked,))
            assert port.fixed_ips_ip_address == (asked.ip_address,)
        assert len((await town.port(network, fixed_ips=(FixedIpRequest(subnet_id=subnet.id),) * 2)).fixed_ips) == 2
        assert (await town.port(network, fixed_ips=())).fixed_ips == ()

    play(story)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"ip_address": "10.0.0.5"}, IpAddressInUse),
        ({"ip_address": "10.9.9.9"}, BadRequest),
        ({"ip_address": "10.0.0.255"}, BadRequest),
        ({"ip_address": "nonsense"}, BadRequest),
        ({"subnet_id": "none"}, NotFound),
        ({}, BadRequest),
    ],
)
def test_an_address_that_cannot_be_had_is_refused_and_nothing_has_changed(asked, error):
    async def story(town: Town):
        network = await town.network()
        await town.port(network, fixed_ips=(FixedIpRequest(ip_address="10.0.0.5"),))
        with pytest.raises(error):
            await town.port(network, fixed_ips=(FixedIpRequest(ip_address="10.0.0.6"), FixedIpRequest(**asked)))
        check_tables(town)
        assert len(town.store.ports) == 1

    play(story)


def test_a_mac_address_is_used_once_on_a_network():
    async def story(town: Town):
        network = await town.network()
        port = await town.port(network, mac_address="fa:16:3e:00:00:01")
        with pytest.raises(MacAddressInUse, match=port.mac_address):
            await town.port(network, mac_address="FA:16:3E:00:00:01")
        elsewhere = await town.port(await town.network(), mac_address=port.mac_address)
        assert elsewhere.mac_address == port.mac_address

    play(story)


def test_mac_addresses_that_run_out_are_said_to():
    async def story(town: Town):
        network = await town.network(None)
        town.store.macs = _Full()
        with pytest.raises(Exception, match="base_mac"):
            await town.port(network)

    play(story)


class _Full(dict):
    def __contains__(self, key: object) -> bool:
        return True


def test_an_update_keeps_the_addresses_that_are_asked_for_again():
    async def story(town: Town):
        network = await town.network()
        (subnet,) = await town.ask(ListSubnets(network_id=(network.id,)))
        port = await town.port(network)
        more = (FixedIpRequest(subnet_id=subnet.id), FixedIpRequest(ip_address="10.0.0.77"))
        changed = await town.ask(UpdatePort(port_id=port.id, fixed_ips=more))
        assert changed.fixed_ips_ip_address == (*port.fixed_ips_ip_address, "10.0.0.77")
        changed = await town.ask(UpdatePort(port_id=port.id, fixed_ips=more[1:]))
        assert changed.fixed_ips_ip_address == ("10.0.0.77",)
        with pytest.raises(BadRequest):
            await town.ask(UpdatePort(port_id=port.id, fixed_ips=(FixedIpRequest(ip_address="10.9.9.9"),), name="no"))
        assert await town.ask(ShowPort(port_id=port.id)) == changed
        check_tables(town)

    play(story)


@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        ({}, True),
        ({"device_owner": "compute:nova", "device_id": "x"}, True),
        ({"device_owner": "network:dhcp"}, False),
        ({"mac_address": "fa:16:3e:00:00:01"}, False),
        ({"fixed_ips": (FixedIpRequest(ip_address="10.0.0.9"),)}, False),
        ({"binding_host_id": "host0"}, False),
        ({"binding_profile": {"a": "b"}}, False),
    ],
)
def test_on_a_shared_network_some_fields_are_for_its_owner(fields, allowed: bool):
    async def story(town: Town):
        network = await town.network(who="admin", shared=True)
        if allowed:
            await town.port(network, **fields)
        else:
            with pytest.raises(Forbidden):
                await town.port(network, **fields)
            assert town.store.ports == {}
        await town.port(network, "admin", **fields)

    play(story)


def test_a_binding_is_shown_to_administrators_and_services_alone():
    async def story(town: Town):
        port = await town.port(await town.network())
        await town.bind(port, "host0")
        seen = await town.ask(ShowPort(port_id=port.id))
        assert (seen.binding_host_id, seen.binding_vif_type, seen.binding_vnic_type) == ("", "", "normal")
        seen = await town.ask(ShowPort(port_id=port.id), "nova")
        assert (seen.binding_host_id, seen.binding_vif_type) == ("host0", "ovs")

    play(story)


def test_a_network_owner_sees_and_deletes_the_ports_of_others_but_does_not_change_them():
    async def story(town: Town):
        network = await town.network(who="demo")
        port = await town.ask(CreatePort(network_id=network.id, project_id=OTHER), "admin")
        with pytest.raises(NotFound):
            await town.port(network, "other")
        assert port in await town.ask(ListPorts(network_id=(network.id,)), "admin")
        assert [one.id for one in await town.ask(ListPorts())] == [port.id]
        with pytest.raises(Forbidden):
            await town.ask(UpdatePort(port_id=port.id, name="x"))
        await town.ask(DeletePort(port_id=port.id))
        with pytest.raises(NotFound):
            await town.ask(DeletePort(port_id=port.id))

    play(story)


def test_ports_are_listed_by_every_filter():
    async def story(town: Town):
        network, elsewhere = await town.network(), await town.network("10.7.0.0/24")
        port = await town.servers_port(network)
        other = await town.port(elsewhere, name="other")
        await town.bind(port, "host0")
        (subnet,) = await town.ask(ListSubnets(network_id=(network.id,)))
        filters = [
            {"id": (port.id,)}, {"network_id": (network.id,)}, {"device_id": (SERVER,)}, {"name": ("",)},
            {"device_owner": ("compute:nova",)}, {"mac_address": (port.mac_address,)}, {"binding_host_id": ("host0",)},
            {"fixed_ips_ip_address": port.fixed_ips_ip_address}, {"fixed_ips_subnet_id": (subnet.id,)},
        ]  # fmt: skip
        for one in filters:
            assert [row.id for row in await town.ask(ListPorts(**one), "nova")] == [port.id], one
        assert [row.id for row in await town.ask(ListPorts(device_id=("",)))] == [other.id]
        both = await town.ask(ListPorts(security_groups=port.security_groups, project_id=(DEMO,), admin_state_up=True))
        assert {row.id for row in both} == {port.id, other.id}
        assert await town.ask(ListPorts(), "other") == ()

    play(story)


def test_a_bound_port_keeps_its_mac_address_and_kind():
    async def story(town: Town):
        port = await town.bind(await town.port(await town.network()), "host0")
        with pytest.raises(PortBound):
            await town.ask(UpdatePort(port_id=port.id, mac_address="fa:16:3e:00:00:01"), "admin")
        with pytest.raises(Conflict):
            await town.ask(UpdatePort(port_id=port.id, binding_vnic_type="direct"), "admin")
        await town.ask(UpdatePort(port_id=port.id, binding_host_id=""), "admin")
        changed = await town.ask(UpdatePort(port_id=port.id, mac_address="fa:16:3e:00:00:01"), "admin")
        assert changed.mac_address == "fa:16:3e:00:00:01"
        check_tables(town)

    play(story)


# -- quotas ------------------------------------------------------------------------------------------------------------


def test_concurrent_creates_stay_within_the_quota():
    async def story(town: Town):
        network = await town.network()
        refused = []

        async def create() -> None:
            try:
                await town.port(network)
            except OverQuota as error:
                refused.append(str(error))

        async with anyio.create_task_group() as tasks:
            for _ in range(12):
                tasks.start_soon(create)
        assert (len(town.store.ports), len(refused)) == (5, 7)
        assert "limit 5" in refused[0]
        assert town.store.reservations == {}
        check_tables(town)

    play(story, config=NeutronConfig(quota_port=5), servers=2)


def test_what_dies_in_between_leaves_a_reservation_that_counts_until_it_expires():
    async def story(town: Town):
        network = await town.network()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_ignoring_errors, town, network)
            while not town.store.reservations:
                await anyio.lowlevel.checkpoint()
            town.world.crash(Target("neutron", server="1"))
            tasks.cancel_scope.cancel()
        details = await town.ask(ShowQuotaDetails(project_id=DEMO))
        assert (details.port.limit, details.port.used, details.port.reserved) == (1, 0, 1)
        with pytest.raises(OverQuota, match="reserved 1"):
            await town.port(network)
        await anyio.sleep(120)
        assert (await town.ask(ShowQuotaDetails(project_id=DEMO))).port.reserved == 0
        await town.port(network)
        assert (await town.ask(ShowQuotaDetails(project_id=DEMO))).port.reserved == 0

    play(story, config=NeutronConfig(quota_port=1))


async def _ignoring_errors(town: Town, network) -> None:
    try:
        await town.port(network)
    except Exception:
        return


def test_administrators_change_quotas_and_take_changes_back():
    async def story(town: Town):
        with pytest.raises(Forbidden):
            await town.ask(UpdateQuota(project_id=DEMO, port=1))
        with pytest.raises(BadRequest, match="-2"):
            await town.ask(UpdateQuota(project_id=DEMO, port=-2), "admin")
        await town.ask(UpdateQuota(project_id=DEMO, port=0, network=-1), "admin")
        quota = await town.ask(ShowQuota(project_id=DEMO))
        assert (quota.port, quota.network, quota.subnet) == (0, -1, 100)
        with pytest.raises(OverQuota):
            await town.port(await town.network())
        with pytest.raises(Forbidden):
            await town.ask(ShowQuota(project_id=OTHER))
        await town.ask(DeleteQuota(project_id=DEMO), "admin")
        assert (await town.ask(ShowQuota(project_id=DEMO))).port == 500

    play(story)
