"""Networks and subnets: who sees them, what is refused, and when they can go."""

import pytest

from actors.errors import BadRequest, Conflict, Forbidden, NotFound, Unauthorized
from actors.neutron.errors import NetworkInUse, SubnetInUse
from actors.neutron.messages import (
    CreateNetwork,
    CreateSubnet,
    DeleteNetwork,
    DeletePort,
    DeleteSubnet,
    ListExtensions,
    ListNetworks,
    ListSubnets,
    ShowNetwork,
    ShowSubnet,
    UpdateNetwork,
    UpdateSubnet,
)
from actors.neutron.models import AllocationPool
from tests.actors.neutron.harness import DEMO, OTHER, Town, play


def test_nobody_is_let_in_without_a_token():
    async def story(town: Town):
        with pytest.raises(Unauthorized):
            await town.ask(ListNetworks(), "nobody")

    play(story)


def test_a_network_is_there_for_its_project_administrators_and_services_alone():
    async def story(town: Town):
        network = await town.network(None, name="mine")
        for who in ("demo", "admin", "nova"):
            assert (await town.ask(ShowNetwork(network_id=network.id), who)).name == "mine"
        with pytest.raises(NotFound, match=network.id):
            await town.ask(ShowNetwork(network_id=network.id), "other")
        assert await town.ask(ListNetworks(), "other") == ()

    play(story)


@pytest.mark.parametrize("field", ["shared", "router_external"])
def test_a_shared_or_external_network_is_there_for_all_and_changed_by_its_owner_alone(field: str):
    async def story(town: Town):
        network = await town.network("10.0.0.0/24", "admin", **{field: True})
        (seen,) = await town.ask(ListNetworks(**{field: True}))
        assert seen.id == network.id
        assert seen.provider_segmentation_id is None
        assert len(await town.ask(ListSubnets())) == (field == "shared")
        for request in (
            UpdateNetwork(network_id=network.id, name="x"),
            DeleteNetwork(network_id=network.id),
            CreateSubnet(network_id=network.id, cidr="10.1.0.0/24"),
        ):
            with pytest.raises(Forbidden):
                await town.ask(request)

    play(story)


@pytest.mark.parametrize("fields", [{"shared": True}, {"router_external": True}, {"provider_network_type": "flat"}])
def test_fields_for_administrators_are_refused_to_others(fields):
    async def story(town: Town):
        with pytest.raises(Forbidden, match=next(iter(fields))):
            await town.ask(CreateNetwork(**fields))
        assert town.store.networks == {}

    play(story)


def test_only_administrators_create_for_other_projects():
    async def story(town: Town):
        assert (await town.ask(CreateNetwork(project_id=DEMO), "admin")).project_id == DEMO
        with pytest.raises(Forbidden, match=OTHER):
            await town.ask(CreateNetwork(project_id=OTHER))

    play(story)


def test_networks_get_segments_of_their_own():
    async def story(town: Town):
        networks = [await town.network(None, "admin") for _ in range(3)]
        assert len({network.provider_segmentation_id for network in networks}) == 3
        assert networks[0].mtu == 1450

    play(story)


def test_lists_are_filtered_ordered_and_cut():
    async def story(town: Town):
        a, b, c = [await town.network(None, name=name) for name in "cab"]
        listed = await town.ask(ListNetworks(sort_key=("name",), sort_dir=("asc",)))
        assert [network.name for network in listed] == ["a", "b", "c"]
        assert await town.ask(ListNetworks(name=("a", "b"), limit=1)) == (b,)
        assert await town.ask(ListNetworks(marker=a.id)) == (b, c)
        assert await town.ask(ListNetworks(id=(c.id,))) == (c,)
        for wrong in (
            {"marker": "none"},
            {"limit": -1},
            {"sort_key": ("no",), "sort_dir": ("asc",)},
            {"sort_key": ("id",)},
        ):
            with pytest.raises(BadRequest):
                await town.ask(ListNetworks(**wrong))

    play(story)


def test_a_network_must_stay_shared_while_others_use_it():
    async def story(town: Town):
        network = await town.network(who="admin", shared=True)
        port = await town.port(network)
        with pytest.raises(Conflict):
            await town.ask(UpdateNetwork(network_id=network.id, shared=False), "admin")
        await town.ask(DeletePort(port_id=port.id))
        assert not (await town.ask(UpdateNetwork(network_id=network.id, shared=False), "admin")).shared

    play(story)


def test_a_network_goes_with_its_subnets_once_no_port_is_left():
    async def story(town: Town):
        network = await town.network()
        port = await town.port(network)
        with pytest.raises(NetworkInUse, match=port.id):
            await town.ask(DeleteNetwork(network_id=network.id))
        await town.ask(DeletePort(port_id=port.id))
        await town.ask(DeleteNetwork(network_id=network.id))
        assert (town.store.networks, town.store.subnets, town.store.spaces, town.store.ports) == ({}, {}, {}, {})
        with pytest.raises(NotFound):
            await town.ask(DeleteNetwork(network_id=network.id))

    play(story)


def test_a_subnet_takes_the_first_address_as_its_gateway_and_gives_away_the_rest():
    async def story(town: Town):
        network = await town.network(None)
        subnet = await town.subnet(network, "10.0.0.0/24")
        assert subnet.gateway_ip == "10.0.0.1"
        assert subnet.allocation_pools == (AllocationPool(start="10.0.0.2", end="10.0.0.254"),)
        assert (await town.ask(ShowNetwork(network_id=network.id))).subnets == (subnet.id,)

    play(story)


def test_a_subnet_may_have_no_gateway_and_pools_of_its_own():
    async def story(town: Town):
        network = await town.network(None)
        pools = (AllocationPool(start="10.0.0.10", end="10.0.0.11"),)
        subnet = await town.subnet(network, "10.0.0.0/24", gateway_ip="", allocation_pools=pools)
        assert (subnet.gateway_ip, subnet.allocation_pools) == (None, pools)
        given = {(await town.port(network)).fixed_ips_ip_address[0] for _ in range(2)}
        assert given == {"10.0.0.10", "10.0.0.11"}

    play(story)


@pytest.mark.parametrize(
    "fields",
    [
        {"cidr": "10.0.0.1/24"}, {"cidr": "10.0.0.0/25"}, {"cidr": "10.1.0.0/31"}, {"cidr": "127.0.0.0/8"},
        {"cidr": "10.1.0.0/24", "ip_version": 6}, {"cidr": "10.1.0.0/24", "ip_version": 5},
        {"cidr": "10.1.0.0/24", "gateway_ip": "10.1.0.255"}, {"cidr": "10.1.0.0/24", "ipv6_ra_mode": "slaac"},
        {"cidr": "2001:db8::/96", "ip_version": 6, "ipv6_address_mode": "slaac"},
        {"cidr": "10.1.0.0/24", "dns_nameservers": ("nonsense",)},
    ],
)  # fmt: skip
def test_a_subnet_that_makes_no_sense_is_refused_before_anything_has_changed(fields):
    async def story(town: Town):
        network = await town.network()
        before = dict(town.store.subnets)
        with pytest.raises(BadRequest):
            await town.ask(CreateSubnet(network_id=network.id, **fields))
        assert town.store.subnets == before
        assert town.store.reservations == {}

    play(story)


def test_a_subnet_is_changed():
    async def story(town: Town):
        network = await town.network()
        (subnet,) = await town.ask(ListSubnets(network_id=(network.id,)))
        changed = await town.ask(UpdateSubnet(subnet_id=subnet.id, gateway_ip="", dns_nameservers=("9.9.9.9",)))
        assert (changed.gateway_ip, changed.dns_nameservers, changed.revision_number) == (None, ("9.9.9.9",), 2)
        with pytest.raises(Conflict):
            await town.ask(UpdateSubnet(subnet_id=subnet.id, gateway_ip="10.0.0.7"))
        pools = (AllocationPool(start="10.0.0.50", end="10.0.0.50"),)
        await town.ask(UpdateSubnet(subnet_id=subnet.id, allocation_pools=pools))
        assert (await town.port(network)).fixed_ips_ip_address == ("10.0.0.50",)

    play(story)


def test_a_subnet_goes_once_no_port_has_an_address_of_it():
    async def story(town: Town):
        network = await town.network()
        (subnet,) = await town.ask(ListSubnets(network_id=(network.id,)))
        port = await town.port(network)
        with pytest.raises(SubnetInUse):
            await town.ask(DeleteSubnet(subnet_id=subnet.id))
        await town.ask(DeletePort(port_id=port.id))
        await town.ask(DeleteSubnet(subnet_id=subnet.id))
        with pytest.raises(NotFound):
            await town.ask(ShowSubnet(subnet_id=subnet.id))
        assert (await town.ask(ShowNetwork(network_id=network.id))).subnets == ()

    play(story)


def test_extensions_are_listed():
    async def story(town: Town):
        assert {"binding-extended", "security-group", "quotas"} <= set(await town.ask(ListExtensions()))

    play(story)
