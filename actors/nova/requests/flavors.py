"""The bodies about flavors, at microversion 2.61 (nova's `schemas/flavors.py` and those beside it).

`rxtx_factor` is checked, but without effect: nothing but XenServer ever used it, and 2.102 has it no more.
"""

from typing import Any, Final

from actors.ids import FlavorId, ProjectId
from actors.nova.messages.flavors import (
    AddFlavorAccess,
    CreateFlavor,
    CreateFlavorExtraSpecs,
    RemoveFlavorAccess,
    UpdateFlavor,
)
from actors.nova.requests.checking import Body
from actors.nova.requests.fields import BOOLEAN, NAME, Schema, is_true, number, pairs, table, text


def _wrapped(name: str, fields: Schema, required: tuple[str, ...]) -> Body:
    return Body(table({name: table(fields, required)}, required=(name,)))


_DESCRIPTION: Final = text(65535, null=True, format="description")
_FLAVOR: Final[Schema] = {
    "name": NAME,
    "id": text(least=1, pattern="^(?! )[a-zA-Z0-9. _-]+(?<! )$") | {"type": ["string", "number", "null"]},
    "ram": number(1),
    "vcpus": number(1),
    "disk": number(0),
    "OS-FLV-EXT-DATA:ephemeral": number(0),
    "swap": number(0),
    "rxtx_factor": {
        "type": ["number", "string"], "pattern": r"^[0-9]+(\.[0-9]+)?$", "exclusiveMinimum": 0, "maximum": 3.40282e38,
    },
    "os-flavor-access:is_public": BOOLEAN,
    "description": _DESCRIPTION,
}  # fmt: skip
_CREATE: Final = _wrapped("flavor", _FLAVOR, required=("name", "ram", "vcpus", "disk"))
_UPDATE: Final = _wrapped("flavor", {"description": _DESCRIPTION}, required=("description",))
_EXTRA_SPECS: Final = Body(
    table({"extra_specs": pairs(text() | {"type": ["string", "number"]})}, required=("extra_specs",))
)
_ACCESS: Final = {
    action: _wrapped(action, {"tenant": text(least=1)}, required=("tenant",))
    for action in ("addTenantAccess", "removeTenantAccess")
}


def read_create_flavor(body: object) -> CreateFlavor:
    """What the parsed body of `POST /flavors` asks for.

    Raises:
        ValidationError: as the others here, if nova would refuse it without asking anybody.
    """
    fields: dict[str, Any] = _CREATE.check(body)["flavor"]
    flavor_id = fields.get("id")
    return CreateFlavor(
        name=fields["name"], ram=int(fields["ram"]), vcpus=int(fields["vcpus"]), disk=int(fields["disk"]),
        id=FlavorId(str(flavor_id)) if flavor_id else None,
        ephemeral=int(fields.get("OS-FLV-EXT-DATA:ephemeral", 0)), swap=int(fields.get("swap", 0)),
        is_public=is_true(fields.get("os-flavor-access:is_public", True)), description=fields.get("description"),
    )  # fmt: skip


def read_update_flavor(flavor_id: FlavorId, body: object) -> UpdateFlavor:
    """What the parsed body of `PUT /flavors/{id}` asks for."""
    return UpdateFlavor(flavor_id=flavor_id, description=_UPDATE.check(body)["flavor"]["description"])


def read_create_flavor_extra_specs(flavor_id: FlavorId, body: object) -> CreateFlavorExtraSpecs:
    """What the parsed body of `POST /flavors/{id}/os-extra_specs` asks for. Numbers become texts."""
    specs: dict[str, Any] = _EXTRA_SPECS.check(body)["extra_specs"]
    return CreateFlavorExtraSpecs(flavor_id=flavor_id, extra_specs={key: str(value) for key, value in specs.items()})


def read_add_flavor_access(flavor_id: FlavorId, body: object) -> AddFlavorAccess:
    """What the parsed body of the action `addTenantAccess` asks for."""
    fields = _ACCESS["addTenantAccess"].check(body)["addTenantAccess"]
    return AddFlavorAccess(flavor_id=flavor_id, tenant=ProjectId(fields["tenant"]))


def read_remove_flavor_access(flavor_id: FlavorId, body: object) -> RemoveFlavorAccess:
    """What the parsed body of the action `removeTenantAccess` asks for."""
    fields = _ACCESS["removeTenantAccess"].check(body)["removeTenantAccess"]
    return RemoveFlavorAccess(flavor_id=flavor_id, tenant=ProjectId(fields["tenant"]))
