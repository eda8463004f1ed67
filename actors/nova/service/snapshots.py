"""Copying a server's disk into an image (nova's `compute/manager.py: snapshot_instance`)."""

from actors.context import RequestContext
from actors.errors import CloudError, NotFound
from actors.glance.messages import DeleteImage, UploadImage
from actors.glance.models import ImageData
from actors.hypervisor.messages import SnapshotGuest
from actors.nova.rpc import MONITOR, SnapshotInstance
from actors.nova.service.deletion import Deletion
from actors.nova.states import TaskState
from actors.service import request_context
from bus.errors import BusError


class Snapshots(Deletion):
    """Takes snapshots."""

    @SnapshotInstance.handler
    async def snapshot_instance(self, msg: SnapshotInstance) -> None:
        """Begin, and return."""
        self.work(self._locked_snapshot, msg, request_context())

    async def _locked_snapshot(self, msg: SnapshotInstance, context: RequestContext) -> None:
        async with self.snapshots, self.reverting(msg.server, context):
            try:
                await self._snapshot(msg, context)
            except (CloudError, BusError):
                await self._delete_image(msg, context)
                raise

    async def _snapshot(self, msg: SnapshotInstance, context: RequestContext) -> None:
        """Copy the disk, then upload the copy with the user's token, however old it is by then."""
        steps = TaskState.IMAGE_SNAPSHOT_PENDING, TaskState.IMAGE_SNAPSHOT, TaskState.IMAGE_PENDING_UPLOAD
        pending, copying, copied = steps
        instance = await self.save(msg.server, expected_task_state=(pending,), task_state=copying)
        await self.notify("snapshot.start", instance)
        size = await self.driver(SnapshotGuest(server=msg.server), context)
        await self.save(msg.server, expected_task_state=(copying,), task_state=copied)
        await self.save(msg.server, expected_task_state=(copied,), task_state=TaskState.IMAGE_UPLOADING)
        data = ImageData(size=size, content=f"{msg.server}@{self.now}".encode())
        await self.calls.as_user(UploadImage(image_id=msg.image, data=data), context, monitor=MONITOR)
        instance = await self.save(msg.server, expected_task_state=(TaskState.IMAGE_UPLOADING,), task_state=None)
        await self.notify("snapshot.end", instance)

    async def _delete_image(self, msg: SnapshotInstance, context: RequestContext) -> None:
        """Delete the image that will never be active, with the same token (`delete_image_on_error`)."""
        try:
            await self.calls.as_user(DeleteImage(image_id=msg.image), context)
        except NotFound:
            self.log.info("the image had gone", image=msg.image)
        except (CloudError, BusError) as error:
            self.log.warning("the image stays behind", image=msg.image, error=repr(error))
