"""The hypervisor of one host as an actor.

Its store is the host's disk; its own attributes are the host's memory. So a crash of this actor is a crash of the host: guests
stay defined and are `SHUTDOWN` when it comes back, base images stay, locks and migrations are gone. A crash of nova-compute, which is
another actor, touches no guest.
"""

import anyio
import attrs

from actors.hypervisor.errors import (
    DeviceExists,
    DeviceNotFound,
    GuestNotFound,
    InvalidPowerState,
    MigrationFailed,
)
from actors.hypervisor.host import Host
from actors.hypervisor.messages import (
    AbortMigration,
    AttachDisk,
    AttachInterface,
    ChangePower,
    DestroyGuest,
    DetachDisk,
    DetachInterface,
    EndGuest,
    FinishMigration,
    ListGuests,
    MigrateGuest,
    PrepareMigration,
    ShowGuest,
    SnapshotGuest,
    SpawnGuest,
)
from actors.hypervisor.models import (
    Guest,
    PowerState,
)
from actors.hypervisor.states import MOVABLE, ON, after
from actors.service import request_context
from bus.errors import AskTimeout, BusError
from bus.topic import Target

GIB = 1 << 30


class HypervisorService(Host):
    """The hypervisor of the host that it is the server of. Start it with ``server=`` the host's name."""

    # -- guests --------------------------------------------------------------------------------------------------------

    @ListGuests.handler
    def list_guests(self, msg: ListGuests) -> tuple[Guest, ...]:
        return tuple(self._shown(server) for server in self._host.guests)

    @ShowGuest.handler
    def show_guest(self, msg: ShowGuest) -> Guest:
        return self._shown(msg.server)

    @SpawnGuest.handler
    async def spawn(self, msg: SpawnGuest) -> Guest:
        server = msg.definition.server
        self._check_new(msg.definition)
        self._define(msg.definition)
        self._set(server, PowerState.NOSTATE)
        await self._work(self._config.spawn_seconds)
        return self._settle(server, PowerState.NOSTATE, PowerState.PAUSED if msg.paused else PowerState.RUNNING)

    @DestroyGuest.handler
    async def destroy(self, msg: DestroyGuest) -> None:
        if msg.server in self._host.guests:
            self._set(msg.server, PowerState.SHUTDOWN)
            copying = self._migrating.get(msg.server)
            if copying is not None:
                copying.cancel()
            await self._work(self._config.destroy_seconds)
        self._forget(msg.server)

    @ChangePower.handler
    async def change_power(self, msg: ChangePower) -> Guest:
        before = self._shown(msg.server).power_state
        self._check_still(msg.server)
        then = after(msg.action, before)
        if then in ON and before not in ON:
            self._ledger.check_room(msg.server, self._host.guests[msg.server].resources)
            before = PowerState.NOSTATE
            self._set(msg.server, before)
        await self._work(self._config.seconds(msg.action))
        return self._settle(msg.server, before, then)

    @EndGuest.handler
    def end_guest(self, msg: EndGuest) -> None:
        state = self._shown(msg.server).power_state
        if state not in ON or msg.power_state not in {PowerState.SHUTDOWN, PowerState.CRASHED}:
            raise InvalidPowerState(
                f"a guest that is {state.name} cannot end as {msg.power_state.name}: it must be on, and end as SHUTDOWN or CRASHED"
            )
        self._set(msg.server, msg.power_state)

    @SnapshotGuest.handler
    async def snapshot(self, msg: SnapshotGuest) -> int:
        size = self._definition(msg.server).resources.local_gb
        await self._work(size * self._config.snapshot_seconds_per_gb)
        self._definition(msg.server)
        return size * GIB

    # -- devices -------------------------------------------------------------------------------------------------------

    @AttachDisk.handler
    async def attach_disk(self, msg: AttachDisk) -> Guest:
        await self._work(self._config.attach_seconds)
        guest = self._definition(msg.server)
        for one in guest.disks:
            if one.volume == msg.disk.volume or one.mountpoint == msg.disk.mountpoint:
                raise DeviceExists(f"guest {msg.server} has volume {one.volume} at {one.mountpoint} already")
        return self._define(attrs.evolve(guest, disks=(*guest.disks, msg.disk)))

    @DetachDisk.handler
    async def detach_disk(self, msg: DetachDisk) -> Guest:
        await self._work(self._config.detach_seconds)
        guest = self._definition(msg.server)
        left = tuple(one for one in guest.disks if one.volume != msg.volume)
        if left == guest.disks:
            raise DeviceNotFound(f"guest {msg.server} does not have volume {msg.volume}")
        return self._define(attrs.evolve(guest, disks=left))

    @AttachInterface.handler
    async def attach_interface(self, msg: AttachInterface) -> Guest:
        await self._work(self._config.attach_seconds)
        guest = self._definition(msg.server)
        if any(one.port == msg.interface.port for one in guest.interfaces):
            raise DeviceExists(f"guest {msg.server} has port {msg.interface.port} already")
        return self._define(attrs.evolve(guest, interfaces=(*guest.interfaces, msg.interface)))

    @DetachInterface.handler
    async def detach_interface(self, msg: DetachInterface) -> Guest:
        await self._work(self._config.detach_seconds)
        guest = self._definition(msg.server)
        left = tuple(one for one in guest.interfaces if one.port != msg.port)
        if left == guest.interfaces:
            raise DeviceNotFound(f"guest {msg.server} does not have port {msg.port}")
        return self._define(attrs.evolve(guest, interfaces=left))

    # -- live migration ------------------------------------------------------------------------------------------------

    @PrepareMigration.handler
    def prepare_migration(self, msg: PrepareMigration) -> None:
        self._check_new(msg.definition)
        self._incoming[msg.definition.server] = msg.definition
        self._ledger.hold(msg.definition.server, msg.definition.resources)

    @MigrateGuest.handler
    async def migrate(self, msg: MigrateGuest) -> None:
        state = self._shown(msg.server).power_state
        self._check_still(msg.server)
        if state not in MOVABLE:
            raise InvalidPowerState(f"guest {msg.server} is {state.name}: to be migrated it must run, or be paused")
        try:
            await self._copy(msg)
            await self._hand_over(msg)
        finally:
            self._migrating.pop(msg.server, None)

    async def _copy(self, msg: MigrateGuest) -> None:
        resources = self._definition(msg.server).resources
        gigabytes = resources.memory_mb / 1024 + (resources.local_gb if msg.block_migration else 0)
        with anyio.CancelScope() as copying:
            self._migrating[msg.server] = copying
            await self._work(gigabytes * self._config.migration_seconds_per_gb)
        if copying.cancelled_caught:
            raise MigrationFailed(f"the migration of guest {msg.server} was aborted: it goes on here")
        self._migrating[msg.server] = None

    async def _hand_over(self, msg: MigrateGuest) -> None:
        state = self._powers.get(msg.server, PowerState.SHUTDOWN)
        if state not in MOVABLE:
            raise MigrationFailed(f"guest {msg.server} ended while it was being copied")
        self._set(msg.server, PowerState.PAUSED)
        await self._work(self._config.switch_over_seconds)
        try:
            await self.bus.ask(
                FinishMigration(server=msg.server, power_state=state),
                to=Target(self.topic, msg.destination),
                context=request_context(),
            )
        except AskTimeout as error:
            raise MigrationFailed(
                f"{msg.destination} did not say whether guest {msg.server} runs there: it stays paused here. Look at "
                f"{msg.destination}, then destroy the guest on one of the two hosts."
            ) from error
        except (GuestNotFound, BusError) as error:
            if self._powers.get(msg.server) is PowerState.PAUSED:
                self._set(msg.server, state)
            raise MigrationFailed(f"{msg.destination} did not take guest {msg.server}: it goes on here") from error
        self._forget(msg.server)

    @AbortMigration.handler
    def abort_migration(self, msg: AbortMigration) -> None:
        copying = self._migrating.get(msg.server)
        if copying is None:
            raise GuestNotFound(f"guest {msg.server} is not being copied from here (any more)")
        copying.cancel()

    @FinishMigration.handler
    def finish_migration(self, msg: FinishMigration) -> None:
        definition = self._incoming.pop(msg.server, None)
        if definition is None:
            raise GuestNotFound(f"guest {msg.server} is not prepared here (any more)")
        self._define(definition)
        self._set(msg.server, msg.power_state)
