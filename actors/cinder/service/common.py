"""What the parts of cinder-api share: who may see what."""

from typing import ClassVar

import attrs

from actors.cinder.config import CinderConfig
from actors.cinder.errors import SnapshotNotFound, VolumeAttachmentNotFound, VolumeNotFound
from actors.cinder.models import Attachment, Snapshot, SnapshotId, Volume
from actors.cinder.neighbours import Glance, Servers
from actors.cinder.service.base import CinderService
from actors.cinder.store import CinderStore
from actors.context import RequestContext
from actors.ids import AttachmentId, Ids, ProjectId, VolumeId
from actors.service import Gate, request_context


class ApiPart(CinderService):
    """Base of the parts.

    Args:
        store: the database.
        config: the options.
        ids: makes the ids of volumes, snapshots and attachments.
        gate: checks tokens.
        glance: how to ask Glance.
        servers: Nova; None if there is none, and then only services may delete an attachment that is connected.
    """

    binary: ClassVar[str] = "cinder-api"

    def __init__(
        self, *, store: CinderStore, config: CinderConfig, ids: Ids, gate: Gate, glance: Glance | None = None,
        servers: Servers | None = None,
    ) -> None:  # fmt: skip
        super().__init__(store=store, config=config)
        self.ids = ids
        self.gate = gate
        self.glance = glance or Glance()
        self.servers = servers

    def project(self, all_tenants: bool, project_id: ProjectId | None) -> ProjectId | None:  # noqa: FBT001 (fields of a message)
        """Whose rows a list is about; None for everybody's, which only administrators see."""
        context = request_context()
        return project_id if all_tenants and context.is_admin else _project(context)

    def volume(self, id: VolumeId) -> Volume:
        """A volume that the caller may see.

        Raises:
            VolumeNotFound: if there is none.
        """
        found = self.store.volumes.get(id)
        if found is None or not _owns(found.project_id):
            raise VolumeNotFound(f"volume {id} could not be found")
        return found

    def snapshot(self, id: SnapshotId) -> Snapshot:
        """A snapshot that the caller may see.

        Raises:
            SnapshotNotFound: if there is none.
        """
        found = self.store.snapshots.get(id)
        if found is None or not _owns(found.project_id):
            raise SnapshotNotFound(f"snapshot {id} could not be found")
        return found

    def attachment(self, id: AttachmentId) -> Attachment:
        """An attachment that the caller may see.

        Raises:
            VolumeAttachmentNotFound: if there is none.
        """
        found = self.store.attachments.get(id)
        if found is None or not _owns(found.project_id):
            raise VolumeAttachmentNotFound(f"attachment {id} could not be found")
        return found

    def view(self, volume: Volume) -> Volume:
        """What the caller sees of *volume*: its attachments, and only administrators its backend (`api/v3/views/volumes.py`)."""
        attached = [one for one in self.store.attachments.where("volume", volume.id) if one.status == "attached"]
        return attrs.evolve(
            volume,
            attachments=tuple(self.view_attachment(one) for one in attached),
            host=volume.host if request_context().is_admin else None,
        )

    def view_attachment(self, attachment: Attachment) -> Attachment:
        """What the caller sees of *attachment*: only administrators and services see the host."""
        context = request_context()
        if context.is_admin or "service" in context.roles:
            return attachment
        return attrs.evolve(attachment, attached_host=None)


def _project(context: RequestContext) -> ProjectId:
    return context.project_id or ProjectId("")


def _owns(project_id: ProjectId) -> bool:
    context = request_context()
    return context.is_admin or context.project_id == project_id


def given(**fields: object) -> dict[str, object]:
    """Those of *fields* that are not None: what an update changes."""
    return {name: value for name, value in fields.items() if value is not None}
