"""Rest: the state of a cloud in which nothing is in transit, and nothing is left over.

Two lists say what keeps a cloud from it: `transit`, of what is on its way to somewhere, and `leaks`, of what refers to what is no
more. Both are looked at by the invariants L1 and L2.
"""

from collections.abc import Iterator
from typing import Final

import anyio

from actors.cloud import Cloud, Stores
from actors.glance.states import ImageStatus
from actors.ids import ServerId
from actors.neutron.states import PortStatus
from actors.nova.states import VmState
from actors.testing.restraint import LONGEST
from bus.sim import World

VOLUMES_ON_THEIR_WAY: Final = (
    "creating",
    "downloading",
    "attaching",
    "detaching",
    "extending",
    "uploading",
    "deleting",
)
SNAPSHOTS_ON_THEIR_WAY: Final = ("creating", "deleting")
MIGRATIONS_ON_THEIR_WAY: Final = ("accepted", "queued", "preparing", "running")
COMPUTE_OWNER: Final = "compute:"
STEP: Final = 1.0
"""Seconds between two looks, at first; each is twice as long as the one before."""
LONGEST_STEP: Final = 64.0
SETTLE: Final = 5.0
"""Seconds for which nothing must be on its way in a calm run: so long may what nobody waits for take, such as the news for an agent."""
DELAYS: Final = 6 * LONGEST / 1e6
"""Seconds more where chance decides: the news, the agent's timer, and two questions with their answers, each as late as can be."""


async def rest(cloud: Cloud, world: World, bound: float = 1200.0) -> bool:
    """Wait until a cloud is at rest.

    Args:
        cloud: the cloud.
        world: its world.
        bound: seconds of simulated time to wait at most. The default is more than the longest timeout of a boot, an upload or a
            janitor of `actors.testing.strategies.SMALL`; a cloud with OpenStack's own intervals needs two hours.

    Returns:
        Whether it came to rest.
    """
    end, step, quiet = world.now + bound, STEP, 0.0
    settle = SETTLE if world.loop.scheduler.calm else SETTLE + DELAYS
    while True:
        if transit(cloud) or leaks(cloud):
            quiet = 0.0
            if world.now >= end:
                return False
        elif quiet >= settle:
            return True
        await anyio.sleep(step)
        quiet += step
        step = min(2 * step, LONGEST_STEP)


def transit(cloud: Cloud) -> list[str]:
    """What is on its way, in words."""
    return [*_nova_transit(cloud.stores), *_others_transit(cloud.stores)]


def _nova_transit(stores: Stores) -> Iterator[str]:
    nova = stores.nova
    for uuid, request in nova.build_requests.items():
        yield f"server {request.instance.display_name} ({uuid}) is not in a cell"
    for uuid, row in nova.instances.items():
        if row.task_state is not None or row.vm_state is VmState.BUILDING:
            yield f"server {row.display_name} ({uuid}) is {row.vm_state}, {row.task_state}"
    for migration in nova.migrations.values():
        if migration.status in MIGRATIONS_ON_THEIR_WAY:
            yield f"migration {migration.uuid} of server {migration.instance_uuid} is {migration.status}"


def _others_transit(stores: Stores) -> Iterator[str]:
    failed = {uuid for uuid, row in stores.nova.instances.items() if row.vm_state is VmState.ERROR}
    for volume in stores.cinder.volumes:
        users = {one.instance for one in stores.cinder.attachments.where("volume", volume.id)}
        if volume.status in VOLUMES_ON_THEIR_WAY and not users & failed:  # it comes free when its server is deleted
            yield f"volume {volume.name or volume.id} is {volume.status}"
    for snapshot in stores.cinder.snapshots:
        if snapshot.status in SNAPSHOTS_ON_THEIR_WAY:
            yield f"snapshot {snapshot.name or snapshot.id} is {snapshot.status}"
    for image in stores.glance.images.values():
        if image.status is ImageStatus.SAVING:
            yield f"image {image.name or image.id} is saving"
    for port in stores.neutron.ports.values():
        if port.status is PortStatus.BUILD:
            yield f"port {port.id} is in BUILD"


def leaks(cloud: Cloud) -> list[str]:
    """What refers to servers, volumes and ports that are no more, in words."""
    nova = cloud.stores.nova
    there: set[ServerId] = {*nova.instances, *nova.build_requests}
    return [
        *_nova_leaks(cloud.stores, there),
        *_neutron_leaks(cloud.stores, there),
        *_storage_leaks(cloud.stores, there),
        *_placement_leaks(cloud.stores, there),
    ]


def _nova_leaks(stores: Stores, there: set[ServerId]) -> Iterator[str]:
    nova = stores.nova
    tables = (
        ("a mapping", nova.mappings), ("a request spec", nova.request_specs), ("disks", nova.block_devices),
        ("a fault", nova.faults),
    )  # fmt: skip
    for what, table in tables:
        yield from (
            f"{what} of server {uuid}, which is gone" for uuid in table if uuid not in there and table[uuid] != ()
        )
    for group in nova.server_groups.values():
        yield from (
            f"server {uuid} is gone, and a member of group {group.name}" for uuid in group.members if uuid not in there
        )
    for host, store in stores.hosts.items():
        yield from (f"a guest of server {uuid} on {host}, which is gone" for uuid in store.guests if uuid not in there)


def _neutron_leaks(stores: Stores, there: set[ServerId]) -> Iterator[str]:
    neutron, migrating = stores.neutron, stores.nova.migrations.values()
    for port in neutron.ports.values():
        if port.device_owner.startswith(COMPUTE_OWNER) and port.device_id not in there:
            yield f"port {port.id} of server {port.device_id}, which is gone"
    moving = {one.instance_uuid for one in migrating if one.status in MIGRATIONS_ON_THEIR_WAY}
    for key, bindings in neutron.inactive.items():
        if bindings and neutron.ports[key].device_id not in moving:
            yield f"port {key} has bindings that it does not use, to {', '.join(one.host for one in bindings)}"
    for host, bridge in stores.bridges.items():
        guests = stores.hosts[host].guests.values()
        used = {interface.port for guest in guests for interface in guest.interfaces}
        yield from (
            f"port {key} is plugged on {host}, and no guest there has it" for key in bridge.plugged if key not in used
        )


def _storage_leaks(stores: Stores, there: set[ServerId]) -> Iterator[str]:
    cinder = stores.cinder
    for attachment in cinder.attachments:
        if attachment.instance is not None and attachment.instance not in there:
            yield f"an attachment ({attachment.status}) of volume {attachment.volume_id} to server {attachment.instance}, which is gone"
    volumes = {volume.id for volume in cinder.volumes}
    for name, array in stores.arrays.items():
        yield from (f"a disk of volume {key} on {name}, which is gone" for key in array.disks if key not in volumes)
        yield from (
            f"a connection of volume {key} to {host} on {name}, without attachment"
            for attachment_id, (key, host) in array.connections.items()
            if cinder.attachments.get(attachment_id) is None
        )


def _placement_leaks(stores: Stores, there: set[ServerId]) -> Iterator[str]:
    nova = stores.nova
    open_ = {one.uuid for one in nova.migrations.values() if one.status in MIGRATIONS_ON_THEIR_WAY}
    known: set[str] = {*there, *open_}
    yield from (
        f"an allocation of consumer {uuid}, which is gone" for uuid in stores.placement.consumers if uuid not in known
    )
