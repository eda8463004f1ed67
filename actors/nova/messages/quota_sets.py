"""Quotas: how much a project may have. Keystone is not asked whether there is such a project."""

from typing import ClassVar

from actors.calls import ApiRequest, Policy, admin
from actors.ids import ProjectId
from actors.nova.messages import TOPIC
from actors.nova.models import QuotaSet, QuotaSetDetail
from bus.message import message


@message
class ShowQuotaSet(ApiRequest[QuotaSet]):
    """Show how much a project may have (`GET /os-quota-sets/{id}`). 403 for another project."""

    topic: ClassVar[str] = TOPIC
    project_id: ProjectId


@message
class ShowQuotaSetDetail(ApiRequest[QuotaSetDetail]):
    """Show how much a project may have, and has (`GET /os-quota-sets/{id}/detail`). 403 for another project."""

    topic: ClassVar[str] = TOPIC
    project_id: ProjectId


@message
class ShowDefaultQuotaSet(ApiRequest[QuotaSet]):
    """Show how much a project may have if nobody says otherwise (`GET /os-quota-sets/{id}/defaults`)."""

    topic: ClassVar[str] = TOPIC
    project_id: ProjectId


@message
class UpdateQuotaSet(ApiRequest[QuotaSet]):
    """Change how much a project may have; None keeps a limit, -1 removes it. For administrators.

    Raises: 400 for a limit below -1, or below what the project has.

    Attributes:
        project_id: the project.
        force: allow limits below what it has.
        instances: servers.
        cores: virtual processors of all of them.
        ram: MB of memory of all of them.
        metadata_items: pairs of metadata of one server.
        key_pairs: keypairs of one user.
        server_groups: groups.
        server_group_members: servers of one group and user.
    """

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    project_id: ProjectId
    force: bool = False
    instances: int | None = None
    cores: int | None = None
    ram: int | None = None
    metadata_items: int | None = None
    key_pairs: int | None = None
    server_groups: int | None = None
    server_group_members: int | None = None


@message
class DeleteQuotaSet(ApiRequest[None]):
    """Let a project have what is the default again. For administrators."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    project_id: ProjectId
