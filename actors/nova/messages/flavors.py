"""Flavors, their extra specs, and who may use those that are not public."""

from collections.abc import Mapping
from typing import ClassVar

import attrs

from actors.calls import ApiRequest, Policy, admin
from actors.ids import FlavorId, ProjectId
from actors.nova.messages import TOPIC
from actors.nova.models import Flavor, FlavorAccess, frozen
from bus.message import message


@message
class CreateFlavor(ApiRequest[Flavor]):
    """Create a flavor (`POST /flavors`). For administrators.

    Raises: 400 for a number out of range; 409 if the id or the name is taken.

    Attributes:
        name: unique.
        ram: MB of memory, 1 or more.
        vcpus: virtual processors, 1 or more.
        disk: GB of the root disk; 0 for that of the image.
        id: unique; None for one that is made up.
        ephemeral: GB of a second disk.
        swap: MB of swap.
        is_public: whether every project may use it; if not, none may at first.
        description: for people.
    """

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    name: str
    ram: int
    vcpus: int
    disk: int
    id: FlavorId | None = None
    ephemeral: int = 0
    swap: int = 0
    is_public: bool = True
    description: str | None = None


@message
class ShowFlavor(ApiRequest[Flavor]):
    """Show a flavor. 404 if there is none, or not for this project."""

    topic: ClassVar[str] = TOPIC
    flavor_id: FlavorId


@message
class ListFlavors(ApiRequest[tuple[Flavor, ...]]):
    """List flavors (`GET /flavors/detail`) that fit every filter that is given.

    Raises: 400 for a sort key, direction, limit or marker that is none.

    Attributes:
        is_public: True for those that the project may use, False for the others, None for all. For administrators; others
            get True.
        min_ram: with so many MB of memory at least.
        min_disk: with so many GB of root disk at least.
        sort_key: a column of nova's table, such as ``"memory_mb"``.
        sort_dir: ``"asc"`` or ``"desc"``.
        limit: so many at most; None for `max_limit`.
        marker: after the flavor with this id.
    """

    topic: ClassVar[str] = TOPIC
    is_public: bool | None = True
    min_ram: int = 0
    min_disk: int = 0
    sort_key: str = "flavorid"
    sort_dir: str = "asc"
    limit: int | None = None
    marker: FlavorId | None = None


@message
class UpdateFlavor(ApiRequest[Flavor]):
    """Change the description of a flavor; nothing else can change. For administrators. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    flavor_id: FlavorId
    description: str | None


@message
class DeleteFlavor(ApiRequest[None]):
    """Delete a flavor; servers that were made from it keep it. For administrators. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    flavor_id: FlavorId


# -- extra specs -------------------------------------------------------------------------------------------------------


@message
class CreateFlavorExtraSpecs(ApiRequest[Mapping[str, str]]):
    """Add or change extra specs of a flavor, and keep the others. For administrators. Answers those that were given.

    Raises: 400 for a key that is none; 404 if there is no such flavor.
    """

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    flavor_id: FlavorId
    extra_specs: Mapping[str, str] = attrs.field(converter=frozen)


@message
class ListFlavorExtraSpecs(ApiRequest[Mapping[str, str]]):
    """List the extra specs of a flavor. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    flavor_id: FlavorId


@message
class ShowFlavorExtraSpec(ApiRequest[str]):
    """Show the value of an extra spec. 404 also if the flavor does not have it."""

    topic: ClassVar[str] = TOPIC
    flavor_id: FlavorId
    key: str


@message
class DeleteFlavorExtraSpec(ApiRequest[None]):
    """Remove an extra spec. For administrators. 404 also if the flavor does not have it."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    flavor_id: FlavorId
    key: str


# -- access ------------------------------------------------------------------------------------------------------------


@message
class ListFlavorAccess(ApiRequest[tuple[FlavorAccess, ...]]):
    """List the projects that may use a flavor. For administrators. 404 also if the flavor is public."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    flavor_id: FlavorId


@message
class AddFlavorAccess(ApiRequest[tuple[FlavorAccess, ...]]):
    """Let a project use a flavor (action `addTenantAccess`). For administrators. 409 if it may already, or every project may."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    flavor_id: FlavorId
    tenant: ProjectId


@message
class RemoveFlavorAccess(ApiRequest[tuple[FlavorAccess, ...]]):
    """Let a project use a flavor no more (action `removeTenantAccess`). For administrators. 404 also if it may not."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    flavor_id: FlavorId
    tenant: ProjectId
