"""A storage array: what really holds the volumes, behind one cinder-volume, and outlives it.

Its operations take time, and can fail: a subclass may refuse what it likes. Space is taken when an operation begins and given
back when one ends, so that a crash of cinder-volume in between leaves what a crash leaves on a real array: a disk that nobody
has finished, which goes when the volume is deleted.
"""

import anyio
import attrs

from actors.cinder.errors import VolumeBackendAPIException, VolumeIsBusy
from actors.cinder.models import Capabilities, ConnectionInfo, Connector, SnapshotId
from actors.ids import AttachmentId, VolumeId


@attrs.frozen(kw_only=True)
class StorageTimes:
    """How long an array takes, in seconds.

    Attributes:
        operation: for each operation.
        copy_gb: more, for each GB that it copies.
    """

    operation: float = attrs.field(default=0.5, validator=attrs.validators.ge(0))
    copy_gb: float = attrs.field(default=0.1, validator=attrs.validators.ge(0))


class StorageArray:
    """An array with one pool.

    Args:
        volume_backend_name: what volume types ask for.
        total_capacity_gb: all its space.
        backend_availability_zone: its zone; None for `storage_availability_zone`.
        thin_provisioning_support: whether disks take no space until they are written: then it is never full.
        max_over_subscription_ratio: how often its space may be promised, if so.
        reserved_percentage: share that schedulers keep free.
        times: how long it takes.
    """

    def __init__(
        self, *, volume_backend_name: str = "lvm", total_capacity_gb: float = 1000, backend_availability_zone: str | None = None,
        thin_provisioning_support: bool = False, max_over_subscription_ratio: float = 20.0, reserved_percentage: int = 0,
        times: StorageTimes | None = None,
    ) -> None:  # fmt: skip
        if total_capacity_gb < 0:
            msg = f"'total_capacity_gb' must be >= 0: {total_capacity_gb}"
            raise ValueError(msg)
        if not 0 <= reserved_percentage <= 100:
            msg = f"'reserved_percentage' must be from 0 to 100: {reserved_percentage}"
            raise ValueError(msg)
        self.volume_backend_name = volume_backend_name
        self.backend_availability_zone = backend_availability_zone
        self.disks: dict[VolumeId, int] = {}
        """Volumes on it, with their GB."""
        self.snapshots: dict[SnapshotId, tuple[VolumeId, int]] = {}
        """Snapshots on it, with their volume and its GB then."""
        self.connections: dict[AttachmentId, tuple[VolumeId, str]] = {}
        """Who can reach what: attachments, with the volume and the host."""
        self._connected: dict[VolumeId, set[AttachmentId]] = {}
        self.used_gb = 0
        """What disks and snapshots take."""
        self._total = total_capacity_gb
        self._thin = thin_provisioning_support
        self._ratio = max_over_subscription_ratio
        self._reserved = reserved_percentage
        self._times = times or StorageTimes()

    def capabilities(self, *, allocated: float, timestamp: float) -> Capabilities:
        """What it reports to the schedulers."""
        used = self.used_gb
        return Capabilities(
            volume_backend_name=self.volume_backend_name,
            total_capacity_gb=self._total,
            free_capacity_gb=self._total if self._thin else self._total - used,
            allocated_capacity_gb=allocated,
            provisioned_capacity_gb=used,
            thin_provisioning_support=self._thin,
            max_over_subscription_ratio=self._ratio,
            reserved_percentage=self._reserved,
            timestamp=timestamp,
        )

    async def create_volume(self, id: VolumeId, size: int, *, copied: int = 0) -> None:
        """Make a disk of *size* GB, *copied* GB of which come from another disk or snapshot.

        Raises:
            VolumeBackendAPIException: if it is full.
        """
        self._take(size - self.disks.get(id, 0))
        self.disks[id] = size
        await anyio.sleep(self._times.operation + copied * self._times.copy_gb)

    async def extend_volume(self, id: VolumeId, size: int) -> None:
        """Make a disk larger.

        Raises:
            VolumeBackendAPIException: if it is full, or the disk is not there.
        """
        self._check_disk(id)
        self._take(size - self.disks[id])
        self.disks[id] = size
        await anyio.sleep(self._times.operation)

    async def delete_volume(self, id: VolumeId) -> None:
        """Remove a disk. That it is not there is fine.

        Raises:
            VolumeIsBusy: if it is connected to a host.
        """
        if id in self._connected:
            raise VolumeIsBusy(f"volume {id} is connected to a host: detach it first")
        await anyio.sleep(self._times.operation)
        self.used_gb -= self.disks.pop(id, 0)

    async def create_snapshot(self, id: SnapshotId, volume_id: VolumeId) -> None:
        """Keep what a disk holds.

        Raises:
            VolumeBackendAPIException: if it is full, or the disk is not there.
        """
        self._check_disk(volume_id)
        self._take(self.disks[volume_id])
        self.snapshots[id] = (volume_id, self.disks[volume_id])
        await anyio.sleep(self._times.operation)

    async def delete_snapshot(self, id: SnapshotId) -> None:
        """Forget what a disk held. That it is not there is fine."""
        await anyio.sleep(self._times.operation)
        _, size = self.snapshots.pop(id, ("", 0))
        self.used_gb -= size

    async def initialize_connection(
        self, volume_id: VolumeId, attachment_id: AttachmentId, connector: Connector, mode: str
    ) -> ConnectionInfo:
        """Let a host reach a disk, from the moment it returns.

        Raises:
            VolumeBackendAPIException: if the disk is not there.
        """
        await anyio.sleep(self._times.operation)
        self._check_disk(volume_id)
        self.connections[attachment_id] = (volume_id, connector.host)
        self._connected.setdefault(volume_id, set()).add(attachment_id)
        return ConnectionInfo(
            target_portal=f"{self.volume_backend_name}:3260",
            target_iqn=f"iqn.2010-10.org.openstack:volume-{volume_id}",
            access_mode=mode,
            volume_id=volume_id,
            attachment_id=attachment_id,
        )

    async def terminate_connection(self, attachment_id: AttachmentId) -> None:
        """Let a host reach a disk no more."""
        await anyio.sleep(self._times.operation)
        volume_id, _ = self.connections.pop(attachment_id, (None, ""))
        if volume_id is not None:
            self._connected[volume_id].remove(attachment_id)
            if not self._connected[volume_id]:
                del self._connected[volume_id]

    def _check_disk(self, id: VolumeId) -> None:
        if id not in self.disks:
            raise VolumeBackendAPIException(f"no disk of volume {id} on {self.volume_backend_name}")

    def _take(self, more: int) -> None:
        if not self._thin and self.used_gb + more > self._total:
            msg = f"{self.volume_backend_name} has no room for {more} GB: {self.used_gb} of {self._total} GB are used"
            raise VolumeBackendAPIException(msg)
        self.used_gb += more
