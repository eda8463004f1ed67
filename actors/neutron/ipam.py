"""Which addresses a port gets: of which subnets, and in which order they are tried (`db/ipam_pluggable_backend.py`).

Every function is one synchronous step on the store, and changes nothing if it refuses.
"""

from collections.abc import Iterable, Sequence
from ipaddress import ip_network
from random import Random

import attrs

from actors.ids import SubnetId
from actors.neutron.addresses import Cidr, eui64, holds, parse_address
from actors.neutron.errors import (
    InvalidInput,
    InvalidIpForNetwork,
    InvalidIpForSubnet,
    IpAddressGenerationFailure,
    IpAddressInUse,
    SubnetNotFound,
)
from actors.neutron.models import FixedIp, FixedIpRequest, Network, Port, Subnet
from actors.neutron.store import NeutronStore

Choice = Sequence[tuple[SubnetId, str | None]]
"""Subnets that will do, the best first, each with the address that is asked for there (None: any)."""


@attrs.frozen(kw_only=True)
class Ipam:
    """Gives addresses away.

    Attributes:
        store: the database.
        chance: decides which.
        window: how many of the lowest free addresses are drawn from.
    """

    store: NeutronStore
    chance: Random = attrs.field(repr=False)
    window: int

    def allocate(self, network: Network, mac: str, asked: Sequence[FixedIpRequest] | None) -> tuple[FixedIp, ...]:
        """Take the addresses of a new port.

        Args:
            network: its network.
            mac: its MAC address, of which automatic addresses are made.
            asked: what it asks for; None for one address of each IP version.

        Raises:
            InvalidInput: for a request that names neither a subnet nor an address, or a subnet of another network.
            SubnetNotFound: for a subnet that is not there.
            InvalidIpForNetwork: for an address of none of the network's subnets.
            InvalidIpForSubnet: for one that is not of the subnet.
            IpAddressInUse: for one that is taken.
            IpAddressGenerationFailure: if no address is left.
        """
        subnets = [self.store.subnets[subnet_id] for subnet_id in network.subnets]
        choices = _any_of_each_version(subnets) if asked is None else [self._choice(subnets, one) for one in asked]
        return self._take(network, [*filter(None, choices), *_automatic(subnets, mac)])

    def replace(self, port: Port, network: Network, asked: Sequence[FixedIpRequest]) -> tuple[FixedIp, ...]:
        """Change the addresses of a port: what it has and asks for again stays, automatic addresses stay in any case.

        Raises:
            CloudError: as `allocate`.
        """
        subnets = [self.store.subnets[subnet_id] for subnet_id in network.subnets]
        left = list(port.fixed_ips)
        kept: list[FixedIp] = []
        wanted: list[FixedIpRequest] = []
        for one in sorted(asked, key=lambda request: request.ip_address is None):
            match = next((ip for ip in left if _satisfies(ip, one)), None)
            if match is None:
                wanted.append(one)
            else:
                left.remove(match)
                kept.append(match)
        automatic = {subnet.id for subnet in subnets if subnet.automatic}
        kept.extend(ip for ip in left if ip.subnet_id in automatic)
        choices = filter(None, (self._choice(subnets, one) for one in wanted))
        added = self._take(network, list(choices))
        self.release(ip for ip in left if ip.subnet_id not in automatic)
        return (*kept, *added)

    def release(self, fixed_ips: Iterable[FixedIp]) -> None:
        """Give addresses back."""
        for ip in fixed_ips:
            self.store.spaces[ip.subnet_id].release(ip.ip_address)

    def _choice(self, subnets: Sequence[Subnet], asked: FixedIpRequest) -> Choice | None:
        """Where a request can be met; None for an automatic subnet, which every port is in."""
        if not subnets:
            raise InvalidInput("IP allocation requires subnets for network: create one first")
        if asked.subnet_id is not None:
            subnet = next((one for one in subnets if one.id == asked.subnet_id), None)
            if subnet is None:
                if asked.subnet_id not in self.store.subnets:
                    raise SubnetNotFound(f"subnet {asked.subnet_id} could not be found")
                raise InvalidInput(f"fixed_ips included invalid subnet {asked.subnet_id}: it is of another network")
            if asked.ip_address is not None and not _has_room(subnet, asked.ip_address):
                raise InvalidIpForSubnet(f"IP address {asked.ip_address} is not a valid IP for subnet {subnet.cidr}")
        elif asked.ip_address is not None:
            subnet = next((one for one in subnets if _has_room(one, asked.ip_address)), None)
            if subnet is None:
                raise InvalidIpForNetwork(
                    f"IP address {asked.ip_address} is not a valid IP for any of the subnets on the specified network"
                )
        else:
            raise InvalidInput("IP allocation requires subnet_id or ip_address")
        return None if subnet.automatic else [(subnet.id, asked.ip_address)]

    def _take(self, network: Network, choices: Sequence[Choice]) -> tuple[FixedIp, ...]:
        taken: list[FixedIp] = []
        try:
            for choice in choices:
                taken.append(self._take_one(network, choice))  # noqa: PERF401 (what was taken before a refusal is given back)
        except Exception:
            self.release(taken)
            raise
        return tuple(taken)

    def _take_one(self, network: Network, choice: Choice) -> FixedIp:
        for subnet_id, asked in choice:
            space = self.store.spaces[subnet_id]
            address = asked or space.pick(self.chance, self.window)
            if address is None:
                continue
            if not space.take(address):
                raise IpAddressInUse(f"IP address {address} already allocated in subnet {subnet_id}")
            return FixedIp(subnet_id=subnet_id, ip_address=address)
        raise IpAddressGenerationFailure(
            f"no more IP addresses available on network {network.id}: delete ports, or give it another subnet"
        )


def _any_of_each_version(subnets: Sequence[Subnet]) -> list[Choice]:
    by_version = ([one for one in subnets if one.ip_version == version and not one.automatic] for version in (4, 6))
    return [[(subnet.id, None) for subnet in some] for some in by_version if some]


def _automatic(subnets: Sequence[Subnet], mac: str) -> list[Choice]:
    return [[(one.id, eui64(cidr_of(one), mac))] for one in subnets if one.automatic]


def cidr_of(subnet: Subnet) -> Cidr:
    """The range of a subnet."""
    return ip_network(subnet.cidr)


def _has_room(subnet: Subnet, address: str) -> bool:
    try:
        return holds(cidr_of(subnet), parse_address(address, subnet.ip_version, "ip_address"))
    except InvalidInput:
        return False


def _satisfies(ip: FixedIp, asked: FixedIpRequest) -> bool:
    return asked.subnet_id in {None, ip.subnet_id} and asked.ip_address in {None, ip.ip_address}
