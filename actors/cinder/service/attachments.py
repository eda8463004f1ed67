"""cinder-api: attachments (cinder's `volume/api.py` and `api/v3/attachments.py`).

Who may use a volume is decided by one conditional update of its status, in `_reserve`; all else follows from it.
"""

from collections.abc import Coroutine
from typing import Any, TypeVar

import attrs

from actors.cinder.errors import (
    ConflictNovaUsingAttachment,
    InvalidInput,
    InvalidVolume,
    ResourceConflict,
    VolumeAttachmentNotFound,
)
from actors.cinder.listing import matches, ordered, page
from actors.cinder.messages import (
    CompleteAttachment,
    CreateAttachment,
    DeleteAttachment,
    ForceDetachVolume,
    ListAttachments,
    ResetVolumeStatus,
    ShowAttachment,
    UpdateAttachment,
)
from actors.cinder.models import Attachment, Connector, Volume
from actors.cinder.notifications import (
    VolumeAttached,
    VolumeDetached,
    VolumeDetachStarted,
    VolumeStatusReset,
    VolumeStatusResetStarted,
)
from actors.cinder.rpc import VOLUME, ConnectAttachment, DisconnectAttachment
from actors.cinder.service.common import ApiPart, given
from actors.cinder.service.volumes import backend_of
from actors.cinder.states import RESERVE, RESERVE_MULTIATTACH, RESERVED_BY_ITS_SERVER, VOLUME_STATUSES
from actors.errors import InternalError, Trouble
from actors.ids import AttachmentId, ServerId
from actors.locks import Locks
from actors.service import request_context
from bus.errors import BusError
from bus.topic import Target

R = TypeVar("R")

SORT_KEYS = tuple(attrs.fields_dict(Attachment))
ATTACH_STATUSES = ("detached", "reserved", "attaching", "attached", "detaching")


class Attachments(ApiPart):
    """The handlers for attachments, and the administrators' ways out."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._locks = Locks()

    @CreateAttachment.handler
    async def create_attachment(self, msg: CreateAttachment) -> Attachment:
        volume = self.volume(msg.volume_id)
        if "error" in volume.status:
            raise InvalidVolume(f"volume {volume.id} is in {volume.status}: it cannot be attached")
        attachment = self._reserve(volume, msg.instance, msg.mode or "null")
        if msg.connector is not None:
            attachment = await self._connect(attachment, msg.connector)
        return self.view_attachment(attachment)

    def _reserve(self, volume: Volume, instance: ServerId | None, mode: str) -> Attachment:
        """Compare and swap (LP 1238093): of two that want a volume, one gets it."""
        move, now = RESERVE_MULTIATTACH if volume.multiattach else RESERVE, self.now
        if self.store.volumes.swap(volume.id, move, updated_at=now) is None and not self._has(volume, instance):
            raise InvalidVolume(f"volume {volume.id} is {volume.status}: it must be {move} to be reserved")
        return self.store.attachments.put(
            Attachment(
                id=AttachmentId(self.ids.uuid()), volume_id=volume.id, instance=instance, attach_mode=mode,
                project_id=volume.project_id, created_at=now,
            )
        )  # fmt: skip

    def _has(self, volume: Volume, instance: ServerId | None) -> bool:
        """Whether the server has the volume already, and may reserve it again to be migrated (LP 1694530)."""
        attachments = self.store.attachments.where("volume", volume.id)
        return (
            instance is not None
            and volume.status in RESERVED_BY_ITS_SERVER
            and any(one.instance == instance for one in attachments)
        )

    async def _connect(self, attachment: Attachment, connector: Connector) -> Attachment:
        volume = self.volume(attachment.volume_id)
        request = ConnectAttachment(attachment_id=attachment.id, connector=connector)
        info = await self._of_backend(volume, self._ask(volume, request))
        connected = self.store.attachments.update(attachment.id, connection_info=info, updated_at=self.now)
        if connected is None:
            raise VolumeAttachmentNotFound(f"attachment {attachment.id} was deleted while it was being connected")
        return connected

    def _ask(self, volume: Volume, request: Any) -> Coroutine[Any, Any, Any]:
        to = Target(VOLUME, server=backend_of(volume.host or ""))
        return self.bus.ask(request, to=to, timeout=self.config.rpc_response_timeout, context=request_context())

    async def _of_backend(self, volume: Volume, answer: Coroutine[Any, Any, R]) -> R:
        """What the backend answers; that it fails, or does not answer in time, is a 500."""
        try:
            return await answer
        except (BusError, Trouble) as error:
            raise InternalError(f"backend {volume.host} of volume {volume.id} failed, or is silent: {error}") from error

    @ShowAttachment.handler
    async def show_attachment(self, msg: ShowAttachment) -> Attachment:
        return self.view_attachment(self.attachment(msg.attachment_id))

    @ListAttachments.handler
    async def list_attachments(self, msg: ListAttachments) -> tuple[Attachment, ...]:
        project, attachments = self.project(msg.all_tenants, msg.project_id), self.store.attachments
        rows = attachments if project is None else attachments.where("project", project)
        filters = {"volume_id": msg.volume_id, "instance": msg.instance, "status": msg.status}
        found = ordered((row for row in rows if matches(row, filters)), msg.sort, SORT_KEYS)
        shown = page(found, marker=msg.marker, offset=msg.offset, limit=msg.limit, most=self.config.osapi_max_limit)
        return tuple(self.view_attachment(one) for one in shown)

    @UpdateAttachment.handler
    async def update_attachment(self, msg: UpdateAttachment) -> Attachment:
        async with self._locks.hold(f"{self.attachment(msg.attachment_id).volume_id}-{msg.connector.host}"):
            attachment = self.attachment(msg.attachment_id)
            volume = self.volume(attachment.volume_id)
            if "error" in volume.status:
                raise ResourceConflict(f"volume {volume.id} is in {volume.status}: it cannot be attached")
            others = self.store.attachments.where("volume", volume.id)
            if len(others) > 1 and not volume.multiattach and any(one.connection_info for one in others):
                raise ResourceConflict(f"volume {volume.id} is connected by another attachment already")
            return self.view_attachment(await self._connect(attachment, msg.connector))

    @CompleteAttachment.handler
    async def complete_attachment(self, msg: CompleteAttachment) -> None:
        attachment, now = self.attachment(msg.attachment_id), self.now
        self.store.attachments.update(attachment.id, status="attached", updated_at=now)
        volume = self.store.show_attached(attachment.volume_id, "in-use", "attached", now)
        if volume is not None:
            await self.notify(VolumeAttached, volume)

    @DeleteAttachment.handler
    async def delete_attachment(self, msg: DeleteAttachment) -> tuple[Attachment, ...]:
        attachment = self.attachment(msg.attachment_id)
        await self._check_deletion(attachment)
        await self._detach(self.attachment(attachment.id))
        left = self.store.attachments.where("volume", attachment.volume_id)
        return tuple(self.view_attachment(one) for one in left)

    async def _check_deletion(self, attachment: Attachment) -> None:
        """A server's connection is Nova's to end: a leftover device would show it another project's data (CVE-2023-2088).

        As cinder's `attachment_deletion_allowed`: services may, and anybody if no server has it, if no host has been let at it,
        or if Nova knows nothing of it. Cinder itself looks for the connection information, which the API notes only when the
        backend has answered: the host is let at the volume before (see the race `half-connected-attachment`).
        """
        context, server = request_context(), attachment.instance
        if any(role in self.config.service_token_roles for role in context.service_roles):
            return
        if server is None or attachment.connector is None:
            return
        if self.servers is not None:
            known = await self.servers.volume_attachment(self.bus, server, attachment.volume_id, context)
            if known != attachment.id:
                return
        raise ConflictNovaUsingAttachment(
            f"server {server} uses attachment {attachment.id}: detach the volume with the Compute API "
            f"(nova must send a service token: [service_user] send_service_user_token)"
        )

    async def _detach(self, attachment: Attachment) -> None:
        volume = self.store.volumes.get(attachment.volume_id)
        assert volume is not None, "attachments go with their volume"
        if attachment.status == "reserved":  # no backend knows of it
            gone = self.store.drop_attachment(attachment, self.now)
            await self.notify(VolumeDetachStarted, volume)
        else:
            request = DisconnectAttachment(attachment_id=attachment.id)
            await self._of_backend(volume, self._ask(volume, request))
            gone = self.store.drop_attachment(attachment, self.now)
        if gone is not None:
            await self.notify(VolumeDetached, gone)

    # -- for administrators --------------------------------------------------------------------------------------------

    @ForceDetachVolume.handler
    async def force_detach(self, msg: ForceDetachVolume) -> None:
        volume = self.volume(msg.volume_id)
        found = self.store.attachments.where("volume", volume.id)
        if msg.attachment_id is not None:
            found = [one for one in found if one.id == msg.attachment_id]
        if len(found) != 1:
            which = msg.attachment_id or "without an attachment_id"
            raise InvalidVolume(f"volume {volume.id} has {len(found)} attachments {which}: name one of its own")
        await self._check_deletion(found[0])
        await self._detach(self.attachment(found[0].id))

    @ResetVolumeStatus.handler
    async def reset_volume_status(self, msg: ResetVolumeStatus) -> None:
        volume, now = self.volume(msg.volume_id), self.now
        attachments = self.store.attachments.where("volume", volume.id)
        if msg.status is not None and (msg.status not in VOLUME_STATUSES or msg.status == "deleting"):
            raise InvalidInput(
                f"status={msg.status!r} cannot be set: it must be one of {', '.join(VOLUME_STATUSES)}, not deleting"
            )
        if msg.attach_status not in {None, *ATTACH_STATUSES}:
            raise InvalidInput(f"attach_status={msg.attach_status!r} is none of {', '.join(ATTACH_STATUSES)}")
        if msg.status == "in-use" and not attachments:
            raise InvalidInput(f"status='in-use' cannot be set: volume {volume.id} has no attachments")
        changes: dict[str, Any] = given(status=msg.status, attach_status=msg.attach_status)
        reset = self.store.volumes.put(attrs.evolve(volume, updated_at=now, **changes))
        self.store.workers.pop(volume.id, None)
        for attachment in attachments if msg.attach_status == "detached" else ():
            reset = self.store.drop_attachment(attachment, now) or reset
        await self.notify(VolumeStatusResetStarted, volume)
        await self.notify(VolumeStatusReset, reset)
