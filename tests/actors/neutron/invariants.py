"""What must hold of Neutron's tables at any time, and of its agents when it has come to rest."""

from collections import Counter

import attrs

from actors.neutron.quotas import RESOURCES, quota
from actors.neutron.states import PortStatus
from tests.actors.neutron.harness import Town


def check_tables(town: Town) -> None:
    """S15: each address and MAC address once, and what is taken is what ports have. Indexes say what the tables say."""
    store = town.store
    taken = Counter((ip.subnet_id, ip.ip_address) for port in store.ports.values() for ip in port.fixed_ips)
    assert all(times == 1 for times in taken.values()), taken.most_common(3)
    for subnet_id, space in store.spaces.items():
        mine = [address for subnet, address in taken if subnet == subnet_id]
        assert len(space) == len(mine)
        assert all(address in space for address in mine)
    assert {subnet_id for subnet_id, _ in taken} <= set(store.subnets) == set(store.spaces)
    assert store.macs == {(port.network_id, port.mac_address): port.id for port in store.ports.values()}
    assert len(store.macs) == len(store.ports)
    assert {port.network_id for port in store.ports.values()} <= set(store.networks)
    assert {subnet_id: s.network_id for subnet_id, s in store.subnets.items()} == {
        subnet_id: network.id for network in store.networks.values() for subnet_id in network.subnets
    }
    for name in ("device_id", "network_id", "project_id"):
        index = getattr(store, f"ports_by_{name.removesuffix('_id')}")
        listed = sorted((key, port_id) for key, ids in index.items() for port_id in ids)
        assert listed == sorted((getattr(port, name), port.id) for port in store.ports.values() if getattr(port, name))
    assert set(store.blocks) | set(store.inactive) <= set(store.ports)
    check_quotas(town)


def check_quotas(town: Town) -> None:
    """S13 and S14: nobody has more than allowed, and what is counted is what there is."""
    store = town.store
    tables = (store.networks, store.subnets, store.ports, store.groups, store.rules)
    for resource, table in zip(RESOURCES, tables, strict=True):
        real = Counter(row.project_id for row in table.values())
        assert dict(real.items()) == {
            project: n for (project, kind), n in store.owned.items() if kind == resource and n
        }
        for project, n in real.items():
            limit = getattr(quota(store, town.config, project), resource)
            assert limit < 0 or n <= limit


def check_agents(town: Town) -> None:
    """S20: what agents have wired and serve is what the server says. Call it when all has come to rest."""
    store, service = town.store, town.world.bus.cell(town.servers[0]).actor
    for host, bridge in town.bridges.items():
        here = {p.id: p for p in store.ports.values() if p.binding.host == host and p.binding.bound}
        due = {port_id for port_id in bridge.plugged if port_id in here and here[port_id].admin_state_up}
        assert set(bridge.wired) == due
        for port_id, wired in bridge.wired.items():
            port = here[port_id]
            assert (wired.mac_address, wired.fixed_ips) == (port.mac_address, port.fixed_ips)
            assert wired.filters == service.filters_of(port)
            assert port.status is PortStatus.ACTIVE, store.blocks.get(port_id)
    for host, file in town.files.items():
        served = {p.id for p in store.ports.values() if host in store.dhcp_hosts.get(p.network_id, ())}
        assert served <= set(file.hosts) <= set(store.ports)
        macs: dict[tuple[str, str], str] = {}
        for line in file.hosts.values():
            assert attrs.evolve(line, fixed_ips=store.ports[line.port_id].fixed_ips) == line
            for ip in line.fixed_ips:
                assert macs.setdefault((ip.subnet_id, ip.ip_address), line.mac_address) == line.mac_address
