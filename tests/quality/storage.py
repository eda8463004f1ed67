"""Mistakes in volumes and in moves to another host."""

import attrs

from actors.cinder.rpc import DisconnectAttachment
from actors.cinder.service.attachments import Attachments
from actors.cinder.store import CinderStore
from actors.errors import CloudError
from actors.nova.service import live_migration, migration_tasks, volumes
from actors.nova.service.base import NovaService
from actors.nova.service.conductor import NovaConductor
from actors.nova.service.live_migration import Migrations
from actors.nova.service.moves import set_migration
from actors.nova.store import NovaStore
from actors.testing.workloads import Attach, Boot, Delete, Detach, MakeVolume, Migrate, RemoveVolume
from tests.quality.mistakes import BOOT, ONE_HOST, WITH_VOLUMES, Mistake, left_out

VOLUME = MakeVolume(volume="v")
ON_VOLUME = Boot(server="a", volume=True)
ATTACHED = (BOOT, VOLUME, Attach(at=5, server="a", volume="v"))
MOVE = Migrate(at=15, server="a", ready=True)


def kept_quota(_):
    def drop_volume(self, volume, now):
        self.volumes.pop(volume.id)
        self.workers.pop(volume.id, None)

    return drop_volume


def row_first(_):
    async def detach(self, attachment):
        volume = self.store.volumes.get(attachment.volume_id)
        self.store.drop_attachment(attachment, self.now)
        try:
            await self._of_backend(volume, self._ask(volume, DisconnectAttachment(attachment_id=attachment.id)))
        except CloudError:
            self.log.info("no attachment to disconnect")

    return detach


def no_old_attachments(right):
    async def post(self, instance, msg, context):
        set_migration(self, msg.migration, old_attachments=())
        await right(self, instance, msg, context)

    return post


def no_ports(right):
    async def method(self, instance, *args):
        await right(self, attrs.evolve(instance, info_cache=()), *args)

    return method


def but_for_migrations(right):
    async def delete_allocation(self, uuid):
        if uuid not in self.store.migrations:
            await right(self, uuid)

    return delete_allocation


FOUND = (
    Mistake(
        "volume-quota-kept", "the quota of a deleted volume is given back",
        CinderStore, "drop_volume", kept_quota, (VOLUME, RemoveVolume(at=5, volume="v")), ("S14",), WITH_VOLUMES,
    ),
    Mistake(
        "attachment-stays", "a volume is given up when its server is deleted",
        volumes, "delete_attachments", left_out, (*ATTACHED, Delete(at=20, server="a")), ("L2", "S17"), WITH_VOLUMES,
    ),
    Mistake(
        "failed-attachment-stays", "a volume is given up that could not be attached",
        volumes, "disconnect", left_out, ATTACHED, ("L1", "L2", "S17"), WITH_VOLUMES, refused={"AttachDisk": (1,)},
    ),
    Mistake(
        "failed-disk-stays", "a disk is forgotten whose volume could not be attached",
        NovaStore, "remove_block_device", left_out, ATTACHED, ("S17",), WITH_VOLUMES, refused={"AttachDisk": (1,)},
    ),
    Mistake(
        "row-before-connection", "an attachment's connection ends before its row is deleted",
        Attachments, "_detach", row_first, (*ATTACHED, Detach(at=10, server="a", volume="v")), ("L2", "S17"), WITH_VOLUMES,
    ),
    Mistake(
        "old-attachments-stay", "attachments of the host that a server has left are deleted",
        Migrations, "_post_live_migration", no_old_attachments, (ON_VOLUME, MOVE), ("L2", "S17"), WITH_VOLUMES,
    ),
    Mistake(
        "new-attachments-stay", "attachments of a host that a server does not move to after all are deleted",
        Migrations, "_restore_attachments", left_out, (ON_VOLUME, MOVE), ("L2", "S17"), WITH_VOLUMES,
        refused={"MigrateGuest": (1,)},
    ),
    Mistake(
        "binding-stays", "port bindings to a host that a server does not move to after all are deleted",
        Migrations, "_rollback", no_ports, (BOOT, MOVE), ("L2",), refused={"MigrateGuest": (1,)},
    ),
    Mistake(
        "interfaces-stay-behind", "bindings are activated, and interfaces unplugged, when a server has moved",
        Migrations, "_post_live_migration", no_ports, (BOOT, MOVE), ("L2", "S20"),
    ),
    Mistake(
        "prepared-guest-stays", "what the new host has prepared is taken down when the move fails",
        Migrations, "_rollback_at_destination", left_out, (BOOT, MOVE), ("L2",), refused={"MigrateGuest": (1,)},
    ),
    Mistake(
        "allocation-not-moved", "the migration holds the old host's room while a server moves",
        migration_tasks, "move_allocation", left_out, (BOOT, MOVE), ("S11",), refused={"MigrateGuest": (1,)},
    ),
    Mistake(
        "allocation-not-reverted", "a server has its old room back when its move fails",
        live_migration, "revert_allocation", left_out, (BOOT, MOVE), ("S11", "L3"), refused={"MigrateGuest": (1,)},
    ),
    Mistake(
        "allocation-not-reverted-at-once", "a server has its old room back when there is no host to move it to",
        migration_tasks, "revert_allocation", left_out, (BOOT, MOVE), ("S11", "L3"), ONE_HOST,
    ),
    Mistake(
        "old-room-kept", "the old host's room is given back when a server has moved",
        NovaService, "delete_allocation", but_for_migrations, (BOOT, MOVE), ("L3",),
    ),
    Mistake(
        "move-fails-silently", "a server is free again that no host can have",
        NovaConductor, "_failed", left_out, (BOOT, MOVE), ("L1",), ONE_HOST,
    ),
    Mistake(
        "unreserved-disk-stays", "a disk is forgotten whose volume could not be reserved",
        NovaStore, "remove_block_device", left_out, ATTACHED, ("S17",), WITH_VOLUMES, refused={"CreateAttachment": (1,)},
    ),
    Mistake(
        "volume-outlives-its-server", "volumes that go with a server are deleted",
        volumes, "delete_volumes", left_out, (ON_VOLUME, Delete(at=20, server="a")), ("L2",), WITH_VOLUMES,
    ),
    Mistake(
        "volume-not-waited-for", "a build waits until its volume has been made", volumes, "STILL_COMING", lambda _: (), (ON_VOLUME,),
        ("L1",), WITH_VOLUMES,
    ),
)  # fmt: skip
