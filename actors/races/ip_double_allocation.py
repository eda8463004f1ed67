"""`ip-double-allocation`: two ports get one address, because both saw that it was free.

A Neutron server reads which addresses of a subnet are free, chooses one, and writes it with the port at the end of its transaction. Another
one reads meanwhile, and chooses the same. With a unique key the second commit fails, and the request is done anew, ten times at most;
where there was none, or where the table of free ranges was rebuilt by two at once, two servers answered to one address. Drawing from a
window of free addresses makes it rarer, not impossible.

Sources: neutron f67fc3cb08 (LP 1534447), d755f7248d (LP 1494351), dcb2a931b5 (LP 1543094), 802cf11942 (LP 1655567), db9e4048c4 (LP 1590602:
MAC addresses), LP 1214115.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

import anyio
import attrs

from actors.ids import ProjectId, SubnetId
from actors.neutron.config import NeutronConfig
from actors.neutron.ipam import Choice, Ipam
from actors.neutron.messages import CreatePort, ListNetworks
from actors.neutron.models import FixedIp, Network
from actors.neutron.service import NeutronService
from actors.races.base import Race, Stage
from actors.races.boots import QUERY, open_small

T = TypeVar("T")

SEEN: ContextVar[dict[SubnetId, str | None]] = ContextVar("SEEN")
"""What a transaction has chosen of what was free when it began."""


class NoUniqueKey(Ipam):
    """Writes down what was free, whether or not it still is."""

    def _take_one(self, network: Network, choice: Choice) -> FixedIp:
        subnet, asked = choice[0]
        address = asked or SEEN.get()[subnet]
        assert address is not None
        self.store.spaces[subnet].take(address)
        return FixedIp(subnet_id=subnet, ip_address=address)


class HastyNeutron(NeutronService):
    """Chooses an address when a request begins."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.ipam = NoUniqueKey(**attrs.asdict(self.ipam, recurse=False))

    async def within_quota(self, project_id: ProjectId, resource: str, create: Callable[[], T]) -> T:
        spaces, window = self.store.spaces, self.config.address_window
        SEEN.set({subnet: space.pick(self.chance, window) for subnet, space in spaces.items()})
        await anyio.sleep(QUERY)
        return await super().within_quota(project_id, resource, create)


async def scenario(stage: Stage) -> None:
    """Some ports are created, each a moment after the other."""
    window = stage.choose("addresses to draw from", (10, 1))
    cloud = await open_small(stage, hosts=0, neutron=NeutronConfig(address_window=window))
    demo = cloud.session("demo")
    (network,) = await demo.ask(ListNetworks())

    async def create() -> None:
        await anyio.sleep(stage.choose("seconds later", (0.0, 0.1, 0.2, 0.3, 0.5, 1.0)))
        await demo.ask(CreatePort(network_id=network.id))

    await stage.together(*[create] * stage.choose("ports", (1, 2, 3)))
    await stage.rest()


RACE = Race(
    name="ip-double-allocation", invariants=("S15",), min_operations=2, variant={NeutronService: HastyNeutron},
    scenario=scenario,
)  # fmt: skip
program, counterpart = RACE.programs()
