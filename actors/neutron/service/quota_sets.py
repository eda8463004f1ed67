"""Quotas."""

from actors.ids import ProjectId
from actors.neutron import quotas
from actors.neutron.errors import PolicyNotAuthorized
from actors.neutron.messages import DeleteQuota, ShowDefaultQuota, ShowQuota, ShowQuotaDetails, UpdateQuota
from actors.neutron.models import Quota, QuotaDetails
from actors.neutron.service.base import NeutronPart
from actors.neutron.visibility import privileged
from actors.service import request_context


class QuotaSets(NeutronPart):
    """The calls about quotas."""

    @ShowQuota.handler
    async def show_quota(self, msg: ShowQuota) -> Quota:
        return quotas.quota(self.store, self.config, _own(msg.project_id))

    @ShowQuotaDetails.handler
    async def show_quota_details(self, msg: ShowQuotaDetails) -> QuotaDetails:
        return quotas.details(self.store, self.config, _own(msg.project_id), self.clock.time())

    @ShowDefaultQuota.handler
    async def show_default_quota(self, msg: ShowDefaultQuota) -> Quota:
        _own(msg.project_id)
        return quotas.default_quota(self.config)

    @UpdateQuota.handler
    async def update_quota(self, msg: UpdateQuota) -> Quota:
        limits = {name: limit for name in quotas.RESOURCES if (limit := getattr(msg, name)) is not None}
        quotas.set_limits(self.store, msg.project_id, limits)
        return quotas.quota(self.store, self.config, msg.project_id)

    @DeleteQuota.handler
    async def delete_quota(self, msg: DeleteQuota) -> None:
        self.store.limits.pop(msg.project_id, None)


def _own(project_id: ProjectId) -> ProjectId:
    context = request_context()
    if project_id != context.project_id and not privileged(context):
        raise PolicyNotAuthorized(
            f"policy does not allow the quota of project {project_id} to be shown: it is another's"
        )
    return project_id
