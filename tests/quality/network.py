"""Mistakes in Neutron, its agents, and Placement."""

from contextlib import suppress

import attrs

from actors.cloud import Members
from actors.errors import CloudError
from actors.hypervisor.models import HostResources
from actors.neutron.ipam import Ipam
from actors.neutron.l2_agent import L2Agent
from actors.neutron.nova_notifier import NovaNotifier
from actors.neutron.rpc import UpdateDeviceList
from actors.neutron.service.base import NeutronPart
from actors.neutron.service.bindings import Bindings
from actors.neutron.service.ports import Ports
from actors.neutron.states import Entity
from actors.neutron.store import NeutronStore
from actors.placement import store as placement_store
from actors.placement.store import PlacementStore
from actors.testing.workloads import Boot, Migrate
from bus.errors import BusError
from tests.quality.mistakes import BOOT, END, ONE_HOST, WITH_DHCP, Mistake, left_out


def still_counted(right):
    def remove_port(self, port):
        right(self, port)
        self.owned[port.project_id, "port"] += 1

    return remove_port


def untold(_):
    def members_changed(self, group_ids):
        for group_id in group_ids:
            if self.store.rules_by_remote.get(group_id):
                self.store.member_versions[group_id] += 1

    return members_changed


def tried_once(right):
    async def look(self, ports, gone, groups):
        with suppress(BusError, CloudError):
            await right(self, ports, gone, groups)

    return look


def up_first(right):
    async def look(self, ports, gone, groups):
        if ports:
            await self._ask(UpdateDeviceList(host=self.host, devices_up=tuple(ports), devices_down=()))
        await right(self, ports, gone, groups)

    return look


def unblocked(right):
    def bound(self, port, binding):
        port = right(self, port, binding)
        self.store.blocks.get(port.id, {}).pop(Entity.L2, None)
        return port

    return bound


def still_used(_):
    def give_back(self, consumer):
        for allocation in consumer.allocations:
            del self.providers[allocation.resource_provider_uuid].consumers[consumer.uuid]

    return give_back


FULL = attrs.evolve(
    ONE_HOST, members=Members(nova_scheduler=2), host=HostResources(vcpus=4, memory_mb=1100, local_gb=100)
)
"""A host with room for one, and two schedulers who both see it."""
TWO = (BOOT, Boot(at=8, server="b"))
SLOW_DHCP = attrs.evolve(WITH_DHCP, neutron=attrs.evolve(WITH_DHCP.neutron, dhcp_reload_time=5.0))

FOUND = (
    Mistake("address-kept", "addresses of a deleted port are free", Ipam, "release", left_out, (BOOT, END), ("S15",)),
    Mistake(
        "port-still-counted", "a deleted port does not count", NeutronStore, "remove_port", still_counted, (BOOT, END),
        ("S14",),
    ),
    Mistake(
        "members-untold", "L2 agents hear of new members of security groups",
        NeutronPart, "members_changed", untold, TWO, ("S20",),
    ),
    Mistake(
        "ports-untold", "L2 agents hear that a port has moved",
        NeutronPart, "refresh", left_out, (BOOT, Migrate(at=10, server="a", ready=True)), ("S20",),
    ),
    Mistake(
        "looks-once", "an L2 agent looks again at what it could not ask about",
        L2Agent, "_round", tried_once, TWO, ("S20",), refused={"GetFilters": (1,)},
    ),
    Mistake(
        "dhcp-untold", "DHCP agents hear of new ports", NeutronPart, "refresh_dhcp", left_out, (BOOT,), ("S20",), WITH_DHCP,
    ),
    Mistake(
        "room-for-all", "Placement looks whether there is room when it writes an allocation",
        placement_store, "check_room", left_out, (BOOT, Boot(server="b")), ("S10",), FULL,
    ),
    Mistake(
        "no-wait-for-dhcp", "a port is ACTIVE when its DHCP agents serve it, unless it is the first of its network",
        Ports, "_wait_for_dhcp", left_out, TWO, ("S16",), SLOW_DHCP,
    ),
    Mistake(
        "no-wait-for-wiring", "a port is ACTIVE when its host's L2 agent has wired it",
        Bindings, "bound", unblocked, (BOOT,), ("S16",), WITH_DHCP,
    ),
    Mistake(
        "up-before-wired", "an L2 agent says that a port is up when it has wired it",
        L2Agent, "_round", up_first, (BOOT,), ("S16",),
    ),
    Mistake(
        "nova-untold", "Neutron tells Nova that a port is ACTIVE", NovaNotifier, "_queue", left_out, (BOOT,), ("S23",),
    ),
    Mistake(
        "usage-kept", "what is given back in Placement is not used any more",
        PlacementStore, "_give_back", still_used, (BOOT, END), ("S14",),
    ),
)  # fmt: skip
