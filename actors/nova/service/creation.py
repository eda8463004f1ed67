"""Creating servers (nova's `compute/api.py: create`): everything is checked, then accepted, then handed to a conductor."""

from typing import Final

import attrs

from actors.cinder.messages import ShowSnapshot, ShowVolume
from actors.cinder.models import SnapshotId
from actors.context import RequestContext
from actors.errors import CloudError, NotFound
from actors.glance.messages import ShowImage
from actors.glance.models import Image
from actors.glance.states import ImageStatus
from actors.ids import ImageId, ProjectId, ServerId
from actors.neutron.messages import ListPorts, ShowQuota
from actors.nova.block_devices import merged, root_of
from actors.nova.errors import (
    FlavorNotUsable,
    ForbiddenHere,
    GroupNotUsable,
    ImageNotUsable,
    InvalidBDM,
    InvalidInput,
    InvalidVolume,
    KeypairNotUsable,
    OverQuota,
    PortLimitExceeded,
)
from actors.nova.messages.servers import CreateServer
from actors.nova.models import (
    NO_NETWORKS,
    BlockDevice,
    BuildRequest,
    CreatedServer,
    Flavor,
    Instance,
    RequestSpec,
    ServerGroup,
)
from actors.nova.quotas import affordable
from actors.nova.rpc import ScheduleAndBuildInstances
from actors.nova.service import networks, volumes
from actors.nova.service.server_rows import ServerRows
from actors.service import request_context

PASSWORD_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
PASSWORD_LENGTH: Final = 12
GIB: Final = 1 << 30


class Creation(ServerRows):
    """Part of nova-api."""

    @CreateServer.handler
    async def create_server(self, msg: CreateServer) -> tuple[CreatedServer, ...]:
        """Check everything, then accept."""
        context = request_context()
        if context.project_id is None:
            raise ForbiddenHere("A server belongs to a project: sign in with one as the scope")
        zone, host = self._zone(msg, context)
        flavor = self._flavor(msg, context)
        disks = merged(msg.image_ref, msg.block_devices, flavor)
        if msg.max_count > 1 and any(disk.source_type == "volume" for disk in disks):
            raise InvalidInput("Cannot attach one or more volumes to multiple instances")
        await self._check_image(msg, flavor, disks, context)
        key_data = self._key_data(msg, context)
        await networks.security_group_ids(self, context, context.project_id, msg.security_groups)
        count = await self._ports_allow(msg, context)
        group = self._group(msg, context)
        quota = self.store.quota(context.project_id, self.config.quota)
        count = affordable(flavor, msg.min_count, count, quota, self.store.usage(context.project_id))
        if group is not None and len(group.members) + count > quota.server_group_members >= 0:
            raise OverQuota("Quota exceeded, too many servers in group")
        root = root_of(disks)
        spec = RequestSpec(
            project_id=context.project_id,
            user_id=context.user_id,
            flavor=flavor,
            image=msg.image_ref,
            resources=flavor.resources(boots_from_volume=root is not None and root.is_volume),
            group_id=None if group is None else group.id,
            requested_networks=msg.networks,
            security_groups=msg.security_groups or (networks.DEFAULT_GROUP,),
            availability_zone=zone,
            requested_host=host or msg.host,
            forced=host is not None,
        )
        return await self._provision(msg, spec, disks, key_data, count, context)

    # -- accepting -------------------------------------------------------------------------------------------------------

    async def _provision(
        self, msg: CreateServer, spec: RequestSpec, disks: tuple[BlockDevice, ...], key_data: str | None, count: int,
        context: RequestContext,
    ) -> tuple[CreatedServer, ...]:  # fmt: skip
        """Reserve the volumes, write the rows, and have a conductor go on; all servers or none."""
        reservation = f"r-{''.join(self.chance.choices('0123456789abcdefghijklmnopqrstuvwxyz', k=8))}"
        password = msg.admin_pass or "".join(self.chance.choices(PASSWORD_LETTERS, k=PASSWORD_LENGTH))
        requests: list[BuildRequest] = []
        try:
            for number in range(1, count + 1):
                uuid = ServerId(self.ids.uuid())
                name = msg.name if msg.max_count == 1 else f"{msg.name}-{number}"
                reserved = [await self._reserve(disk, uuid, context) for disk in disks]
                instance = self._instance(uuid, name, msg, spec, key_data, reservation)
                request = BuildRequest(instance=instance, spec=spec, block_devices=tuple(reserved))
                self.store.insert_build_request(request)
                requests.append(request)
                if spec.group_id is not None:
                    self.store.add_group_member(spec.group_id, uuid)
        except CloudError:
            for request in requests:
                self.store.destroy_build_request(request.instance.uuid)
                self.store.forget(request.instance.uuid)
            raise
        build = ScheduleAndBuildInstances(requests=tuple(requests), admin_pass=password)
        await self.bus.tell(build, context=context)
        first = CreatedServer(
            id=requests[0].instance.uuid, admin_pass=password, security_groups=spec.security_groups,
            reservation_id=reservation,
        )  # fmt: skip
        return tuple(attrs.evolve(first, id=request.instance.uuid) for request in requests)

    def _instance(
        self, uuid: ServerId, name: str, msg: CreateServer, spec: RequestSpec, key_data: str | None, reservation: str
    ) -> Instance:
        return Instance(
            uuid=uuid,
            display_name=name,
            project_id=spec.project_id,
            user_id=spec.user_id,
            flavor=spec.flavor,
            image_ref=spec.image,
            key_name=msg.key_name,
            key_data=key_data,
            metadata=msg.metadata,
            availability_zone=spec.availability_zone,
            reservation_id=reservation,
            created_at=self.now,
            updated_at=self.now,
        )

    async def _reserve(self, disk: BlockDevice, uuid: ServerId, context: RequestContext) -> BlockDevice:
        """Reserve a volume that is there already; volumes that are to be made wait for the host."""
        if disk.source_type != "volume":
            return disk
        try:
            return await volumes.reserve(self, context, uuid, disk, saved=False)
        except CloudError as error:
            if error.status in (400, 404):
                raise InvalidVolume(f"Invalid volume: {error}") from error
            raise

    # -- checking --------------------------------------------------------------------------------------------------------

    def _zone(self, msg: CreateServer, context: RequestContext) -> tuple[str | None, str | None]:
        """The availability zone, and the host that is forced by writing it behind the zone."""
        if (msg.host is not None or ":" in (msg.availability_zone or "")) and not context.is_admin:
            raise ForbiddenHere("Policy doesn't allow os_compute_api:servers:create:forced_host to be performed.")
        if msg.min_count > msg.max_count or msg.min_count < 1:
            raise InvalidInput("min_count must be <= max_count")
        if msg.availability_zone is None:
            return None, None
        zone, _, host = msg.availability_zone.partition(":")
        zones = {row.zone for row in self.store.computes.values() if not row.disabled}
        if zone and zone not in zones:
            raise InvalidInput("The requested availability zone is not available")
        return zone or None, host or None

    def _flavor(self, msg: CreateServer, context: RequestContext) -> Flavor:
        flavor = self.store.flavors.get(msg.flavor_ref)
        visible = flavor is not None and (flavor.is_public or context.is_admin or context.project_id in flavor.projects)
        if flavor is None or not visible or flavor.disabled:
            raise FlavorNotUsable(f"Flavor {msg.flavor_ref} could not be found.")
        return flavor

    async def _check_image(
        self, msg: CreateServer, flavor: Flavor, disks: tuple[BlockDevice, ...], context: RequestContext
    ) -> None:
        """Whether what the server boots from is there, ready, and small enough."""
        root = root_of(disks)
        assert root is not None
        if root.source_type == "image" and root.image_id is not None:
            image = await self._image(root.image_id, context)
            size = flavor.disk if not root.is_volume else root.volume_size or 0
            _check_size(image, flavor, size)
        for disk in disks:
            if disk.source_type == "volume" and disk.volume_id is not None:
                await self._check_volume(disk, boots=disk is root, context=context)
            elif disk.source_type == "snapshot" and disk.snapshot_id is not None:
                try:
                    await self.calls.as_user(ShowSnapshot(snapshot_id=SnapshotId(disk.snapshot_id)), context)
                except NotFound as error:
                    raise InvalidBDM(
                        f"Block Device Mapping is Invalid: failed to get snapshot {disk.snapshot_id}."
                    ) from error
        if flavor.disk == 0 and not root.is_volume and not context.is_admin:
            raise ForbiddenHere("Only volume-backed servers are allowed for flavors with zero disk.")

    async def _image(self, image_id: ImageId, context: RequestContext) -> Image:
        try:
            image = await self.calls.as_user(ShowImage(image_id=image_id), context)
        except NotFound as error:
            raise ImageNotUsable("Can not find requested image") from error
        if image.status != ImageStatus.ACTIVE:
            raise ImageNotUsable(f"Image {image_id} is not active.")
        return image

    async def _check_volume(self, disk: BlockDevice, *, boots: bool, context: RequestContext) -> None:
        assert disk.volume_id is not None
        try:
            volume = await self.calls.as_user(ShowVolume(volume_id=disk.volume_id), context)
        except NotFound as error:
            raise InvalidBDM(f"Block Device Mapping is Invalid: failed to get volume {disk.volume_id}.") from error
        if volume.status != "available" and not volume.multiattach:
            raise InvalidVolume(
                f"Invalid volume: volume '{volume.id}' status must be 'available'. Currently in '{volume.status}'"
            )
        if boots and not volume.bootable:
            raise InvalidBDM(f"Block Device {volume.id} is not bootable.")

    def _key_data(self, msg: CreateServer, context: RequestContext) -> str | None:
        if msg.key_name is None:
            return None
        keypair = self.store.keypairs.get((context.user_id, msg.key_name))
        if keypair is None:
            raise KeypairNotUsable("Invalid key_name provided.")
        return keypair.public_key

    async def _ports_allow(self, msg: CreateServer, context: RequestContext) -> int:
        """How many servers' ports the project may still have, up to *max_count* (`validate_networks`)."""
        if msg.networks == NO_NETWORKS:
            return msg.max_count
        if msg.max_count > 1 and not isinstance(msg.networks, str):
            if any(request.port_id is not None for request in msg.networks):
                raise InvalidInput(
                    "Failed to launch instances: Unable to launch multiple instances with a single configured port ID. "
                    "Please launch your instance one by one with different ports."
                )
            if any(request.fixed_ip is not None for request in msg.networks):
                raise InvalidInput(
                    "Failed to launch instances: max_count cannot be greater than 1 if an fixed_ip is specified."
                )
        wanted, _ = await networks.requested(self, context, msg.networks)
        needed = sum(request.port_id is None for request in wanted)
        if not needed:
            return msg.max_count
        assert context.project_id is not None
        free = await self._free_ports(context.project_id, context)
        if free is None or free >= needed * msg.max_count:
            return msg.max_count
        if free // needed < msg.min_count:
            raise PortLimitExceeded("Maximum number of ports exceeded")
        return free // needed

    async def _free_ports(self, project: ProjectId, context: RequestContext) -> int | None:
        """Ports that the project may still have; None for any number."""
        quota = await self.calls.as_user(ShowQuota(project_id=project), context)
        if quota.port < 0:
            return None
        ports = await self.calls.as_user(ListPorts(project_id=(project,)), context)
        return quota.port - len(ports)

    def _group(self, msg: CreateServer, context: RequestContext) -> ServerGroup | None:
        if msg.group is None:
            return None
        group = self.store.server_groups.get(msg.group)
        if group is None or not (context.is_admin or group.project_id == context.project_id):
            raise GroupNotUsable(f"Instance group {msg.group} could not be found.")
        return group


def _check_size(image: Image, flavor: Flavor, disk: int) -> None:
    """Whether an image fits (`_validate_flavor_image_nostatus`); on a root disk of 0 GB any does."""
    if image.min_ram > flavor.ram:
        raise FlavorNotUsable("Flavor's memory is too small for requested image.")
    if not disk:
        return
    if image.size is not None and image.size > disk * GIB:
        raise FlavorNotUsable(
            f"Flavor's disk is too small for requested image. Flavor disk is {disk * GIB} bytes, image is {image.size} bytes."
        )
    if image.min_disk > disk:
        raise FlavorNotUsable(
            "Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is "
            f"{disk * GIB} bytes, minimum size is {image.min_disk * GIB} bytes."
        )
