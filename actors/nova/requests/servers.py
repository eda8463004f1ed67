"""`POST /servers`, at microversion 2.96 (nova's `schemas/servers.py: create_v294`, and `create` in `compute/servers.py`).

Checked, but without effect, because nothing in this cloud depends on them: `OS-DCF:diskConfig`, `accessIPv4`, `accessIPv6`,
`description`, `hostname`, `return_reservation_id`, `tags`; all scheduler hints but `group`, as with nova's default filters; of
disks `guest_format`, `device_type` and `disk_bus`. Refused, though nova takes it: `trusted_image_certificates`, a local disk of
another image than `imageRef`, and a host with a node that is not its own, for each host here has one node of the same name.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from actors.ids import FlavorId, ImageId, NetworkId, PortId
from actors.nova.errors import ValidationError
from actors.nova.messages.servers import CreateServer
from actors.nova.models import NetworkRequest
from actors.nova.requests.block_devices import BLOCK_DEVICE_MAPPING, BLOCK_DEVICE_MAPPING_V2, read_block_devices
from actors.nova.requests.checking import Body
from actors.nova.requests.fields import (
    BOOLEAN,
    COUNT,
    DESCRIPTION,
    HOST,
    IP,
    METADATA,
    NAME,
    TAG,
    UUID,
    Schema,
    array,
    is_true,
    table,
    text,
)  # fmt: skip

_NETWORK: Final = table({
    "fixed_ip": IP, "port": {"type": ["string", "null"], "format": "uuid"}, "uuid": UUID, "tag": TAG,
})  # fmt: skip
_SERVER: Final[Schema] = {
    "name": NAME,
    "imageRef": {"oneOf": [UUID, {"type": "string", "maxLength": 0}]},
    "flavorRef": {"type": ["string", "integer"], "minLength": 1},
    "adminPass": {"type": "string"},
    "metadata": METADATA,
    "networks": {"oneOf": [array(_NETWORK), {"type": "string", "enum": ["none", "auto"]}]},
    "OS-DCF:diskConfig": {"type": "string", "enum": ["AUTO", "MANUAL"]},
    "accessIPv4": {"type": "string", "format": "ipv4"},
    "accessIPv6": {"type": "string", "format": "ipv6"},
    "availability_zone": NAME,
    "block_device_mapping": BLOCK_DEVICE_MAPPING,
    "block_device_mapping_v2": BLOCK_DEVICE_MAPPING_V2,
    "config_drive": BOOLEAN,
    "key_name": NAME,
    "min_count": COUNT,
    "max_count": COUNT,
    "return_reservation_id": BOOLEAN,
    "security_groups": array(table({"name": NAME})),
    "user_data": text(65535, format="base64"),
    "description": DESCRIPTION,
    "tags": array(TAG, maxItems=50),
    "trusted_image_certificates": {"type": ["array", "null"], "maxItems": 0},
    "host": HOST,
    "hypervisor_hostname": HOST,
    "hostname": HOST,
}
_HINTS: Final[Schema] = {"type": "object", "properties": {"group": UUID}}
_CREATE: Final = Body(
    table(
        {
            "server": table(_SERVER, required=("name", "flavorRef", "networks")),
            "os:scheduler_hints": _HINTS,
            "OS-SCH-HNT:scheduler_hints": _HINTS,
        },
        required=("server",),
    )
)


def read_create_server(body: object) -> CreateServer:
    """What the parsed body of a request for servers asks for.

    Raises:
        ValidationError: if nova would refuse it without asking anybody.
    """
    checked = _CREATE.check(body)
    server: Mapping[str, Any] = checked["server"]
    hints = checked.get("os:scheduler_hints", checked.get("OS-SCH-HNT:scheduler_hints", {}))
    min_count, max_count = _counts(server)
    image_ref = ImageId(server["imageRef"]) if server.get("imageRef") else None
    if image_ref is None and not (server.get("block_device_mapping") or server.get("block_device_mapping_v2")):
        raise ValidationError("Missing imageRef attribute", "server.imageRef")
    zone, host = _place(server)
    return CreateServer(
        name=server["name"],
        flavor_ref=FlavorId(str(server["flavorRef"]).split("?")[0].rsplit("/", 1)[-1]),
        image_ref=image_ref,
        networks=_networks(server["networks"]),
        key_name=server.get("key_name"),
        security_groups=tuple(dict.fromkeys(one["name"] for one in server.get("security_groups", ()) if "name" in one)),
        block_devices=read_block_devices(server, image_ref, max_count),
        metadata=server.get("metadata", {}),
        min_count=min_count,
        max_count=max_count,
        availability_zone=zone,
        host=host,
        admin_pass=server.get("adminPass"),
        group=hints.get("group"),
        config_drive=is_true(server.get("config_drive")),
        user_data=server.get("user_data"),
    )


def _counts(server: Mapping[str, Any]) -> tuple[int, int]:
    least = int(server.get("min_count", 1))
    most = int(server.get("max_count", least))
    if least > most:
        raise ValidationError("min_count must be <= max_count", "server.min_count")
    return least, most


def _place(server: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The zone, with the host behind it that is forced, and the host that is asked for (nova's `parse_availability_zone`)."""
    zone, *forced = server.get("availability_zone", "").split(":")
    if len(forced) > 2:
        raise ValidationError("Invalid input received: Unable to parse availability_zone", "server.availability_zone")
    forced_host = _one(forced, "server.availability_zone")
    host = _one([server.get("host"), server.get("hypervisor_hostname")], "server.hypervisor_hostname")
    if forced_host and host:
        raise ValidationError(
            "One mechanism with host and/or hypervisor_hostname and another mechanism with zone:host:node are mutually "
            "exclusive.",
            "server.host",
        )
    return (f"{zone}:{forced_host}" if forced_host else zone or None), host


def _one(names: list[str | None], field: str) -> str | None:
    """The host that all *names* name; None if none does."""
    given = list(dict.fromkeys(name for name in names if name))
    if len(given) > 1:
        raise ValidationError(f"Compute host {given[0]} could not be found with the node {given[1]}.", field)
    return given[0] if given else None


def _networks(networks: str | list[dict[str, Any]]) -> tuple[NetworkRequest, ...] | str:
    if isinstance(networks, str):
        return networks
    requests = tuple(_network(fields) for fields in networks)
    for port, times in Counter(request.port_id for request in requests).items():
        if port and times > 1:
            raise _refusal(f"Port ID '{port}' was specified twice: you cannot attach a port multiple times.")
    return requests


def _network(fields: Mapping[str, Any]) -> NetworkRequest:
    port, fixed_ip = fields.get("port"), fields.get("fixed_ip")
    if port and fixed_ip:
        raise _refusal(
            f"Specified Fixed IP '{fixed_ip}' cannot be used with port '{port}': the two cannot be specified together."
        )
    if not port and "uuid" not in fields:
        raise _refusal("Bad network format: missing 'uuid'")
    return NetworkRequest(
        network_id=None if port else NetworkId(fields["uuid"]), port_id=PortId(port) if port else None,
        fixed_ip=fixed_ip, tag=fields.get("tag"),
    )  # fmt: skip


def _refusal(text: str) -> ValidationError:
    return ValidationError(text, "server.networks")
