"""S17 and S21: volumes and who uses them, images and their bytes."""

from typing import Any, ClassVar

from actors.cinder.messages import DeleteAttachment, UpdateAttachment
from actors.cinder.models import Attachment, Volume
from actors.errors import NotFound
from actors.glance.messages import DownloadImage, UploadImage
from actors.glance.states import ImageStatus
from actors.ids import AttachmentId, ImageId
from actors.nova.states import TaskState, VmState
from actors.testing.invariants.base import Invariant
from actors.testing.invariants.hearing import Answer

FAILED = "error_attaching"


class Storage(Invariant):
    """S17."""

    name: ClassVar[str] = "S17"
    title: ClassVar[str] = "storage bijection"
    statement: ClassVar[str] = (
        "A volume is attached to one server at most, unless it may be to several; it is available if it has no attachment; at rest "
        "Nova's disks and Cinder's attachments are the same, a server that has not failed has one for each of its volumes, and no host "
        "reaches a volume without one; a host that connects a disk finds its attachment, unless its user deletes it, or the server. A "
        "server that could not be built may name attachments that are gone (nova's `_cleanup_volumes` lets the disks be)."
    )
    matters: ClassVar[str] = (
        "Two guests write to one disk; a volume can never be attached again; or a customer reads what was another's."
    )

    def observe(self) -> None:
        self.watch.hear_table(self.stores.cinder.attachments, "_rows", self._attachment_changed)
        self.watch.hear_table(self.stores.cinder.volumes, "_rows", self._volume_changed)
        self._unwanted: set[AttachmentId] = set()  # deleted by people
        self.watch.hear_answers(self._connected, UpdateAttachment)
        self.watch.hear_answers(self._deleted, DeleteAttachment)

    def _attachment_changed(self, key: AttachmentId, _: Attachment | None, new: Attachment | None) -> None:
        if new is None:
            return
        volume = self.stores.cinder.volumes.get(new.volume_id)
        if volume is None or volume.multiattach:
            return
        there = [*self._attachments_of(volume), new]
        servers = {one.instance for one in there if one.status != FAILED and one.instance is not None}
        self.demand(
            len(servers) <= 1,
            f"volume {volume.name or volume.id} is attached to servers {' and '.join(sorted(servers))}",
        )

    def _volume_changed(self, key: Any, _: Volume | None, new: Volume | None) -> None:
        if new is not None and new.status == "available":
            there = [one for one in self._attachments_of(new) if one.status != FAILED]
            self.demand(not there, f"volume {new.name or key} is available, and has {len(there)} attachments")

    def _deleted(self, answer: Answer) -> None:
        if not answer.sender and answer.error is None:
            self._unwanted.add(answer.message.attachment_id)

    def _connected(self, answer: Answer) -> None:
        nova, key = self.stores.nova, answer.message.attachment_id
        if not isinstance(answer.error, NotFound) or key in self._unwanted or self.watch.delayed or self.watch.excused:
            return
        for uuid, disks in nova.block_devices.items():
            row = nova.instances.get(uuid)
            if row is not None and row.task_state is not TaskState.DELETING:
                self.demand(
                    all(disk.attachment_id != key for disk in disks),
                    f"{answer.sender} was told that there is no attachment {key}, which a disk of server {uuid} names",
                )

    def _attachments_of(self, volume: Volume) -> list[Attachment]:
        return self.stores.cinder.attachments.where("volume", volume.id)

    def at_rest(self) -> None:
        if not self.watch.excused:
            self._compare_with_nova()
            self._look_at_volumes()

    def _look_at_volumes(self) -> None:
        cinder = self.stores.cinder
        for volume in cinder.volumes:
            used = any(one.status != FAILED for one in self._attachments_of(volume))
            if used:
                self.demand(
                    volume.status in IN_USE,
                    f"volume {volume.name or volume.id} is {volume.status}, and has an attachment",
                )
            self.demand(
                used or volume.status not in IN_USE,
                f"volume {volume.name or volume.id} is {volume.status}, and has no attachment",
            )
        for name, array in self.stores.arrays.items():
            for key, (volume_id, host) in array.connections.items():
                self.demand(
                    cinder.attachments.get(key) is not None,
                    f"{host} reaches volume {volume_id} on {name} without attachment",
                )

    def _compare_with_nova(self) -> None:
        cinder, nova = self.stores.cinder, self.stores.nova
        disks = {
            disk.attachment_id: uuid
            for uuid, all_ in nova.block_devices.items()
            for disk in all_
            if disk.attachment_id is not None
        }
        for uuid, all_ in nova.block_devices.items():
            row = nova.instances.get(uuid)
            if row is not None and row.vm_state not in (VmState.BUILDING, VmState.ERROR):
                for disk in all_:
                    self.demand(
                        not disk.is_volume or disk.attachment_id is not None,
                        f"server {uuid} has volume {disk.volume_id} as a disk, without attachment",
                    )
        requested = {
            disk.attachment_id
            for request in nova.build_requests.values()
            for disk in request.block_devices
            if disk.attachment_id is not None
        }
        for key, uuid in disks.items():
            attachment, row = cinder.attachments.get(key), nova.instances.get(uuid)
            if attachment is None and row is not None and row.vm_state is VmState.ERROR and row.host is None:
                continue
            self.demand(
                attachment is not None and attachment.instance == uuid,
                f"server {uuid} has a disk with the attachment {key}, which Cinder does not know",
            )
        for attachment in cinder.attachments:
            if attachment.instance is not None and attachment.id not in requested:
                self.demand(
                    attachment.id in disks,
                    f"volume {attachment.volume_id} has an attachment ({attachment.status}) of server {attachment.instance} "
                    "that is no disk of it",
                )


IN_USE = ("reserved", "attaching", "in-use", "detaching")
"""Statuses of volumes that have attachments."""


class Images(Invariant):
    """S21."""

    name: ClassVar[str] = "S21"
    title: ClassVar[str] = "image integrity"
    statement: ClassVar[str] = (
        "An image that is active has all its bytes; at rest there are no bytes but those of images that are there."
    )
    matters: ClassVar[str] = "A server boots from half an image; or storage fills with what nobody can see."

    def observe(self) -> None:
        self.watch.hear_answers(self._answered, UploadImage, DownloadImage)

    def _answered(self, answer: Answer) -> None:
        if answer.error is None:
            self._look_at(answer.message.image_id)

    def _look_at(self, key: ImageId) -> None:
        image, blob = self.stores.glance.images.get(key), self.stores.glance.blobs.get(key)
        if image is not None and image.status is ImageStatus.ACTIVE:
            whole = blob is not None and blob.complete and blob.data.size == image.size
            self.demand(whole, f"image {image.name or key} is active without all its bytes")

    def at_rest(self) -> None:
        glance = self.stores.glance
        for key in glance.images:
            self._look_at(key)
        for key, blob in glance.blobs.items():
            image = glance.images.get(key)
            kept = (image is not None and image.status not in NO_BYTES) or key in glance.pending
            status = "gone" if image is None else image.status.value
            self.demand(kept, f"{blob.data.size} bytes of image {key} are stored, which is {status}")


NO_BYTES = (ImageStatus.QUEUED, ImageStatus.KILLED, ImageStatus.DELETED)

STORAGE = (Storage, Images)
