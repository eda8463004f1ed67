"""Server groups: servers that are to be together, or apart."""

from typing import ClassVar

from actors.calls import ApiRequest
from actors.nova.messages import TOPIC
from actors.nova.models import ServerGroup
from bus.message import message


@message
class CreateServerGroup(ApiRequest[ServerGroup]):
    """Create a server group (`POST /os-server-groups`).

    Raises: 400 for a policy that is none, or a rule that the policy does not have; 403 over quota.

    Attributes:
        name: need not be unique.
        group_policy: the `policy` of the API: ``affinity``, ``anti-affinity``, ``soft-affinity`` or ``soft-anti-affinity``.
        max_server_per_host: a rule of ``anti-affinity``: 1 or more; None for 1.
    """

    topic: ClassVar[str] = TOPIC
    name: str
    group_policy: str
    max_server_per_host: int | None = None


@message
class ShowServerGroup(ApiRequest[ServerGroup]):
    """Show a server group. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    server_group_id: str


@message
class ListServerGroups(ApiRequest[tuple[ServerGroup, ...]]):
    """List server groups, the oldest first. 400 for a limit or an offset below 0.

    Attributes:
        all_projects: of all projects, for administrators; others get their own project's all the same.
        limit: so many at most; None or 0 for `max_limit`.
        offset: leave out so many before.
    """

    topic: ClassVar[str] = TOPIC
    all_projects: bool = False
    limit: int | None = None
    offset: int = 0


@message
class DeleteServerGroup(ApiRequest[None]):
    """Delete a server group; its servers stay. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    server_group_id: str
