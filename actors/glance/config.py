"""Glance's options, with the names and defaults of glance 33.0.0."""

import attrs
from attrs.validators import ge, gt, in_, instance_of


def _number(default: int, lowest: int) -> int:
    value: int = attrs.field(default=default, validator=[instance_of(int), ge(lowest)])
    return value


@attrs.frozen(kw_only=True)
class GlanceConfig:
    """The options. Sizes are bytes, times seconds.

    Attributes:
        image_size_cap: size of the largest image.
        user_storage_quota: bytes that the images of a project may take; 0 for any number.
        image_property_quota: properties that an image may have; -1 for any number.
        image_tag_quota: tags, likewise.
        limit_param_default: images that a list holds if it asks for no number.
        api_limit_max: images that a list holds at most.
        delayed_delete: whether bytes are kept for a while after an image was deleted.
        scrub_time: how long.
        disk_formats: what `disk_format` may be.
        container_formats: what `container_format` may be.
        upload_bandwidth: bytes per second of one upload (no option in glance).
        download_bandwidth: bytes per second of one download (likewise).
    """

    image_size_cap: int = _number(1_099_511_627_776, 1)
    user_storage_quota: int = _number(0, 0)
    image_property_quota: int = _number(128, -1)
    image_tag_quota: int = _number(128, -1)
    limit_param_default: int = _number(25, 1)
    api_limit_max: int = _number(1000, 1)
    delayed_delete: bool = attrs.field(default=False, validator=in_((True, False)))
    scrub_time: int = _number(0, 0)
    disk_formats: tuple[str, ...] = (
        "ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop",
    )  # fmt: skip
    container_formats: tuple[str, ...] = ("ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed")
    upload_bandwidth: float = attrs.field(default=125_000_000.0, validator=gt(0))
    download_bandwidth: float = attrs.field(default=125_000_000.0, validator=gt(0))
