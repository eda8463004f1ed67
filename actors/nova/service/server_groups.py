"""nova-api: server groups."""

from typing import Final

from actors.ids import ProjectId
from actors.nova.errors import InstanceGroupNotFound, InvalidInput, OverQuota
from actors.nova.messages.server_groups import CreateServerGroup, DeleteServerGroup, ListServerGroups, ShowServerGroup
from actors.nova.models import ServerGroup
from actors.nova.quotas import UNLIMITED
from actors.nova.service.part import NovaPart
from actors.service import request_context

POLICIES: Final = ("anti-affinity", "affinity", "soft-anti-affinity", "soft-affinity")


class ServerGroups(NovaPart):
    """The handlers."""

    @CreateServerGroup.handler
    async def create_server_group(self, msg: CreateServerGroup) -> ServerGroup:
        context = request_context()
        project_id = context.project_id or ProjectId("")
        limit = self.store.quota(project_id, self.config.quota).server_groups
        if limit != UNLIMITED and self.store.count_server_groups(project_id) >= limit:
            raise OverQuota(f"Quota exceeded, too many server groups: {limit} are allowed, delete one.")
        most = msg.max_server_per_host
        if msg.group_policy not in POLICIES:
            raise InvalidInput(f"Invalid input received: policy {msg.group_policy!r} is none of {', '.join(POLICIES)}")
        if most is not None and msg.group_policy != "anti-affinity":
            raise InvalidInput("Only anti-affinity policy supports rules.")
        if most is not None and most < 1:
            raise InvalidInput(f"Invalid input received: max_server_per_host must be >= 1, not {most}")
        made = ServerGroup(
            id=self.ids.uuid(), name=msg.name, project_id=project_id, user_id=context.user_id, policy=msg.group_policy,
            max_server_per_host=1 if most is None else most,
        )  # fmt: skip
        self.store.server_groups[made.id] = made
        return made

    @ShowServerGroup.handler
    async def show_server_group(self, msg: ShowServerGroup) -> ServerGroup:
        return self.server_group(msg.server_group_id)

    @ListServerGroups.handler
    async def list_server_groups(self, msg: ListServerGroups) -> tuple[ServerGroup, ...]:
        context, limit = request_context(), msg.limit or self.config.max_limit
        if limit < 0 or msg.offset < 0:
            raise InvalidInput(f"Invalid input received: limit {limit} and offset {msg.offset} must be 0 or more")
        everybody = msg.all_projects and context.is_admin
        found = [one for one in self.store.server_groups.values() if everybody or one.project_id == context.project_id]
        return tuple(found[msg.offset : msg.offset + min(limit, self.config.max_limit)])

    @DeleteServerGroup.handler
    async def delete_server_group(self, msg: DeleteServerGroup) -> None:
        del self.store.server_groups[self.server_group(msg.server_group_id).id]

    def server_group(self, server_group_id: str) -> ServerGroup:
        """A server group that whoever asks may see.

        Raises:
            InstanceGroupNotFound: if there is none.
        """
        context, found = request_context(), self.store.server_groups.get(server_group_id)
        if found is None or not (context.is_admin or found.project_id == context.project_id):
            raise InstanceGroupNotFound(f"Instance group {server_group_id} could not be found.")
        return found
