"""nova-api: quotas (nova's `DbQuotaDriver` in `quota.py`)."""

from typing import Final

import attrs

from actors.ids import ProjectId
from actors.nova.errors import ForbiddenHere, InvalidInput
from actors.nova.messages.quota_sets import (
    DeleteQuotaSet,
    ShowDefaultQuotaSet,
    ShowQuotaSet,
    ShowQuotaSetDetail,
    UpdateQuotaSet,
)
from actors.nova.models import QuotaDetail, QuotaSet, QuotaSetDetail
from actors.nova.quotas import UNLIMITED
from actors.nova.service.part import NovaPart
from actors.service import request_context

RESOURCES: Final = tuple(field.name for field in attrs.fields(QuotaSet))


class QuotaSets(NovaPart):
    """The handlers."""

    @ShowQuotaSet.handler
    async def show_quota_set(self, msg: ShowQuotaSet) -> QuotaSet:
        _check_project(msg.project_id, "show")
        return self.store.quota(msg.project_id, self.config.quota)

    @ShowQuotaSetDetail.handler
    async def show_quota_set_detail(self, msg: ShowQuotaSetDetail) -> QuotaSetDetail:
        _check_project(msg.project_id, "detail")
        quota, used = self.store.quota(msg.project_id, self.config.quota), self._used(msg.project_id)
        details = {name: QuotaDetail(limit=getattr(quota, name), in_use=used.get(name, 0)) for name in RESOURCES}
        return QuotaSetDetail(**details)

    @ShowDefaultQuotaSet.handler
    async def show_default_quota_set(self, msg: ShowDefaultQuotaSet) -> QuotaSet:
        return self.config.quota

    @UpdateQuotaSet.handler
    async def update_quota_set(self, msg: UpdateQuotaSet) -> QuotaSet:
        limits = {name: limit for name in RESOURCES if (limit := getattr(msg, name)) is not None}
        used = self._used(msg.project_id)
        for name, limit in limits.items():
            if limit < UNLIMITED:
                raise InvalidInput(f"Invalid input received: {name} {limit} must be -1 (no limit) or more")
            if not msg.force and UNLIMITED < limit < used.get(name, 0):
                raise InvalidInput(
                    f"Quota limit {limit} for {name} must be greater than or equal to already used and reserved {used[name]}."
                )
        changed = attrs.evolve(self.store.quota(msg.project_id, self.config.quota), **limits)
        self.store.quotas[msg.project_id] = changed
        return changed

    @DeleteQuotaSet.handler
    async def delete_quota_set(self, msg: DeleteQuotaSet) -> None:
        self.store.quotas.pop(msg.project_id, None)

    def _used(self, project_id: ProjectId) -> dict[str, int]:
        """How much a project has of what is counted for it as a whole."""
        return attrs.asdict(self.store.usage(project_id)) | {
            "server_groups": self.store.count_server_groups(project_id)
        }


def _check_project(project_id: ProjectId, what: str) -> None:
    context = request_context()
    if not context.is_admin and context.project_id != project_id:
        raise ForbiddenHere(f"Policy doesn't allow os_compute_api:os-quota-sets:{what} to be performed.")
