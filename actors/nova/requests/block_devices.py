"""The disks of a new server, as requests have them (nova's `block_device.py`, and `_check_and_transform_bdm` in `compute/api.py`).

What must be asked of every list of disks, however it came about, is asked in `actors.nova.block_devices`.
"""

from collections.abc import Mapping
from typing import Any, Final

from actors.ids import ImageId, VolumeId
from actors.nova.errors import ValidationError
from actors.nova.models import BlockDevice
from actors.nova.requests.fields import BOOLEAN, TAG, UUID, Schema, array, is_true, number, table, text

ROOT: Final = "vda"
"""What the disk that a server boots from is called, if nobody says."""

_LEGACY: Final[Schema] = {
    "virtual_name": text(),
    "volume_id": UUID,
    "snapshot_id": UUID,
    "volume_size": number(1),
    "device_name": text(least=1, pattern="^[a-zA-Z0-9._/-]*$"),
    "delete_on_termination": BOOLEAN,
    "no_device": {},
    "connection_info": text(16777215),
}
BLOCK_DEVICE_MAPPING: Final = array(table(_LEGACY))
BLOCK_DEVICE_MAPPING_V2: Final = array(
    table({
        **_LEGACY,
        "source_type": {"type": "string", "enum": ["volume", "image", "snapshot", "blank"]},
        "uuid": text(least=1, pattern="^[a-zA-Z0-9._-]*$"),
        "image_id": UUID,
        "destination_type": {"type": "string", "enum": ["local", "volume"]},
        "guest_format": text(),
        "device_type": text(),
        "disk_bus": text(),
        "boot_index": {"type": ["integer", "string", "null"], "pattern": "^-?[0-9]+$", "maxLength": 255},
        "tag": TAG,
        "volume_type": text(null=True),
    })
)  # fmt: skip


def read_block_devices(server: Mapping[str, Any], image_ref: ImageId | None, max_count: int) -> tuple[BlockDevice, ...]:
    """The disks that the `server` of a body asks for, but for the one that is made of its image on the host itself.

    Args:
        server: whose fields fit their tables.
        image_ref: the image that it names.
        max_count: how many servers it asks for.

    Raises:
        ValidationError: if the disks cannot be had like this.
    """
    legacy, current = server.get("block_device_mapping", []), server.get("block_device_mapping_v2", [])
    if legacy and current:
        raise _refusal("Using different block_device_mapping syntaxes is not allowed in the same request.")
    if legacy:
        devices = [_from_legacy(fields) for fields in legacy if not fields.get("no_device")]
        adds_image = image_ref is not None and all(device.boot_index for device in devices)
    else:
        devices = [_from_current(fields, image_ref) for fields in current if not fields.get("no_device")]
        adds_image = image_ref is not None and not current
        if image_ref is not None and any(device.is_volume and _plain(device.device_name) == ROOT for device in devices):
            raise _refusal(f"The volume cannot be assigned the same device name as the root device {ROOT}")
    if max_count > 1 and any(device.source_type == "volume" for device in devices):
        raise _refusal("Cannot attach one or more volumes to multiple instances")
    indexes = sorted(index for device in devices if (index := device.boot_index) is not None and index >= 0)
    indexes = [0, *indexes] if adds_image else indexes
    if not indexes or indexes != list(range(len(indexes))):
        raise _malformed("Boot sequence for the instance and image/block device mapping combination is not valid.")
    return tuple(device for device in devices if (device.source_type, device.destination_type) != ("image", "local"))


def _from_current(fields: Mapping[str, Any], image_ref: ImageId | None) -> BlockDevice:
    source, uuid, volume_type = fields.get("source_type"), fields.get("uuid"), fields.get("volume_type")
    destination = fields.get("destination_type", "local" if source == "blank" else "volume")
    if source is None:
        raise _malformed("Some required fields are missing")
    if source == "blank" and uuid:
        raise _malformed("Invalid device UUID.")
    if source != "blank" and not uuid:
        raise _malformed("Missing device UUID.")
    boot_index = fields.get("boot_index")
    if (source, destination) == ("image", "local") and (
        image_ref != uuid or boot_index is None or int(boot_index) != 0
    ):
        raise _malformed("Mapping image to local is not supported.")
    if volume_type and destination == "local":
        raise _malformed("Specifying a volume_type with destination_type=local is not supported.")
    if volume_type and source == "volume":
        raise _malformed("Specifying volume type to existing volume is not supported.")
    return _device(
        fields, source, destination, uuid, boot_index=None if boot_index is None else int(boot_index),
        volume_type=volume_type or None, tag=fields.get("tag"),
    )  # fmt: skip


def _from_legacy(fields: Mapping[str, Any]) -> BlockDevice:
    boot_index = 0 if _plain(fields.get("device_name")) == ROOT else -1
    for source in ("snapshot", "volume"):
        if uuid := fields.get(f"{source}_id"):
            return _device(fields, source, "volume", uuid, boot_index=boot_index)
    if fields.get("virtual_name", "").startswith(("swap", "ephemeral")):
        return _device(fields, "blank", "local", None, boot_index=-1)
    raise _malformed("Unrecognized legacy format.")


def _device(
    fields: Mapping[str, Any], source: str, destination: str, uuid: str | None, *, boot_index: int | None, **more: Any
) -> BlockDevice:
    return BlockDevice(
        source_type=source, destination_type=destination, boot_index=boot_index,
        image_id=ImageId(uuid) if uuid and source == "image" else None,
        volume_id=VolumeId(uuid) if uuid and source == "volume" else None,
        snapshot_id=uuid if source == "snapshot" else None,
        volume_size=int(fields["volume_size"]) if "volume_size" in fields else None,
        delete_on_termination=is_true(fields.get("delete_on_termination")), device_name=fields.get("device_name"), **more,
    )  # fmt: skip


def _plain(device_name: str | None) -> str:
    return (device_name or "").removeprefix("/dev/")


def _refusal(text: str) -> ValidationError:
    return ValidationError(text, "server.block_device_mapping_v2")


def _malformed(text: str) -> ValidationError:
    return _refusal(f"Block Device Mapping is Invalid: {text}")
