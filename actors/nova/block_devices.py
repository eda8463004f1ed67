"""The disks that a server is to have: what was asked for, put together and checked. Pure rules (nova's `compute/api.py: _validate_bdm`)."""

from typing import Final

import attrs

from actors.ids import ImageId
from actors.nova.errors import InvalidBDM
from actors.nova.models import BlockDevice, Flavor

MAX_LOCAL_BLOCK_DEVICES: Final = 3
"""`max_local_block_devices`."""
_INVALID: Final = "Block Device Mapping is Invalid: "


def root_of(disks: tuple[BlockDevice, ...]) -> BlockDevice | None:
    """The disk that the server boots from."""
    return next((disk for disk in disks if disk.boot_index == 0), None)


def merged(image: ImageId | None, asked: tuple[BlockDevice, ...], flavor: Flavor) -> tuple[BlockDevice, ...]:
    """All disks of a server: those that were asked for, and that of its image if it is none of them.

    Raises:
        InvalidBDM: if they make no sense.
    """
    disks = asked
    if image is not None and root_of(asked) is None:
        root = BlockDevice(
            source_type="image", destination_type="local", boot_index=0, image_id=image, delete_on_termination=True
        )
        disks = (root, *asked)
    disks = tuple(_sized(disk, flavor) for disk in disks)
    _check_boot_sequence(disks)
    for disk in disks:
        _check(disk)
    if sum(not disk.is_volume for disk in disks) > MAX_LOCAL_BLOCK_DEVICES:
        raise InvalidBDM(_INVALID + "You specified more local devices than the limit allows")
    return disks


def _sized(disk: BlockDevice, flavor: Flavor) -> BlockDevice:
    """A local disk of the image is as large as the flavor says."""
    local_root = disk.boot_index == 0 and not disk.is_volume and disk.volume_size is None
    return attrs.evolve(disk, volume_size=flavor.disk) if local_root else disk


def _check_boot_sequence(disks: tuple[BlockDevice, ...]) -> None:
    order = sorted(disk.boot_index for disk in disks if disk.boot_index is not None and disk.boot_index >= 0)
    if order != list(range(len(order))) or not order:
        raise InvalidBDM(
            _INVALID + "Boot sequence for the instance and image/block device mapping combination is not valid."
        )


def _check(disk: BlockDevice) -> None:
    if disk.source_type == "image" and disk.is_volume and not disk.volume_size:
        raise InvalidBDM(_INVALID + "Images with destination_type 'volume' need to have a non-zero size specified")
    if disk.source_type == "blank" and disk.is_volume and not disk.volume_size:
        raise InvalidBDM(_INVALID + "Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size")
    if disk.source_type in ("volume", "snapshot") and not disk.is_volume:
        raise InvalidBDM(_INVALID + f"A {disk.source_type} cannot become a local disk.")
    missing = {"image": disk.image_id, "volume": disk.volume_id, "snapshot": disk.snapshot_id}
    if disk.source_type != "blank" and missing.get(disk.source_type) is None:
        raise InvalidBDM(_INVALID + f"Missing device UUID for source type {disk.source_type!r}.")
