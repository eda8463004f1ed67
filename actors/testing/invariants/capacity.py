"""S10 to S12: who is where, and whether there is room."""

from typing import Any, ClassVar

from actors.hypervisor.capacity import held
from actors.hypervisor.messages import HypervisorCall
from actors.hypervisor.models import HostResources, PowerState
from actors.ids import ConsumerId, ServerId
from actors.nova.models import Instance
from actors.nova.states import TaskState, VmState
from actors.testing.invariants.base import Invariant
from actors.testing.invariants.hearing import Answer

HARD_ANTI_AFFINITY = "anti-affinity"
MOVING = ("accepted", "queued", "preparing", "running")
"""Statuses of a migration that is under way."""
BUILDS = (TaskState.NETWORKING, TaskState.BLOCK_DEVICE_MAPPING, TaskState.SPAWNING)
"""Task states of a server that its host builds."""


class Capacity(Invariant):
    """S10."""

    name: ClassVar[str] = "S10"
    title: ClassVar[str] = "capacity"
    statement: ClassVar[str] = (
        "What Placement gives away of a host is no more than the host has to give; nor is what its guests hold, nor the number of "
        "servers that are built there at once."
    )
    matters: ClassVar[str] = "A host is overcommitted: guests are slow, or the host runs out of memory and kills them."

    def observe(self) -> None:
        self.watch.hear_method(self.stores.placement, "replace_allocations", self._allocated)
        self.watch.hear_answers(self._worked, HypervisorCall)
        self._building: dict[str, set[ServerId]] = {}  # by host
        self.watch.hear_table(self.stores.nova, "instances", self._server_changed)

    def _server_changed(self, uuid: ServerId, old: Instance | None, new: Instance | None) -> None:
        was, is_ = _where_built(old), _where_built(new)
        if was == is_:
            return
        if was is not None:
            self._building[was].discard(uuid)
        if is_ is not None:
            there = self._building.setdefault(is_, set())
            there.add(uuid)
            most = self.cloud.config.nova.max_concurrent_builds or len(there)
            self.demand(len(there) <= most, f"{is_} builds {len(there)} servers at once, and may build {most}")

    def _allocated(self, done: bool, wanted: Any, seen: Any) -> None:  # noqa: FBT001 (what the method returned)
        if not done:
            return
        for uuid in dict.fromkeys(one.resource_provider_uuid for consumer in wanted for one in consumer.allocations):
            provider = self.stores.placement.providers[uuid]
            for name, used in provider.used.items():
                inventory = provider.inventories.get(name)
                room = 0 if inventory is None else inventory.capacity
                self.demand(used <= room, f"{provider.name} gives {used} {name}, and has {room}")

    def _worked(self, answer: Answer) -> None:
        if answer.error is not None or _server_of(answer) is None:
            return
        host = answer.by.partition(".")[2]
        hypervisor = self.watch.actor("hypervisor", host)
        if hypervisor is None:
            return
        store, config = self.stores.hosts[host], self.cloud.config.hypervisor
        vcpus = memory = disk = 0
        for server, guest in store.guests.items():
            taken = held(guest.resources, hypervisor._powers.get(server, PowerState.SHUTDOWN))
            vcpus, memory, disk = vcpus + taken.vcpus, memory + taken.memory_mb, disk + taken.local_gb
        has = store.resources
        most = HostResources(
            vcpus=int(has.vcpus * config.cpu_overcommit),
            memory_mb=int(has.memory_mb * config.ram_overcommit),
            local_gb=int(has.local_gb * config.disk_overcommit),
        )
        self.demand(
            vcpus <= most.vcpus and memory <= most.memory_mb and disk <= most.local_gb,
            f"guests on {host} hold {HostResources(vcpus=vcpus, memory_mb=memory, local_gb=disk)} of {most}",
        )


class OnePlace(Invariant):
    """S11."""

    name: ClassVar[str] = "S11"
    title: ClassVar[str] = "one place, one allocation"
    statement: ClassVar[str] = (
        "A server runs on one host at most, and its host has no guest of it any more when it has deleted it; at rest it has one "
        "allocation, on its host, or none if it has no host, and a host has no guest of another's. A server that failed before any host "
        "had taken it keeps its allocation until it is deleted (nova's `_recheck_quota`)."
    )
    matters: ClassVar[str] = (
        "Two guests write to one disk; or a host is thought empty, or full, that is not, and the next boots go wrong."
    )

    def observe(self) -> None:
        self.watch.hear_answers(self._worked, HypervisorCall)
        self.watch.hear_table(self.stores.nova, "instances", self._server_changed)

    def _server_changed(self, uuid: ServerId, old: Instance | None, new: Instance | None) -> None:
        if new is None and old is not None and old.vm_state is VmState.DELETED and old.host is not None:
            there = uuid in self.stores.hosts[old.host].guests
            self.demand(not there, f"{old.host} has deleted {_name(old)}, and still has its guest")

    def _worked(self, answer: Answer) -> None:
        server = _server_of(answer)
        if server is None or answer.error is not None:
            return
        running: list[str] = []
        for host in self.cloud.hosts:
            if host in self.stores.hosts and server in self.stores.hosts[host].guests:
                hypervisor = self.watch.actor("hypervisor", host)
                if hypervisor is not None and hypervisor._powers.get(server) is PowerState.RUNNING:
                    running.append(host)
        if running:
            self.demand(len(running) == 1, f"server {server} runs on {' and on '.join(running)}")

    def at_rest(self) -> None:
        if self.watch.excused:
            return
        nova, placement = self.stores.nova, self.stores.placement
        moving = {one.instance_uuid for one in nova.migrations.values() if one.status in MOVING}
        for uuid, instance in nova.instances.items():
            failed_early = instance.vm_state is VmState.ERROR and instance.launched_on is None
            if uuid in moving or failed_early or instance.vm_state is VmState.BUILDING:
                continue
            consumer, host = placement.consumers.get(ConsumerId(uuid)), instance.host
            where = [] if consumer is None else [one.resource_provider_uuid for one in consumer.allocations]
            own = [] if host is None else [nova.compute_nodes[host].uuid]
            self.demand(
                where == own,
                f"{_name(instance)} is on {host or 'no host'}, and has allocations on {self._names(where)}",
            )
        for host, store in self.stores.hosts.items():
            for server in store.guests:
                row = nova.instances.get(server)
                if row is not None and server not in moving:
                    self.demand(row.host == host, f"{_name(row)} is on {row.host}, and has a guest on {host}")

    def _names(self, providers: list[Any]) -> str:
        return " and ".join(self.stores.placement.providers[one].name for one in providers) or "no host"


class Policy(Invariant):
    """S12."""

    name: ClassVar[str] = "S12"
    title: ClassVar[str] = "anti-affinity"
    statement: ClassVar[str] = "Servers of a group with the policy anti-affinity do not run on one host."
    matters: ClassVar[str] = "Both replicas of a service die with one host."

    def observe(self) -> None:
        self.watch.hear_table(self.stores.nova, "instances", self._changed)

    def _changed(self, uuid: ServerId, old: Instance | None, new: Instance | None) -> None:
        if new is None or new.vm_state is not VmState.ACTIVE or new.host is None:
            return
        if old is not None and old.vm_state is VmState.ACTIVE and old.host == new.host:
            return
        nova = self.stores.nova
        group = nova.group_of(uuid)
        if group is None or group.policy != HARD_ANTI_AFFINITY:
            return
        rows = [nova.instances.get(one) for one in group.members if one != uuid]
        there = [one for one in rows if one is not None and one.vm_state is VmState.ACTIVE and one.host == new.host]
        self.demand(
            len(there) < group.max_server_per_host,
            f"{_name(new)} is on {new.host} with {', '.join(map(_name, there))} of its group {group.name}",
        )


def _where_built(row: Instance | None) -> str | None:
    """The host that builds a server."""
    return None if row is None or row.vm_state is not VmState.BUILDING or row.task_state not in BUILDS else row.host


def _server_of(answer: Answer) -> ServerId | None:
    """The guest that a hypervisor has done something to."""
    message = answer.message
    server: ServerId | None = getattr(getattr(message, "definition", message), "server", None)
    return server


def _name(instance: Instance) -> str:
    return f"server {instance.display_name} ({instance.uuid})"


CAPACITY = (Capacity, OnePlace, Policy)
