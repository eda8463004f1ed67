"""Subnets."""

from ipaddress import ip_network
from typing import Any

from actors.ids import SubnetId
from actors.neutron.addresses import (
    Address,
    Cidr,
    Range,
    Space,
    check_pools,
    default_pools,
    parse_address,
    parse_cidr,
)
from actors.neutron.errors import InvalidInput, SubnetInUse, SubnetNotFound
from actors.neutron.ipam import cidr_of
from actors.neutron.listing import filtered, page
from actors.neutron.messages import CreateSubnet, DeleteSubnet, ListSubnets, ShowSubnet, UpdateSubnet
from actors.neutron.models import DHCP_OWNER, AllocationPool, Network, Subnet
from actors.neutron.service.networks import Networks
from actors.neutron.visibility import project_of, sees_subnet
from actors.service import request_context

IPV6_MODES = (None, "slaac", "dhcpv6-stateful", "dhcpv6-stateless")


class Subnets(Networks):
    """The calls about subnets."""

    @CreateSubnet.handler
    async def create_subnet(self, msg: CreateSubnet) -> Subnet:
        self.own_network(msg.network_id)
        project_id = project_of(request_context(), msg.project_id)

        def create() -> Subnet:
            network = self.own_network(msg.network_id)
            cidr = self._checked_cidr(network, msg)
            gateway = _gateway(cidr, msg.gateway_ip)
            pools = _pools(cidr, msg.allocation_pools, gateway)
            _check_dns(msg.dns_nameservers, cidr.version)
            now = self.clock.time()
            subnet = Subnet(
                id=SubnetId(self.ids.uuid()), network_id=network.id, project_id=project_id, name=msg.name,
                description=msg.description, ip_version=msg.ip_version, cidr=str(cidr),
                gateway_ip=None if gateway is None else str(gateway), allocation_pools=_shown(cidr, pools),
                enable_dhcp=msg.enable_dhcp, dns_nameservers=msg.dns_nameservers, host_routes=msg.host_routes,
                ipv6_ra_mode=msg.ipv6_ra_mode, ipv6_address_mode=msg.ipv6_address_mode, created_at=now, updated_at=now,
            )  # fmt: skip
            self.store.put_subnet(subnet, Space(cidr, pools))
            return subnet

        return await self.within_quota(project_id, "subnet", create)

    def _checked_cidr(self, network: Network, msg: CreateSubnet) -> Cidr:
        if msg.ip_version not in {4, 6}:
            raise InvalidInput(f"ip_version {msg.ip_version}: give 4 or 6")
        cidr = parse_cidr(msg.cidr, msg.ip_version)
        for mode, name in ((msg.ipv6_ra_mode, "ipv6_ra_mode"), (msg.ipv6_address_mode, "ipv6_address_mode")):
            if mode not in IPV6_MODES or (mode is not None and msg.ip_version == 4):
                raise InvalidInput(f"{name} {mode!r} is not valid when ip_version is {msg.ip_version}")
        if msg.ipv6_address_mode in {"slaac", "dhcpv6-stateless"} and cidr.prefixlen != 64:
            raise InvalidInput(f"invalid CIDR {cidr} for IPv6 address mode: addresses made of MAC addresses need a /64")
        if msg.enable_dhcp and (cidr.max_prefixlen - cidr.prefixlen < 2 or cidr.is_multicast or cidr.is_loopback):
            raise InvalidInput(f"cidr {cidr} is incompatible with DHCP service enabled: set enable_dhcp to False")
        for subnet_id in network.subnets:
            if ip_network(self.store.subnets[subnet_id].cidr).overlaps(cidr):
                raise InvalidInput(
                    f"requested subnet with cidr: {cidr} for network: {network.id} overlaps with another subnet"
                )
        return cidr

    def _subnet(self, subnet_id: SubnetId) -> Subnet:
        subnet = self.store.subnets.get(subnet_id)
        if subnet is None or not sees_subnet(request_context(), subnet, self.store.networks[subnet.network_id]):
            raise SubnetNotFound(f"subnet {subnet_id} could not be found")
        return subnet

    @ShowSubnet.handler
    async def show_subnet(self, msg: ShowSubnet) -> Subnet:
        return self._subnet(msg.subnet_id)

    @ListSubnets.handler
    async def list_subnets(self, msg: ListSubnets) -> tuple[Subnet, ...]:
        context, networks = request_context(), self.store.networks
        if msg.id:
            ids = [one for one in msg.id if one in self.store.subnets]
        elif msg.network_id:
            ids = [
                one for network_id in msg.network_id if network_id in networks for one in networks[network_id].subnets
            ]
        else:
            ids = list(self.store.subnets)
        rows = (self.store.subnets[one] for one in dict.fromkeys(ids))
        seen = (subnet for subnet in rows if sees_subnet(context, subnet, networks[subnet.network_id]))
        return page(filtered(seen, msg), msg)

    @UpdateSubnet.handler
    async def update_subnet(self, msg: UpdateSubnet) -> Subnet:
        subnet = self._subnet(msg.subnet_id)
        self.own_network(subnet.network_id)
        cidr = cidr_of(subnet)
        names = ("name", "description", "enable_dhcp", "dns_nameservers", "host_routes")
        changes: dict[str, Any] = {name: value for name in names if (value := getattr(msg, name)) is not None}
        _check_dns(msg.dns_nameservers or (), subnet.ip_version)
        gateway = subnet.gateway_ip if msg.gateway_ip is None else msg.gateway_ip or None
        way_out = None if gateway is None else _checked_gateway(cidr, gateway)
        pools = _pools(cidr, subnet.allocation_pools if msg.allocation_pools is None else msg.allocation_pools, way_out)
        changes |= {"gateway_ip": gateway, "allocation_pools": _shown(cidr, pools)}
        subnet = self.touched(subnet, **changes)
        space = self.store.spaces[subnet.id]
        if msg.allocation_pools is not None:
            space.repool(pools)
        self.store.put_subnet(subnet, space)
        if msg.enable_dhcp is not None:
            await self.refresh_dhcp(subnet.network_id, tuple(self.store.ports_by_network.get(subnet.network_id, ())))
        return subnet

    @DeleteSubnet.handler
    async def delete_subnet(self, msg: DeleteSubnet) -> None:
        subnet = self._subnet(msg.subnet_id)
        self.own_network(subnet.network_id)
        ports = (self.store.ports[port_id] for port_id in self.store.ports_by_network.get(subnet.network_id, ()))
        users = [port for port in ports if subnet.id in port.fixed_ips_subnet_id]
        if not subnet.automatic and any(port.device_owner != DHCP_OWNER for port in users):
            raise SubnetInUse(
                f"unable to complete operation on subnet {subnet.id}: one or more ports have an IP allocation from this subnet"
            )
        for port in users:
            left = tuple(ip for ip in port.fixed_ips if ip.subnet_id != subnet.id)
            self.store.put_port(self.touched(port, fixed_ips=left))
        self.store.remove_subnet(subnet)
        await self.refresh_dhcp(subnet.network_id, tuple(port.id for port in users))
        for port in users:
            await self.refresh(port, port.binding.host)


def _gateway(cidr: Cidr, asked: str | None) -> Address | None:
    """The first address if nothing is asked for, but none in a subnet of one address."""
    if asked == "":
        return None
    if asked is None:
        return cidr[1] if cidr.num_addresses > 1 else None
    return _checked_gateway(cidr, asked)


def _checked_gateway(cidr: Cidr, asked: str) -> Address:
    gateway = parse_address(asked, cidr.version, "gateway_ip")
    if cidr.version == 4 and gateway in {cidr.network_address, cidr.broadcast_address}:
        raise InvalidInput(
            f"gateway {gateway} is not valid on subnet {cidr}: it is the address of the network or of everybody"
        )
    return gateway


def _pools(cidr: Cidr, asked: tuple[AllocationPool, ...] | None, gateway: Address | None) -> tuple[Range, ...]:
    if asked is None:
        return default_pools(cidr, gateway)
    return check_pools(cidr, ((pool.start, pool.end) for pool in asked), gateway)


def _shown(cidr: Cidr, pools: tuple[Range, ...]) -> tuple[AllocationPool, ...]:
    kind = type(cidr.network_address)
    return tuple(AllocationPool(start=str(kind(first)), end=str(kind(last))) for first, last in pools)


def _check_dns(servers: tuple[str, ...], ip_version: int) -> None:
    for server in servers:
        parse_address(server, ip_version, "dns_nameserver")
