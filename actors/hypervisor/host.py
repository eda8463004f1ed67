"""The host under a hypervisor: what is on its disk, what is in its memory, and its image cache."""

import anyio
import attrs

from actors.hypervisor.capacity import NOTHING, Ledger, held
from actors.hypervisor.config import HypervisorConfig
from actors.hypervisor.errors import (
    GuestExists,
    GuestNotFound,
    ImageInUse,
    ImageNotCached,
    InvalidPowerState,
)
from actors.hypervisor.locks import ImageLocks
from actors.hypervisor.messages import (
    ListImages,
    LockImage,
    PutImage,
    RemoveImage,
    ResetImageLocks,
    ShowHost,
    UnlockImage,
)
from actors.hypervisor.models import (
    BaseImage,
    Guest,
    GuestDefinition,
    HostState,
    PowerState,
)
from actors.hypervisor.states import ON
from actors.hypervisor.store import HostStore
from actors.ids import ServerId
from actors.service import Service


class Host(Service):
    """A host: its disk, its memory, and its image cache.

    Args:
        store: the host's disk.
        config: how it behaves.
    """

    topic = "hypervisor"

    def __init__(self, *, store: HostStore, config: HypervisorConfig) -> None:
        self._host = store
        self._config = config
        self._powers: dict[ServerId, PowerState] = {}  # of guests that are not SHUTDOWN
        self._incoming: dict[ServerId, GuestDefinition] = {}  # prepared for migration
        self._migrating: dict[ServerId, anyio.CancelScope | None] = {}  # on their way out; None once they are copied
        self._locks = ImageLocks()
        self._ledger = Ledger(store.resources, config)
        for server in store.guests:
            self._set(server, PowerState.SHUTDOWN)

    async def started(self) -> None:
        """Nothing to guard: it has no API."""

    # -- the host and its images ---------------------------------------------------------------------------------------

    @ShowHost.handler
    def show_host(self, msg: ShowHost) -> HostState:
        return HostState(
            hypervisor_hostname=self.target.server or "",
            resources=self._host.resources,
            used=self._ledger.taken,
            running_vms=sum(1 for state in self._powers.values() if state in ON),
        )

    @LockImage.handler
    async def lock_image(self, msg: LockImage) -> bool:
        epoch = self._locks.epoch
        while msg.image not in self._host.images:
            if self._locks.epoch != epoch:
                return False  # nobody is there any more to hear it
            freed = self._locks.take(msg.image)
            if freed is None:
                return False
            with anyio.move_on_after(self._config.keepalive_interval):
                await freed.wait()
            self.heartbeat()
        return True

    @ResetImageLocks.handler
    def reset_image_locks(self, msg: ResetImageLocks) -> None:
        self._locks.reset()

    @PutImage.handler
    def put_image(self, msg: PutImage) -> None:
        self._host.images[msg.image] = BaseImage(image=msg.image, size=msg.size, last_used=self.clock.time())
        self._locks.free(msg.image)

    @UnlockImage.handler
    def unlock_image(self, msg: UnlockImage) -> None:
        self._locks.free(msg.image)

    @ListImages.handler
    def list_images(self, msg: ListImages) -> tuple[BaseImage, ...]:
        return tuple(self._host.images.values())

    @RemoveImage.handler
    def remove_image(self, msg: RemoveImage) -> None:
        users = [
            str(one.server) for one in (*self._host.guests.values(), *self._incoming.values()) if one.image == msg.image
        ]
        if users:
            raise ImageInUse(
                f"image {msg.image} stays: the disks of {len(users)} guests lie on it ({', '.join(users)})"
            )
        self._host.images.pop(msg.image, None)

    # -- what the handlers share ---------------------------------------------------------------------------------------

    async def _work(self, seconds: float) -> None:
        """Take so long on an ordinary host, and show now and then that it is going on."""
        left = seconds * self._host.slowness
        while left > self._config.keepalive_interval:
            await anyio.sleep(self._config.keepalive_interval)
            left -= self._config.keepalive_interval
            self.heartbeat()
        await anyio.sleep(left)

    def _definition(self, server: ServerId) -> GuestDefinition:
        found = self._host.guests.get(server)
        if found is None:
            raise GuestNotFound(f"no guest {server} on host {self.target.server}")
        return found

    def _shown(self, server: ServerId) -> Guest:
        definition = self._definition(server)
        return Guest(definition=definition, power_state=self._powers.get(server, PowerState.SHUTDOWN))

    def _define(self, definition: GuestDefinition) -> Guest:
        self._host.guests[definition.server] = definition
        return self._shown(definition.server)

    def _set(self, server: ServerId, state: PowerState) -> None:
        if state is PowerState.SHUTDOWN:
            self._powers.pop(server, None)
        else:
            self._powers[server] = state
        self._ledger.hold(server, held(self._host.guests[server].resources, state))

    def _forget(self, server: ServerId) -> None:
        self._host.guests.pop(server, None)
        self._powers.pop(server, None)
        self._incoming.pop(server, None)
        self._ledger.hold(server, NOTHING)

    def _settle(self, server: ServerId, during: PowerState, then: PowerState) -> Guest:
        """End some work on a guest's power, unless somebody interfered."""
        now = self._shown(server).power_state
        if now is not during:
            raise InvalidPowerState(f"guest {server} became {now.name} while it was to become {then.name}")
        self._set(server, then)
        return self._shown(server)

    def _check_still(self, server: ServerId) -> None:
        """Refuse to disturb a guest that is being migrated, as libvirt's job lock does."""
        if server in self._migrating:
            raise InvalidPowerState(f"guest {server} is being migrated: abort that first, or wait for its end")

    def _check_new(self, definition: GuestDefinition) -> None:
        """Refuse a guest that cannot be here."""
        server, image = definition.server, definition.image
        if server in self._host.guests or server in self._incoming:
            raise GuestExists(f"there is a guest {server} on host {self.target.server} already")
        base = None if image is None else self._host.images.get(image)
        if base is None and image is not None:
            raise ImageNotCached(f"image {image} is not on host {self.target.server}: fetch it, and put it there")
        self._ledger.check_room(server, definition.resources)
        if base is not None:
            self._host.images[base.image] = attrs.evolve(base, last_used=self.clock.time())
