"""What Nova knows, with the field names of the Compute API and of nova's tables; times are seconds since 1970.

Rows are frozen: who changes one saves another in its place (`actors.nova.store`).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs

from actors.hypervisor.models import PowerState
from actors.ids import (
    AttachmentId,
    FlavorId,
    ImageId,
    NetworkId,
    PortId,
    ProjectId,
    ProviderId,
    ServerId,
    UserId,
    VolumeId,
)
from actors.nova.states import TaskState, VmState, status
from actors.placement.models import Resources, resources


def frozen(pairs: Mapping[str, str]) -> Mapping[str, str]:
    """A copy of *pairs* that nobody can change; *pairs* itself if it is one."""
    return pairs if isinstance(pairs, MappingProxyType) else MappingProxyType(dict(pairs))


NOTHING: Mapping[str, str] = MappingProxyType({})


def _pairs() -> Any:
    return attrs.field(default=NOTHING, converter=frozen)


# -- what servers are made from ----------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Flavor:
    """A size of server.

    Attributes:
        id: unique, chosen by administrators (`flavorid`).
        name: unique.
        ram: MB of memory.
        vcpus: virtual processors.
        disk: GB of the root disk; 0 for that of the image.
        ephemeral: GB of a second disk.
        swap: MB of swap.
        is_public: whether every project may use it.
        disabled: whether new servers cannot have it.
        description: for people.
        extra_specs: more demands, such as ``trait:CUSTOM_GOLD=required``.
        projects: who may use it if it is not public.
    """

    id: FlavorId
    name: str
    ram: int
    vcpus: int
    disk: int
    ephemeral: int = 0
    swap: int = 0
    is_public: bool = True
    disabled: bool = False
    description: str | None = None
    extra_specs: Mapping[str, str] = _pairs()
    projects: tuple[ProjectId, ...] = ()

    def resources(self, *, boots_from_volume: bool) -> Resources:
        """What a server of this size takes from a host (nova's `scheduler/utils.py`)."""
        disk = (0 if boots_from_volume else self.disk) + self.ephemeral - (-self.swap // 1024)
        amounts = {"VCPU": self.vcpus, "MEMORY_MB": self.ram, "DISK_GB": disk}
        return resources({kind: amount for kind, amount in amounts.items() if amount})


@attrs.frozen(kw_only=True)
class FlavorAccess:
    """That a project may use a flavor that is not public."""

    flavor_id: FlavorId
    tenant_id: ProjectId


@attrs.frozen(kw_only=True)
class Keypair:
    """A public key of a user, put into new servers. The private half is given away once and kept nowhere.

    Attributes:
        name: unique among the user's.
        user_id: whose it is.
        public_key: in OpenSSH's format.
        fingerprint: MD5 of the key, in pairs of hexadecimal digits.
        type: ``"ssh"`` or ``"x509"``.
        created_at: when it was created.
    """

    name: str
    user_id: UserId
    public_key: str
    fingerprint: str
    type: str = "ssh"
    created_at: float


@attrs.frozen(kw_only=True)
class NewKeypair:
    """A new keypair, and its private half in OpenSSH's format if nova made it: it is shown this once."""

    keypair: Keypair
    private_key: str | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class ServerGroup:
    """Servers that are to be together, or apart.

    Attributes:
        id: of the group.
        name: need not be unique.
        project_id: whose it is.
        user_id: who created it.
        policy: ``affinity``, ``anti-affinity``, ``soft-affinity`` or ``soft-anti-affinity``.
        max_server_per_host: how many of them may be on one host under ``anti-affinity``.
        members: the servers, in the order in which they came.
    """

    id: str
    name: str
    project_id: ProjectId
    user_id: UserId
    policy: str
    max_server_per_host: int = 1
    members: tuple[ServerId, ...] = ()


@attrs.frozen(kw_only=True)
class NetworkRequest:
    """A network that a server is to be on, or a port that it is to have.

    Attributes:
        network_id: the network; None if a port is given.
        port_id: a port that exists; it outlives the server.
        fixed_ip: an address on the network.
        tag: for the guest to know the interface by.
    """

    network_id: NetworkId | None = None
    port_id: PortId | None = None
    fixed_ip: str | None = None
    tag: str | None = None


NO_NETWORKS = "none"
"""Asked for in place of networks: none at all."""
AUTO_NETWORKS = "auto"
"""Asked for in place of networks: whatever there is."""


@attrs.frozen(kw_only=True)
class BlockDevice:
    """A disk of a server, as it is asked for and as it is (nova's block device mapping).

    Attributes:
        source_type: what it is made from: ``"image"``, ``"volume"``, ``"snapshot"`` or ``"blank"``.
        destination_type: what it is: ``"local"`` to the host, or a ``"volume"``.
        boot_index: 0 for the one that the server boots from; None or below 0 for others.
        image_id: image that it is made from.
        volume_id: its volume, once there is one.
        snapshot_id: snapshot that it is made from.
        volume_size: GB; None for that of the source.
        volume_type: of a volume that is made for it.
        delete_on_termination: whether its volume goes with the server.
        device_name: what the guest knows it by; None until it is attached.
        attachment_id: Cinder's record of it.
        tag: for the guest to know the disk by.
    """

    source_type: str
    destination_type: str
    boot_index: int | None = None
    image_id: ImageId | None = None
    volume_id: VolumeId | None = None
    snapshot_id: str | None = None
    volume_size: int | None = None
    volume_type: str | None = None
    delete_on_termination: bool = False
    device_name: str | None = None
    attachment_id: AttachmentId | None = None
    tag: str | None = None

    @property
    def is_volume(self) -> bool:
        """Whether it is a volume, rather than a disk of the host's own."""
        return self.destination_type == "volume"


# -- a server ----------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Vif:
    """A port of a server, as Nova remembers it (an entry of the instance's info cache).

    Attributes:
        port_id: the port.
        network_id: its network.
        network_name: name of that.
        address: its MAC address.
        fixed_ips: its addresses.
        active: whether it was wired when Nova last looked.
        preserve_on_delete: whether it was there before the server, and outlives it.
    """

    port_id: PortId
    network_id: NetworkId
    network_name: str = ""
    address: str
    fixed_ips: tuple[str, ...] = ()
    active: bool = False
    preserve_on_delete: bool = False


@attrs.frozen(kw_only=True)
class Fault:
    """What went wrong with a server: the only thing that its owner hears of it after the 202.

    Attributes:
        code: an HTTP status.
        message: for the owner.
        details: for administrators.
        created: when.
    """

    code: int
    message: str
    details: str = ""
    created: float


@attrs.frozen(kw_only=True, slots=False)  # see `actors.rows`
class Instance:
    """A server, as its row has it (nova's `objects/instance.py`).

    Attributes:
        uuid: of the server.
        display_name: given by its owner.
        project_id: whose it is.
        user_id: who created it.
        flavor: its size, as it was then.
        image_ref: the image it was made from; None if it boots from a volume.
        key_name: of its keypair.
        key_data: the public key, as it was then.
        metadata: given by its owner.
        vm_state: what it is when nothing is being done to it.
        task_state: what is being done to it; None for nothing.
        power_state: what the hypervisor last said of its guest.
        host: the nova-compute that has it; None if none has.
        node: the compute node there.
        launched_on: the host on which it was first built.
        availability_zone: where it is, or is to be.
        progress: per cent of a long task.
        locked: whether only administrators may change it.
        network_allocated: whether its networks were allocated on an earlier host
            (`system_metadata['network_allocated']`).
        info_cache: its ports, as Nova last saw them.
        reservation_id: of the request that created it, with others perhaps.
        created_at: when it was asked for.
        updated_at: when it last changed.
        launched_at: when it first ran.
        terminated_at: when it ended.
    """

    uuid: ServerId
    display_name: str
    project_id: ProjectId
    user_id: UserId
    flavor: Flavor
    image_ref: ImageId | None = None
    key_name: str | None = None
    key_data: str | None = None
    metadata: Mapping[str, str] = _pairs()
    vm_state: VmState = VmState.BUILDING
    task_state: TaskState | None = TaskState.SCHEDULING
    power_state: PowerState = PowerState.NOSTATE
    host: str | None = None
    node: str | None = None
    launched_on: str | None = None
    availability_zone: str | None = None
    progress: int = 0
    locked: bool = False
    network_allocated: bool = False
    info_cache: tuple[Vif, ...] = ()
    reservation_id: str = ""
    created_at: float
    updated_at: float
    launched_at: float | None = None
    terminated_at: float | None = None

    @property
    def status(self) -> str:
        """What users see."""
        return status(self.vm_state, self.task_state)


@attrs.frozen(kw_only=True)
class Address:
    """An address of a server, in the list under its network's name."""

    network: str
    addr: str
    version: int
    mac_addr: str
    type: str = "fixed"


@attrs.frozen(kw_only=True)
class AttachedVolume:
    """A volume of a server, as the server's own API shows it."""

    id: VolumeId
    delete_on_termination: bool


@attrs.frozen(kw_only=True)
class Server:
    """A server, as the API shows it (`GET /servers/{id}`).

    Attributes:
        id: of the server.
        name: given by its owner.
        status: see `actors.nova.states`.
        tenant_id: whose it is.
        user_id: who created it.
        flavor: its size, as it was then.
        image: the image it was made from; None if it boots from a volume.
        key_name: of its keypair.
        metadata: given by its owner.
        addresses: of its ports.
        security_groups: names or ids that were asked for.
        created: when it was asked for.
        updated: when it last changed.
        progress: per cent of a long task.
        fault: what went wrong; only with the statuses ERROR and DELETED.
        vm_state: `OS-EXT-STS:vm_state`.
        task_state: `OS-EXT-STS:task_state`.
        power_state: `OS-EXT-STS:power_state`.
        volumes_attached: `os-extended-volumes:volumes_attached`.
        availability_zone: `OS-EXT-AZ:availability_zone`.
        launched_at: `OS-SRV-USG:launched_at`.
        terminated_at: `OS-SRV-USG:terminated_at`.
        host: `OS-EXT-SRV-ATTR:host`; shown to administrators.
        locked: whether only administrators may change it.
    """

    id: ServerId
    name: str
    status: str
    tenant_id: ProjectId
    user_id: UserId
    flavor: Flavor
    image: ImageId | None = None
    key_name: str | None = None
    metadata: Mapping[str, str] = _pairs()
    addresses: tuple[Address, ...] = ()
    security_groups: tuple[str, ...] = ()
    created: float
    updated: float
    progress: int = 0
    fault: Fault | None = None
    vm_state: VmState
    task_state: TaskState | None
    power_state: PowerState
    volumes_attached: tuple[AttachedVolume, ...] = ()
    availability_zone: str | None = None
    launched_at: float | None = None
    terminated_at: float | None = None
    host: str | None = None
    locked: bool = False


@attrs.frozen(kw_only=True)
class CreatedServer:
    """What is answered to a request for a server, with 202: its id, and its password, shown this once."""

    id: ServerId
    admin_pass: str = attrs.field(repr=False)
    security_groups: tuple[str, ...] = ()
    reservation_id: str = ""


@attrs.frozen(kw_only=True)
class VolumeAttachment:
    """A volume of a server (`GET /servers/{id}/os-volume_attachments`)."""

    server_id: ServerId
    volume_id: VolumeId
    attachment_id: AttachmentId | None
    device: str | None
    delete_on_termination: bool = False
    tag: str | None = None


@attrs.frozen(kw_only=True)
class InstanceAction:
    """Something that was done to a server (`GET /servers/{id}/os-instance-actions`).

    Attributes:
        action: such as ``"create"``.
        request_id: of the request that asked for it.
        start_time: when.
        message: ``"Error"`` if it failed.
    """

    action: str
    request_id: str
    start_time: float
    message: str | None = None


# -- on its way --------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class RequestSpec:
    """What was asked for, as the scheduler sees it.

    Attributes:
        project_id: whose server.
        user_id: who asks.
        flavor: its size.
        image: what it is made from; None if it boots from a volume.
        resources: what it takes of a host.
        group_id: its server group.
        requested_networks: networks and ports; or `AUTO_NETWORKS` or `NO_NETWORKS`.
        security_groups: names or ids, as they were asked for.
        availability_zone: where it is to be; None for anywhere.
        requested_host: the one host that will do; None for any.
        ignore_hosts: hosts that will not.
        forced: whether an administrator named the host, so that no filter is asked.
    """

    project_id: ProjectId
    user_id: UserId
    flavor: Flavor
    image: ImageId | None = None
    resources: Resources
    group_id: str | None = None
    requested_networks: tuple[NetworkRequest, ...] | str = AUTO_NETWORKS
    security_groups: tuple[str, ...] = ()
    availability_zone: str | None = None
    requested_host: str | None = None
    ignore_hosts: tuple[str, ...] = ()
    forced: bool = False


@attrs.frozen(kw_only=True)
class BuildRequest:
    """A server that is accepted and not yet in a cell. Who deletes it stops the boot."""

    instance: Instance
    spec: RequestSpec
    block_devices: tuple[BlockDevice, ...]


CELL0 = "cell0"
"""Where those are buried that were never scheduled."""
CELL1 = "cell1"
"""Where all others are."""


@attrs.frozen(kw_only=True)
class InstanceMapping:
    """In which cell a server is.

    Attributes:
        project_id: whose it is.
        user_id: who created it.
        cell: None before it is in any.
        queued_for_delete: whether a nova-compute was told to delete it.
    """

    project_id: ProjectId
    user_id: UserId
    cell: str | None = None
    queued_for_delete: bool = False


@attrs.frozen(kw_only=True)
class Selection:
    """A host that the scheduler chose, with what there is to claim.

    Attributes:
        host: name of its nova-compute.
        provider: its resource provider.
        resources: what to claim.
    """

    host: str
    provider: ProviderId
    resources: Resources


@attrs.frozen(kw_only=True)
class Retry:
    """How often a server was tried, and where (`filter_properties['retry']`)."""

    num_attempts: int = 1
    hosts: tuple[str, ...] = ()
    exc_reason: str = ""


UNDER_WAY = ("accepted", "queued", "preparing", "running")
"""Statuses of a migration that has not come to its end."""


@attrs.frozen(kw_only=True)
class Migration:
    """A server's way from one host to another.

    Attributes:
        uuid: of the migration, under which the old host's allocation is kept meanwhile.
        instance_uuid: the server.
        source_compute: the old host.
        dest_compute: the new one; None until it is known.
        migration_type: ``"live-migration"``.
        status: accepted, queued, preparing, running, completed, error, failed or cancelled.
        user_id: who asked.
        project_id: whose server.
        created_at: when it was asked for.
        updated_at: when it last changed.
        old_attachments: for each volume, the attachment of the old host.
        new_attachments: those of the new one.
    """

    uuid: str
    instance_uuid: ServerId
    source_compute: str
    dest_compute: str | None = None
    migration_type: str = "live-migration"
    status: str = "accepted"
    user_id: UserId
    project_id: ProjectId
    created_at: float
    updated_at: float
    old_attachments: tuple[tuple[VolumeId, AttachmentId], ...] = ()
    new_attachments: tuple[AttachmentId, ...] = ()


# -- hosts -------------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True, slots=False)  # see `actors.rows`
class ComputeService:
    """A service of Nova, as the services table has it.

    Attributes:
        binary: such as ``"nova-compute"``.
        host: its name.
        zone: its availability zone.
        disabled: whether it is to be left alone.
        disabled_reason: why.
        last_seen_up: its last report.
        report_count: its reports so far.
    """

    binary: str
    host: str
    zone: str = "internal"
    disabled: bool = False
    disabled_reason: str | None = None
    last_seen_up: float
    report_count: int = 0

    def is_up(self, now: float, service_down_time: float) -> bool:
        """Whether it reported lately (nova's `servicegroup/drivers/db.py`)."""
        return abs(now - self.last_seen_up) <= service_down_time


@attrs.frozen(kw_only=True, slots=False)  # see `actors.rows`
class ComputeNode:
    """What a host has, and how much of it Nova gave away.

    Attributes:
        uuid: of its resource provider.
        host: its name.
        vcpus: processors.
        memory_mb: MB of memory.
        local_gb: GB of disk.
        vcpus_used: those of its servers.
        memory_mb_used: theirs and the host's own.
        local_gb_used: likewise.
        running_vms: its servers.
        io_ops: those of them that are being built or moved.
        failed_builds: builds that failed since the last that did not.
        cpu_allocation_ratio: how often each processor is given away.
        ram_allocation_ratio: how often each MB is.
        disk_allocation_ratio: how often each GB is.
        hypervisor_version: of its hypervisor.
    """

    uuid: ProviderId
    host: str
    vcpus: int
    memory_mb: int
    local_gb: int
    vcpus_used: int = 0
    memory_mb_used: int = 0
    local_gb_used: int = 0
    running_vms: int = 0
    io_ops: int = 0
    failed_builds: int = 0
    cpu_allocation_ratio: float = 4.0
    ram_allocation_ratio: float = 1.0
    disk_allocation_ratio: float = 1.0
    hypervisor_version: int = 0


@attrs.frozen(kw_only=True)
class ServiceStatus:
    """A service, as the API shows it (`GET /os-services`).

    Attributes:
        binary: such as ``"nova-compute"``.
        host: its name.
        zone: its availability zone.
        status: ``"enabled"`` or ``"disabled"``.
        state: ``"up"`` if it reported lately, or ``"down"``.
        updated_at: its last report.
        disabled_reason: why.
    """

    binary: str
    host: str
    zone: str
    status: str
    state: str
    updated_at: float
    disabled_reason: str | None = None


@attrs.frozen(kw_only=True)
class HypervisorServer:
    """A server on a hypervisor."""

    uuid: ServerId
    name: str


@attrs.frozen(kw_only=True)
class Hypervisor:
    """A compute node, as the API shows it (`GET /os-hypervisors/detail`, with the amounts that it had until 2.87).

    Attributes:
        id: of its resource provider.
        hypervisor_hostname: its name.
        service: its nova-compute.
        vcpus: processors.
        vcpus_used: those of its servers.
        memory_mb: MB of memory.
        memory_mb_used: that of its servers, and the host's own.
        local_gb: GB of disk.
        local_gb_used: likewise.
        running_vms: its servers.
        hypervisor_version: of its hypervisor.
        servers: which they are; None if that was not asked.
    """

    id: ProviderId
    hypervisor_hostname: str
    service: ServiceStatus
    vcpus: int
    vcpus_used: int
    memory_mb: int
    memory_mb_used: int
    local_gb: int
    local_gb_used: int
    running_vms: int
    hypervisor_version: int
    servers: tuple[HypervisorServer, ...] | None = None


# -- quotas ------------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class QuotaSet:
    """How much a project may have; -1 for any number.

    Attributes:
        instances: servers.
        cores: virtual processors of all of them.
        ram: MB of memory of all of them.
        metadata_items: pairs of metadata of one server.
        key_pairs: keypairs of one user.
        server_groups: groups.
        server_group_members: servers of one group and user.
    """

    instances: int = 10
    cores: int = 20
    ram: int = 51200
    metadata_items: int = 128
    key_pairs: int = 100
    server_groups: int = 10
    server_group_members: int = 10


@attrs.frozen(kw_only=True)
class Usage:
    """How much a project has of what is counted."""

    instances: int = 0
    cores: int = 0
    ram: int = 0


@attrs.frozen(kw_only=True)
class QuotaDetail:
    """How much a project may have of one thing, and has. Nothing is reserved: nova counts."""

    limit: int
    in_use: int = 0
    reserved: int = 0


@attrs.frozen(kw_only=True)
class QuotaSetDetail:
    """How much a project may have, and has; the fields of `QuotaSet`. Keypairs and members of groups are not counted here."""

    instances: QuotaDetail
    cores: QuotaDetail
    ram: QuotaDetail
    metadata_items: QuotaDetail
    key_pairs: QuotaDetail
    server_groups: QuotaDetail
    server_group_members: QuotaDetail
