"""cinder-volume: hosts are let at volumes, and kept from them (cinder's `volume/manager.py`)."""

from actors.cinder.errors import VolumeAttachmentNotFound
from actors.cinder.models import ConnectionInfo
from actors.cinder.notifications import VolumeAttachStarted, VolumeDetachStarted
from actors.cinder.rpc import ConnectAttachment, DisconnectAttachment
from actors.cinder.service.backend import BackendPart
from actors.ids import AttachmentId


class Connections(BackendPart):
    """The handlers that connect and disconnect."""

    @ConnectAttachment.handler
    async def connect_attachment(self, msg: ConnectAttachment) -> ConnectionInfo:
        attachment = self.store.attachments.get(msg.attachment_id)
        volume = None if attachment is None else self.store.volumes.get(attachment.volume_id)
        if attachment is None or volume is None:
            raise _gone(msg.attachment_id)
        await self.notify(VolumeAttachStarted, volume)
        mode = attachment.attach_mode if attachment.attach_mode != "null" else msg.connector.mode or "rw"
        info = await self.array.initialize_connection(volume.id, attachment.id, msg.connector, mode)
        now = self.now
        connected = self.store.attachments.update(
            attachment.id, status="attaching", connector=msg.connector, attached_host=msg.connector.host,
            mountpoint=msg.connector.mountpoint or "na", attach_mode=mode, attached_at=now, updated_at=now,
        )  # fmt: skip
        if connected is None:  # deleted meanwhile: nobody may keep what nobody knows of
            await self.array.terminate_connection(attachment.id)
            raise _gone(attachment.id)
        self.store.show_attached(volume.id, "attaching", "attaching", now)
        return info

    @DisconnectAttachment.handler
    async def disconnect_attachment(self, msg: DisconnectAttachment) -> None:
        attachment = self.store.attachments.get(msg.attachment_id)
        volume = None if attachment is None else self.store.volumes.get(attachment.volume_id)
        if attachment is None or volume is None:
            raise _gone(msg.attachment_id)
        await self.notify(VolumeDetachStarted, volume)
        if attachment.connector is not None:
            await self.array.terminate_connection(attachment.id)


def _gone(id: AttachmentId) -> VolumeAttachmentNotFound:
    return VolumeAttachmentNotFound(f"attachment {id} could not be found")
