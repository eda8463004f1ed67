"""Nova's databases: what all its services share, and what survives each of them.

A real deployment has an API database and one for each cell; nova-compute reaches the cell's through a conductor. Here all of
them are one object, and reading or writing it is no message.
"""

from typing import Any, Final

import attrs

from actors.ids import FlavorId, ProjectId, ServerId, UserId
from actors.nova.errors import InstanceNotFound, ObjectActionError
from actors.nova.models import (
    BlockDevice,
    BuildRequest,
    ComputeNode,
    ComputeService,
    Fault,
    Flavor,
    Instance,
    InstanceAction,
    InstanceMapping,
    Keypair,
    Migration,
    QuotaSet,
    RequestSpec,
    ServerGroup,
    Usage,
)
from actors.nova.reports import Reports
from actors.nova.states import TaskState, check_task_state
from actors.rows import evolved

ANY: Final = (None, *TaskState)
"""Expected by those who do not care what else is being done to a server."""


class NovaStore:
    """The tables.

    Attributes:
        flavors: by id.
        keypairs: by user and name.
        server_groups: by id.
        quotas: of projects that do not have the default ones.
        build_requests: servers that are in no cell yet.
        request_specs: what was asked for, for as long as the server is there.
        mappings: in which cell each server is.
        instances: servers, those in cell0 among them.
        block_devices: the disks of each server.
        faults: the latest of each server.
        actions: of each server.
        deleted: servers that were in a cell, and are no more.
        migrations: by their uuid.
        services: by binary and host.
        computes: those of them that are nova-computes, by host.
        reports: which of these are down.
        compute_nodes: by host.
    """

    def __init__(self) -> None:
        self.flavors: dict[FlavorId, Flavor] = {}
        self.keypairs: dict[tuple[UserId, str], Keypair] = {}
        self.server_groups: dict[str, ServerGroup] = {}
        self.quotas: dict[ProjectId, QuotaSet] = {}
        self.build_requests: dict[ServerId, BuildRequest] = {}
        self.request_specs: dict[ServerId, RequestSpec] = {}
        self.mappings: dict[ServerId, InstanceMapping] = {}
        self.instances: dict[ServerId, Instance] = {}
        self.block_devices: dict[ServerId, tuple[BlockDevice, ...]] = {}
        self.faults: dict[ServerId, Fault] = {}
        self.actions: dict[ServerId, tuple[InstanceAction, ...]] = {}
        self.deleted: dict[ServerId, None] = {}
        self.migrations: dict[str, Migration] = {}
        self.services: dict[tuple[str, str], ComputeService] = {}
        self.computes: dict[str, ComputeService] = {}
        self.reports = Reports()
        self.compute_nodes: dict[str, ComputeNode] = {}
        self._changed_nodes: dict[str, int] = {}  # the count of its last change, by host; the latest comes last
        self._changes = 0
        self._on_host: dict[str, dict[ServerId, None]] = {}
        self._usage: dict[ProjectId, Usage] = {}
        self._groups_of: dict[ServerId, str] = {}

    # -- servers that are accepted ---------------------------------------------------------------------------------------

    def insert_build_request(self, request: BuildRequest) -> None:
        """Insert a server that is accepted, its mapping and what was asked for, as one transaction."""
        instance = request.instance
        self.build_requests[instance.uuid] = request
        self.request_specs[instance.uuid] = request.spec
        self.mappings[instance.uuid] = InstanceMapping(project_id=instance.project_id, user_id=instance.user_id)
        self._count(instance, +1)

    def destroy_build_request(self, uuid: ServerId) -> bool:
        """Delete a build request. False if somebody else was faster."""
        request = self.build_requests.pop(uuid, None)
        if request is not None and uuid not in self.instances:
            self._count(request.instance, -1)
        return request is not None

    # -- servers in a cell -----------------------------------------------------------------------------------------------

    def insert_instance(self, instance: Instance, block_devices: tuple[BlockDevice, ...]) -> None:
        """Insert a server and its disks."""
        if instance.uuid not in self.build_requests:
            self._count(instance, +1)
        self.instances[instance.uuid] = instance
        self.block_devices[instance.uuid] = block_devices

    def instance(self, uuid: ServerId) -> Instance:
        """The row of a server.

        Raises:
            InstanceNotFound: if there is none (any more).
        """
        instance = self.instances.get(uuid)
        if instance is None:
            raise InstanceNotFound(f"Instance {uuid} could not be found.")
        return instance

    def save(
        self, uuid: ServerId, now: float, *, expected_task_state: tuple[TaskState | None, ...] = ANY, **changes: Any
    ) -> Instance:
        """Change columns of a server, if its task state is one of those expected: compare and swap.

        Args:
            uuid: of the server.
            now: seconds since 1970.
            expected_task_state: those that whoever saves can go on from.
            changes: new values by column.

        Raises:
            InstanceNotFound: if it is deleted.
            UnexpectedTaskState: if something else is being done to it.
            UnexpectedDeletingTaskState: if it is being deleted.
        """
        old = self.instance(uuid)
        if expected_task_state is not ANY:
            check_task_state(uuid, old.task_state, expected_task_state)
        new = self.instances[uuid] = evolved(old, updated_at=now, **changes)
        if new.host != old.host:
            if old.host is not None:
                del self._on_host[old.host][uuid]
            if new.host is not None:
                self._on_host.setdefault(new.host, {})[uuid] = None
        return new

    def destroy_instance(self, uuid: ServerId, *, host: str | None) -> Instance:
        """Delete a server, with its disks, its faults and its place in its group, if it still is where the caller thinks.

        Raises:
            InstanceNotFound: if it is deleted already.
            ObjectActionError: if it has got another host meanwhile.
        """
        instance = self.instance(uuid)
        if instance.host != host:
            raise ObjectActionError(
                f"Object action destroy failed because: host changed from {host} to {instance.host}"
            )
        del self.instances[uuid]
        self.deleted[uuid] = None
        if instance.host is not None:
            del self._on_host[instance.host][uuid]
        self.block_devices.pop(uuid, None)
        self.faults.pop(uuid, None)
        self.actions.pop(uuid, None)
        if uuid not in self.build_requests:
            self._count(instance, -1)
        return instance

    def forget(self, uuid: ServerId) -> None:
        """Delete what the API database has of a server."""
        self.mappings.pop(uuid, None)
        self.request_specs.pop(uuid, None)
        group = self.group_of(uuid)
        if group is not None:
            members = tuple(member for member in group.members if member != uuid)
            self.server_groups[group.id] = attrs.evolve(group, members=members)
        self._groups_of.pop(uuid, None)

    def on_host(self, host: str) -> list[Instance]:
        """The servers that a host has."""
        return [self.instances[uuid] for uuid in self._on_host.get(host, ())]

    # -- hosts -----------------------------------------------------------------------------------------------------------

    def save_service(self, row: ComputeService) -> None:
        """Insert or change a service."""
        self.services[row.binary, row.host] = row
        if row.binary == "nova-compute":
            self.computes[row.host] = row
            self.reports.note(row)

    def save_node(self, node: ComputeNode) -> None:
        """Insert or change a compute node."""
        self.compute_nodes[node.host] = node
        self._changes += 1
        self._changed_nodes.pop(node.host, None)
        self._changed_nodes[node.host] = self._changes

    def nodes_changed_since(self, change: int) -> tuple[int, list[ComputeNode]]:
        """The compute nodes that changed after *change*, and the number of the last change."""
        changed: list[ComputeNode] = []
        for host in reversed(self._changed_nodes):
            if self._changed_nodes[host] <= change:
                break
            changed.append(self.compute_nodes[host])
        return self._changes, changed[::-1]

    # -- disks, faults, actions ------------------------------------------------------------------------------------------

    def save_block_device(self, uuid: ServerId, old: BlockDevice, new: BlockDevice) -> bool:
        """Put *new* in the place of a disk. False if the server or the disk has gone."""
        disks = self.block_devices.get(uuid, ())
        if old not in disks:
            return False
        place = disks.index(old)
        self.block_devices[uuid] = (*disks[:place], new, *disks[place + 1 :])
        return True

    def remove_block_device(self, uuid: ServerId, gone: BlockDevice) -> None:
        """Remove a disk."""
        if uuid in self.block_devices:
            self.block_devices[uuid] = tuple(disk for disk in self.block_devices[uuid] if disk != gone)

    def record_action(self, uuid: ServerId, action: InstanceAction) -> None:
        """Note what is done to a server."""
        self.actions[uuid] = (*self.actions.get(uuid, ()), action)

    def fail_action(self, uuid: ServerId, request_id: str) -> None:
        """Note that what was asked for with *request_id* has failed."""
        self.actions[uuid] = tuple(
            attrs.evolve(action, message="Error") if action.request_id == request_id else action
            for action in self.actions.get(uuid, ())
        )

    # -- groups and quotas -----------------------------------------------------------------------------------------------

    def add_group_member(self, group_id: str, uuid: ServerId) -> None:
        """Put a server into a group."""
        group = self.server_groups[group_id]
        self.server_groups[group_id] = attrs.evolve(group, members=(*group.members, uuid))
        self._groups_of[uuid] = group_id

    def group_of(self, uuid: ServerId) -> ServerGroup | None:
        """The group of a server, if it has one."""
        group_id = self._groups_of.get(uuid)
        return None if group_id is None else self.server_groups.get(group_id)

    def count_server_groups(self, project_id: ProjectId) -> int:
        """How many groups a project has."""
        return sum(group.project_id == project_id for group in self.server_groups.values())

    def usage(self, project_id: ProjectId) -> Usage:
        """How many servers a project has, how many cores and how much memory: accepted ones and those in cells."""
        return self._usage.get(project_id, Usage())

    def quota(self, project_id: ProjectId, default: QuotaSet) -> QuotaSet:
        """How much a project may have."""
        return self.quotas.get(project_id, default)

    def _count(self, instance: Instance, sign: int) -> None:
        had, flavor = self.usage(instance.project_id), instance.flavor
        self._usage[instance.project_id] = Usage(
            instances=had.instances + sign,
            cores=had.cores + sign * flavor.vcpus,
            ram=had.ram + sign * flavor.ram,
        )
