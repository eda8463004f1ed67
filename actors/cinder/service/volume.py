"""cinder-volume, one for each backend."""

from typing import ClassVar

from actors.cinder.models import SnapshotId
from actors.cinder.rpc import VOLUME
from actors.cinder.service.connections import Connections
from actors.cinder.service.creation import Creation
from actors.cinder.service.removal import Removal
from actors.cinder.states import AFTER_CRASH, SNAPSHOT_AFTER_CRASH, Move
from actors.ids import VolumeId


class CinderVolume(Creation, Removal, Connections):
    """Looks after one storage array. Start it under the server name ``host@backend``.

    What it keeps in memory: locks, and how much it has allocated. For its arguments see `BackendPart`.
    """

    topic: ClassVar[str] = VOLUME

    async def started(self) -> None:
        """What cinder's `init_host` does.

        It counts what is allocated, drops connections that no attachment stands for, and sees to what it was working on:
        volumes and snapshots that it was making go to error, and it goes on with deletions. Attachments stay as they are:
        those who asked for them find out by their deadlines.
        """
        self.allocated = sum(volume.size for volume in self.store.volumes.where("host", self.pool))
        for attachment_id in [one for one in self.array.connections if self.store.attachments.get(one) is None]:
            await self.array.terminate_connection(attachment_id)
        await super().started()
        self.start_soon(self.publish_for_ever)

    async def clean_up(self, id: str, status: str) -> None:
        if self.store.snapshots.get(SnapshotId(id)) is not None:
            move = Move((status,), SNAPSHOT_AFTER_CRASH[status])
            self.store.snapshots.swap(SnapshotId(id), move, updated_at=self.now)
        elif (volume := self.store.volumes.get(VolumeId(id))) is not None and volume.status == status:
            if AFTER_CRASH[status] == status:
                await self.delete_volume(volume.id, cascade=True)
                return
            self.store.volumes.update(volume.id, status=AFTER_CRASH[status], updated_at=self.now)
        self.store.release(id, self.service_id)
