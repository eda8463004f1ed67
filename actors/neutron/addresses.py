"""Addresses: which a subnet has, and which is given away next (pure rules).

A `Space` knows the free addresses of one subnet, so that no address can be given away twice. As in Neutron's IPAM driver
(`ipam/drivers/neutrondb_ipam/driver.py`), an address is drawn at random from a *window* of the lowest free ones of the first
pool that has any: two servers that pick at the same time then seldom pick the same. DHCP ports take the lowest.

How it works: up to a pool's *frontier* every address is either free, in a sorted list, or taken; beyond it all are free but
for those that somebody asked for by name. The frontier moves up as far as the window needs, so the cost of an allocation
does not grow with the subnet.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import pairwise
from random import Random
from typing import Final

from actors.neutron.errors import (
    GatewayConflictWithAllocationPools,
    InvalidAllocationPool,
    InvalidInput,
    OutOfBoundsAllocationPool,
    OverlappingAllocationPools,
)  # fmt: skip

Range = tuple[int, int]
"""First and last address of a pool, as numbers."""

Address = IPv4Address | IPv6Address
Cidr = IPv4Network | IPv6Network


class Space:
    """The addresses of one subnet.

    Args:
        cidr: the subnet.
        pools: what may be given away without being asked for by name.
    """

    def __init__(self, cidr: Cidr, pools: Iterable[Range]) -> None:
        self._address: type[Address] = IPv4Address if cidr.version == 4 else IPv6Address
        self._taken: dict[int, None] = {}
        self._pools = [_Pool(first, last) for first, last in pools]

    def __len__(self) -> int:
        """How many addresses are taken."""
        return len(self._taken)

    def __contains__(self, address: str) -> bool:
        """Whether *address* is taken."""
        return int(self._address(address)) in self._taken

    def pick(self, chance: Random, window: int) -> str | None:
        """A free address: one of the lowest *window* of the first pool that has any; None if there is none.

        Args:
            chance: decides which.
            window: 1 for the lowest.
        """
        for pool in self._pools:
            candidates = pool.lowest(window, self._taken)
            if candidates:
                return str(self._address(pool.free[chance.randrange(candidates) if candidates > 1 else 0]))
        return None

    def take(self, address: str) -> bool:
        """Take *address*, which may lie outside of the pools. False if it is taken already."""
        number = int(self._address(address))
        if number in self._taken:
            return False
        self._taken[number] = None
        for pool in self._pools:
            pool.remove(number)
        return True

    def release(self, address: str) -> None:
        """Give *address* back."""
        number = int(self._address(address))
        del self._taken[number]
        for pool in self._pools:
            pool.add(number)

    def repool(self, pools: Iterable[Range]) -> None:
        """Give away from other *pools* from now on. What is taken stays taken."""
        self._pools = [_Pool(first, last) for first, last in pools]


class _Pool:
    """One pool of a space. Invariant: `free` holds, in order, the free addresses from `first` up to below `frontier`."""

    __slots__ = ("first", "free", "frontier", "last")

    def __init__(self, first: int, last: int) -> None:
        self.first = first
        self.last = last
        self.frontier = first
        self.free: list[int] = []

    def lowest(self, window: int, taken: dict[int, None]) -> int:
        """Have the lowest *window* free addresses in `free`, and say how many there are, at most *window*."""
        while len(self.free) < window and self.frontier <= self.last:
            if self.frontier not in taken:
                self.free.append(self.frontier)
            self.frontier += 1
        return min(len(self.free), window)

    def remove(self, number: int) -> None:
        if self.first <= number < self.frontier:
            del self.free[bisect_left(self.free, number)]

    def add(self, number: int) -> None:
        if self.first <= number < self.frontier:
            insort(self.free, number)


# -- subnets -----------------------------------------------------------------------------------------------------------


def parse_cidr(text: str, ip_version: int) -> Cidr:
    """Read a subnet's CIDR.

    Raises:
        InvalidInput: if it is none, has bits beyond its prefix, has no prefix bits, or is of another IP version.
    """
    try:
        cidr = ip_network(text, strict=False)
    except ValueError:
        raise InvalidInput(f"cidr {text!r} is no IP subnet: write it as 10.0.0.0/24") from None
    if str(cidr) != text.lower():
        raise InvalidInput(f"cidr {text!r} is not written as a subnet: {cidr} is recommended")
    if cidr.version != ip_version:
        raise InvalidInput(f"cidr {text!r} does not match the ip_version {ip_version}")
    if cidr.prefixlen == 0:
        raise InvalidInput(f"cidr {text!r}: 0 is not allowed as CIDR prefix length")
    return cidr


def parse_address(text: str, ip_version: int, field: str) -> Address:
    """Read an address.

    Raises:
        InvalidInput: if it is none, or of another IP version.
    """
    try:
        address = ip_address(text)
    except ValueError:
        raise InvalidInput(f"{field} {text!r} is no IP address") from None
    if address.version != ip_version:
        raise InvalidInput(f"{field} {text!r} does not match the ip_version {ip_version}")
    return address


def usable(cidr: Cidr) -> Range:
    """The first and the last address of a subnet that ports may have by themselves (`ipam/utils.py`)."""
    first, last = int(cidr.network_address), int(cidr.broadcast_address)
    if first == last or (cidr.version == 4 and cidr.prefixlen == 31):
        return first, last
    return first + 1, last - 1 if cidr.version == 4 else last


def holds(cidr: Cidr, address: Address) -> bool:
    """Whether a port may ask for *address* in a subnet: not for those of the network itself and of everybody."""
    return (
        address in cidr and address != cidr.network_address and (cidr.version == 6 or address != cidr.broadcast_address)
    )


def default_pools(cidr: Cidr, gateway: Address | None) -> tuple[Range, ...]:
    """The pools of a subnet that names none: all it has but the gateway."""
    first, last = usable(cidr)
    if gateway is None or not first <= int(gateway) <= last:
        return ((first, last),)
    around = ((first, int(gateway) - 1), (int(gateway) + 1, last))
    return tuple((low, high) for low, high in around if low <= high)


def check_pools(cidr: Cidr, pools: Iterable[tuple[str, str]], gateway: Address | None) -> tuple[Range, ...]:
    """Read the pools that somebody asks for, lowest first.

    Raises:
        InvalidInput: for what is no address.
        InvalidAllocationPool: for a pool that ends before it starts.
        OutOfBoundsAllocationPool: for a pool that is not inside of *cidr*.
        OverlappingAllocationPools: for pools that share addresses.
        GatewayConflictWithAllocationPools: for a pool that holds the gateway.
    """
    first, last = usable(cidr)
    ranges: list[Range] = []
    for start, end in pools:
        low = int(parse_address(start, cidr.version, "allocation pool start"))
        high = int(parse_address(end, cidr.version, "allocation pool end"))
        if low > high:
            raise InvalidAllocationPool(
                f"the allocation pool {start}-{end} is not valid: its end comes before its start"
            )
        if low < first or high > last:
            raise OutOfBoundsAllocationPool(f"the allocation pool {start}-{end} spans beyond the subnet cidr {cidr}")
        if gateway is not None and low <= int(gateway) <= high:
            raise GatewayConflictWithAllocationPools(
                f"gateway ip {gateway} conflicts with allocation pool {start}-{end}"
            )
        ranges.append((low, high))
    ranges.sort()
    for (_, end_of_one), (start_of_next, _) in pairwise(ranges):
        if start_of_next <= end_of_one:
            raise OverlappingAllocationPools(
                f"found overlapping allocation pools in {cidr}: leave each address in one of them"
            )
    return tuple(ranges)


# -- MAC addresses -----------------------------------------------------------------------------------------------------

MAC_ATTEMPTS: Final = 16
"""MAC addresses that are tried before giving up."""


def random_mac(base_mac: str, chance: Random) -> str:
    """A MAC address that begins as *base_mac*: with its three octets, or four if the fourth is not 00 (neutron-lib's `net`)."""
    octets = base_mac.split(":")
    kept = octets[:3] if octets[3] == "00" else octets[:4]
    return ":".join([*kept, *(f"{chance.getrandbits(8):02x}" for _ in range(6 - len(kept)))])


def eui64(cidr: Cidr, mac: str) -> str:
    """The address that a port with *mac* gives itself in an IPv6 subnet with automatic addresses (SLAAC, RFC 4291)."""
    octets = [int(octet, 16) for octet in mac.split(":")]
    octets[0] ^= 2
    interface = int.from_bytes(bytes([*octets[:3], 0xFF, 0xFE, *octets[3:]]), "big")
    return str(IPv6Address(int(cidr.network_address) | interface))
