"""nova-api: flavors (nova's `compute/flavors.py`, `objects/flavor.py`, and `flavors.py` and its kin in `api/openstack/compute`)."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from actors.context import RequestContext
from actors.ids import FlavorId
from actors.nova.errors import (
    FlavorAccessExists,
    FlavorAccessNotFound,
    FlavorExists,
    FlavorExtraSpecsNotFound,
    FlavorNotFound,
    InvalidInput,
)
from actors.nova.listing import ordered, page
from actors.nova.messages.flavors import (
    AddFlavorAccess,
    CreateFlavor,
    CreateFlavorExtraSpecs,
    DeleteFlavor,
    DeleteFlavorExtraSpec,
    ListFlavorAccess,
    ListFlavorExtraSpecs,
    ListFlavors,
    RemoveFlavorAccess,
    ShowFlavor,
    ShowFlavorExtraSpec,
    UpdateFlavor,
)
from actors.nova.models import Flavor, FlavorAccess
from actors.nova.service.part import NovaPart
from actors.service import request_context

LEAST: Final = {"ram": 1, "vcpus": 1, "disk": 0, "ephemeral": 0, "swap": 0}
MOST: Final = 0x7FFFFFFF
SORT_KEYS: Final[dict[str, Callable[[Flavor], Any]]] = {
    "flavorid": lambda flavor: flavor.id,
    "name": lambda flavor: flavor.name,
    "memory_mb": lambda flavor: flavor.ram,
    "vcpus": lambda flavor: flavor.vcpus,
    "root_gb": lambda flavor: flavor.disk,
    "ephemeral_gb": lambda flavor: flavor.ephemeral,
    "swap": lambda flavor: flavor.swap,
    "is_public": lambda flavor: flavor.is_public,
    "disabled": lambda flavor: flavor.disabled,
    "description": lambda flavor: flavor.description,
    "created_at": lambda _: None,
    "id": lambda _: None,
}
"""Columns of nova's table to values; None for those that say no more than which is the older."""


def _may_use(context: RequestContext, flavor: Flavor) -> bool:
    return flavor.is_public or context.project_id in flavor.projects


class Flavors(NovaPart):
    """The handlers."""

    @CreateFlavor.handler
    async def create_flavor(self, msg: CreateFlavor) -> Flavor:
        for name, least in LEAST.items():
            if not least <= (value := getattr(msg, name)) <= MOST:
                raise InvalidInput(f"Invalid input received: {name} must be >= {least} and <= {MOST}, not {value}")
        made = Flavor(
            id=msg.id or FlavorId(self.ids.uuid()), name=msg.name.strip(), ram=msg.ram, vcpus=msg.vcpus, disk=msg.disk,
            ephemeral=msg.ephemeral, swap=msg.swap, is_public=msg.is_public, description=msg.description,
        )  # fmt: skip
        if made.id in self.store.flavors:
            raise FlavorExists(f"Flavor with ID {made.id} already exists.")
        if any(flavor.name == made.name for flavor in self.store.flavors.values()):
            raise FlavorExists(f"Flavor with name {made.name} already exists.")
        self.store.flavors[made.id] = made
        return made

    @ShowFlavor.handler
    async def show_flavor(self, msg: ShowFlavor) -> Flavor:
        return self.flavor(msg.flavor_id)

    @ListFlavors.handler
    async def list_flavors(self, msg: ListFlavors) -> tuple[Flavor, ...]:
        context = request_context()
        if msg.sort_key not in SORT_KEYS:
            raise InvalidInput(f"Invalid input received: sort_key {msg.sort_key!r} is none of {', '.join(SORT_KEYS)}")
        seen = [flavor for flavor in self.store.flavors.values() if context.is_admin or _may_use(context, flavor)]

        def fits(flavor: Flavor) -> bool:
            wanted = {None: True, True: _may_use(context, flavor), False: not flavor.is_public}[msg.is_public]
            shown = wanted if context.is_admin else not flavor.disabled
            return shown and flavor.ram >= msg.min_ram and flavor.disk >= msg.min_disk

        return page(
            ordered(seen, SORT_KEYS[msg.sort_key], msg.sort_dir), name=lambda flavor: flavor.id, marker=msg.marker,
            limit=msg.limit, most=self.config.max_limit, fits=fits,
        )  # fmt: skip

    @UpdateFlavor.handler
    async def update_flavor(self, msg: UpdateFlavor) -> Flavor:
        return self._change(self.flavor(msg.flavor_id), description=msg.description)

    @DeleteFlavor.handler
    async def delete_flavor(self, msg: DeleteFlavor) -> None:
        del self.store.flavors[self.flavor(msg.flavor_id).id]

    # -- extra specs ---------------------------------------------------------------------------------------------------

    @CreateFlavorExtraSpecs.handler
    async def create_flavor_extra_specs(self, msg: CreateFlavorExtraSpecs) -> Mapping[str, str]:
        for key in msg.extra_specs:
            if not re.fullmatch(r"[\w.\- :]{1,255}", key):
                raise InvalidInput(
                    f"Invalid input received: {key!r}: Key Names can only contain alphanumeric characters, periods, dashes, "
                    "underscores, colons and spaces."
                )
        flavor = self.flavor(msg.flavor_id)
        self._change(flavor, extra_specs={**flavor.extra_specs, **msg.extra_specs})
        return msg.extra_specs

    @ListFlavorExtraSpecs.handler
    async def list_flavor_extra_specs(self, msg: ListFlavorExtraSpecs) -> Mapping[str, str]:
        return self.flavor(msg.flavor_id).extra_specs

    @ShowFlavorExtraSpec.handler
    async def show_flavor_extra_spec(self, msg: ShowFlavorExtraSpec) -> str:
        return self._with_extra_spec(msg.flavor_id, msg.key).extra_specs[msg.key]

    @DeleteFlavorExtraSpec.handler
    async def delete_flavor_extra_spec(self, msg: DeleteFlavorExtraSpec) -> None:
        flavor = self._with_extra_spec(msg.flavor_id, msg.key)
        self._change(flavor, extra_specs={key: value for key, value in flavor.extra_specs.items() if key != msg.key})

    def _with_extra_spec(self, flavor_id: FlavorId, key: str) -> Flavor:
        flavor = self.flavor(flavor_id)
        if key not in flavor.extra_specs:
            raise FlavorExtraSpecsNotFound(f"Flavor {flavor_id} has no extra specs with key {key}.")
        return flavor

    # -- access --------------------------------------------------------------------------------------------------------

    @ListFlavorAccess.handler
    async def list_flavor_access(self, msg: ListFlavorAccess) -> tuple[FlavorAccess, ...]:
        flavor = self.flavor(msg.flavor_id)
        if flavor.is_public:
            raise FlavorAccessNotFound("Access list not available for public flavors.")
        return _access(flavor)

    @AddFlavorAccess.handler
    async def add_flavor_access(self, msg: AddFlavorAccess) -> tuple[FlavorAccess, ...]:
        flavor = self.flavor(msg.flavor_id)
        if flavor.is_public:
            raise FlavorAccessExists("Can not add access to a public flavor.")
        if msg.tenant in flavor.projects:
            raise FlavorAccessExists(
                f"Flavor access already exists for flavor {flavor.id} and project {msg.tenant} combination."
            )
        return _access(self._change(flavor, projects=(*flavor.projects, msg.tenant)))

    @RemoveFlavorAccess.handler
    async def remove_flavor_access(self, msg: RemoveFlavorAccess) -> tuple[FlavorAccess, ...]:
        flavor = self.flavor(msg.flavor_id)
        if msg.tenant not in flavor.projects:
            raise FlavorAccessNotFound(f"Flavor access not found for {flavor.id} / {msg.tenant} combination.")
        return _access(self._change(flavor, projects=tuple(one for one in flavor.projects if one != msg.tenant)))

    # ------------------------------------------------------------------------------------------------------------------

    def flavor(self, flavor_id: FlavorId) -> Flavor:
        """A flavor that whoever asks may see.

        Raises:
            FlavorNotFound: if there is none.
        """
        context, found = request_context(), self.store.flavors.get(flavor_id)
        if found is None or not (context.is_admin or _may_use(context, found)):
            raise FlavorNotFound(f"Flavor {flavor_id} could not be found.")
        return found

    def _change(self, flavor: Flavor, **changes: Any) -> Flavor:
        changed = self.store.flavors[flavor.id] = attrs.evolve(flavor, **changes)
        return changed


def _access(flavor: Flavor) -> tuple[FlavorAccess, ...]:
    return tuple(FlavorAccess(flavor_id=flavor.id, tenant_id=project) for project in flavor.projects)
