"""cinder-api: volume types, quotas and services."""

from typing import Any

import attrs

from actors.cinder.errors import InvalidInput, ServiceNotFound, VolumeTypeExists, VolumeTypeInUse, VolumeTypeNotFound
from actors.cinder.listing import matches
from actors.cinder.messages import (
    CreateVolumeType,
    DeleteQuotaSet,
    DeleteVolumeType,
    ListServices,
    ListVolumeTypes,
    ShowQuotaSet,
    ShowVolumeType,
    UpdateQuotaSet,
    UpdateService,
)
from actors.cinder.models import QuotaSet, Service, VolumeType, VolumeTypeId
from actors.cinder.service.common import ApiPart, given
from actors.errors import Forbidden
from actors.service import request_context


class Administration(ApiPart):
    """The handlers."""

    @CreateVolumeType.handler
    async def create_volume_type(self, msg: CreateVolumeType) -> VolumeType:
        if any(one.name == msg.name for one in self.store.types.values()):
            raise VolumeTypeExists(f"there is a volume type {msg.name} already")
        made = VolumeType(
            id=VolumeTypeId(self.ids.uuid()), name=msg.name, description=msg.description, is_public=msg.is_public,
            extra_specs=msg.extra_specs,
        )  # fmt: skip
        self.store.types[made.id] = made
        return made

    @ShowVolumeType.handler
    async def show_volume_type(self, msg: ShowVolumeType) -> VolumeType:
        found = self.store.type_of(msg.volume_type)
        if found is None or not (found.is_public or request_context().is_admin):
            raise VolumeTypeNotFound(f"volume type {msg.volume_type} could not be found")
        return found

    @ListVolumeTypes.handler
    async def list_volume_types(self, msg: ListVolumeTypes) -> tuple[VolumeType, ...]:
        is_public = msg.is_public if request_context().is_admin else True
        filters = {"is_public": is_public, "extra_specs": msg.extra_specs}
        return tuple(one for one in self.store.types.values() if matches(one, filters))

    @DeleteVolumeType.handler
    async def delete_volume_type(self, msg: DeleteVolumeType) -> None:
        found = self.store.types.get(msg.volume_type_id)
        if found is None:
            raise VolumeTypeNotFound(f"volume type {msg.volume_type_id} could not be found")
        if found.name == self.config.default_volume_type:
            raise VolumeTypeInUse(f"volume type {found.name} is the default one (default_volume_type)")
        if any(volume.volume_type_id == found.id for volume in self.store.volumes):
            raise VolumeTypeInUse(f"there are volumes of type {found.name}: delete them first")
        del self.store.types[found.id]

    @ShowQuotaSet.handler
    async def show_quota_set(self, msg: ShowQuotaSet) -> QuotaSet:
        context = request_context()
        if not context.is_admin and context.project_id != msg.project_id:
            raise Forbidden("policy does not allow the quotas of another project to be shown")
        return self.store.quota_set(msg.project_id)

    @UpdateQuotaSet.handler
    async def update_quota_set(self, msg: UpdateQuotaSet) -> QuotaSet:
        limits: dict[str, Any] = given(
            volumes=msg.volumes, gigabytes=msg.gigabytes, snapshots=msg.snapshots,
            per_volume_gigabytes=msg.per_volume_gigabytes,
        )  # fmt: skip
        for name, limit in limits.items():
            if limit < -1:
                raise InvalidInput(f"{name}={limit} must be -1 (no limit) or more")
        for name, limit in limits.items():
            self.store.quotas.limits[msg.project_id, name] = limit
        return self.store.quota_set(msg.project_id)

    @DeleteQuotaSet.handler
    async def delete_quota_set(self, msg: DeleteQuotaSet) -> None:
        for name in self.store.quotas.defaults:
            self.store.quotas.limits.pop((msg.project_id, name), None)

    @ListServices.handler
    async def list_services(self, msg: ListServices) -> tuple[Service, ...]:
        filters = {"host": msg.host, "binary": msg.binary}
        return tuple(self._shown(row) for row in self.store.services.values() if matches(row, filters))

    def _shown(self, row: Service) -> Service:
        return attrs.evolve(row, state="up" if row.is_up(self.now, self.config.service_down_time) else "down")

    @UpdateService.handler
    async def update_service(self, msg: UpdateService) -> Service:
        row = self.store.services.get((msg.binary, msg.host))
        if row is None:
            raise ServiceNotFound(f"there is no {msg.binary} on {msg.host}")
        changed = attrs.evolve(row, status=msg.status, disabled_reason=msg.disabled_reason)
        self.store.services[msg.binary, msg.host] = changed
        return self._shown(changed)
