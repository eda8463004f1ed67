"""A Cinder with two backends in a world, behind a gate that believes what it is told, beside a Glance and a Nova of cardboard."""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import anyio
import attrs

from actors.cinder.config import CinderConfig
from actors.cinder.messages import CreateAttachment, CreateVolume, ShowVolume, UpdateAttachment
from actors.cinder.models import GB, Attachment, Connector, Volume
from actors.cinder.notifications import SchedulingFailed, SnapshotEvent, VolumeEvent
from actors.cinder.service.api import CinderApi
from actors.cinder.service.scheduler import CinderScheduler
from actors.cinder.service.volume import CinderVolume
from actors.cinder.storage import StorageArray
from actors.cinder.store import CinderStore
from actors.context import Credentials, RequestContext
from actors.errors import NotFound, Unauthorized
from actors.glance.messages import DownloadImage, ShowImage
from actors.glance.models import Image, ImageData
from actors.glance.states import ImageStatus
from actors.ids import AttachmentId, Ids, ImageId, ProjectId, ServerId, UserId, VolumeId
from actors.service import Service, request_context
from bus.listener import Listener
from bus.sim import World
from bus.topic import Target

DEMO = ProjectId("demo-project")
CIRROS = ImageId("cirros")
HUGE = ImageId("huge")
QUEUED = ImageId("queued")
SPARSE = ImageId("sparse")
SERVER = ServerId("server-1")
FOR_EVER = 10.0**7
REST = ("available", "in-use", "reserved", "attaching", "error", "error_deleting", "error_extending")


class StubGate:
    """Takes the token for the name of the account, and of its role."""

    def opened(self, service: object) -> "StubGate":
        return self

    async def admit(self, credentials: Credentials) -> RequestContext:
        name = credentials.token
        if name is None:
            raise Unauthorized("no token")
        return RequestContext(
            user_id=UserId(name), project_id=ProjectId(f"{name}-project"), roles=(name,), is_admin=name == "admin", token=name,
            service_roles=() if credentials.service_token is None else (credentials.service_token,),
        )  # fmt: skip


class StubGlance(Service):
    """A Glance that takes 10 s for an image, and knows until when tokens are good."""

    topic: ClassVar[str] = "glance"

    def __init__(self, shelf: "Shelf") -> None:
        self.gate = StubGate()
        self.shelf = shelf

    @ShowImage.handler
    async def show(self, msg: ShowImage) -> Image:
        self.shelf.asked.append(request_context().token)
        await anyio.sleep(0.1)
        self._check_token()
        if msg.image_id not in IMAGES:
            raise NotFound(f"no image {msg.image_id}")
        return IMAGES[msg.image_id]

    @DownloadImage.handler
    async def download(self, msg: DownloadImage) -> ImageData:
        self._check_token()
        await anyio.sleep(10)
        return ImageData(size=GB // 2)

    def _check_token(self) -> None:
        if self.clock.monotonic() >= self.shelf.expiry:
            raise Unauthorized("the token has expired")


@attrs.define
class Shelf:
    """What a test sets in, and asks of, `StubGlance`.

    Attributes:
        expiry: until when tokens are good, in seconds of the world's time.
        asked: tokens with which images were asked about.
    """

    expiry: float = float("inf")
    asked: list[str] = attrs.field(factory=list)


def image(id: ImageId, status: ImageStatus = ImageStatus.ACTIVE, **fields: Any) -> Image:
    return Image(id=id, status=status, owner=DEMO, created_at=0, updated_at=0, **fields)


IMAGES = {
    CIRROS: image(CIRROS, size=GB // 2, min_disk=1, properties={"os_distro": "cirros"}),
    HUGE: image(HUGE, size=50 * GB),
    SPARSE: image(SPARSE, size=GB, virtual_size=50 * GB),
    QUEUED: image(QUEUED, ImageStatus.QUEUED),
}


class StubServers:
    """A Nova that knows which server uses what."""

    def __init__(self) -> None:
        self.attachments: dict[tuple[ServerId, VolumeId], AttachmentId] = {}

    async def volume_attachment(
        self, bus: Any, server_id: ServerId, volume_id: VolumeId, context: RequestContext
    ) -> AttachmentId | None:
        await anyio.sleep(0.1)
        return self.attachments.get((server_id, volume_id))


@attrs.frozen
class Depot:
    """What a test needs at hand."""

    world: World
    store: CinderStore
    config: CinderConfig
    arrays: dict[str, StorageArray]
    shelf: Shelf
    servers: StubServers
    scheduler: Target
    volumes: dict[str, Target]
    events: Listener

    async def ask(self, request: Any, token: str | None = "demo", service_token: str | None = None) -> Any:
        context = Credentials(token=token, service_token=service_token)
        return await self.world.bus.ask(request, context=context, timeout=FOR_EVER)

    async def volume(self, *, token: str = "demo", wait: bool = True, size: int = 1, **fields: Any) -> Volume:
        """Create a volume, and wait until it is at rest."""
        made: Volume = await self.ask(CreateVolume(size=size, **fields), token=token)
        return await self.settled(made.id, token=token) if wait else made

    async def settled(self, id: VolumeId, *, token: str = "demo") -> Volume:
        """Wait until a volume is at rest."""
        for _ in range(600):
            volume: Volume = await self.ask(ShowVolume(volume_id=id), token=token)
            if volume.status in REST:
                return volume
            await anyio.sleep(1)
        raise AssertionError(f"still {volume.status}")

    async def attachment(self, volume: Volume, *, instance: ServerId = SERVER, host: str = "host-1") -> Attachment:
        """Reserve a volume and connect it."""
        made = await self.ask(CreateAttachment(volume_id=volume.id, instance=instance))
        connected: Attachment = await self.ask(UpdateAttachment(attachment_id=made.id, connector=Connector(host=host)))
        return connected

    async def told(self) -> list[str]:
        """The subjects of what was notified so far."""
        await anyio.sleep(1)
        subjects: list[str] = []
        with anyio.move_on_after(0.5):
            async for event in self.events:
                assert isinstance(event, VolumeEvent | SnapshotEvent | SchedulingFailed)
                subjects.append(event.subject)
        return subjects


def play(
    story: Callable[[Depot], Awaitable[Any]], *, seed: int | None = None, config: CinderConfig | None = None,
    arrays: dict[str, StorageArray] | None = None, servers: bool = True, world: World | None = None,
) -> Any:  # fmt: skip
    """Run a story in a world with a Cinder."""
    config = config or CinderConfig()
    arrays = arrays or {
        "block-1@ssd": StorageArray(volume_backend_name="ssd"),
        "block-2@hdd": StorageArray(volume_backend_name="hdd"),
    }

    async def program(world: World) -> Any:
        store, shelf, nova = CinderStore(config), Shelf(), StubServers()
        start = world.bus.start
        shared = {"store": store, "config": config}
        await start(StubGlance, shelf)
        scheduler = await start(CinderScheduler, **shared)
        volumes = {
            host: await start(CinderVolume, server=host, array=array, **shared) for host, array in arrays.items()
        }
        await start(
            CinderApi, ids=Ids(world.random("ids")), gate=StubGate(), servers=nova if servers else None,
            **shared,
        )  # fmt: skip
        async with world.bus.listen(">") as events:
            depot = Depot(world, store, config, arrays, shelf, nova, scheduler, volumes, events)
            return await story(depot)

    return (world or World(seed)).run(program)


def leaks(depot: Depot) -> list[str]:
    """Everything that contradicts S14 and S17 at rest."""
    return [*quota_leaks(depot.store), *array_leaks(depot), *attachment_leaks(depot)]


def quota_leaks(store: CinderStore) -> list[str]:
    """Usages that are not what there is."""
    found: list[str] = []
    for (project, resource), usage in store.quotas.usages.items():
        volumes = [row for row in store.volumes if row.project_id == project]
        snapshots = [row for row in store.snapshots if row.project_id == project]
        counted = {
            "volumes": len(volumes),
            "snapshots": len(snapshots),
            "gigabytes": sum(row.size for row in [*volumes, *snapshots]),
        }[resource]
        held = [one for one in store.quotas.reservations.values() if one.held]
        reserved = sum(one.delta for one in held if (one.project_id, one.resource) == (project, resource))
        if (usage.in_use, usage.reserved) != (counted, reserved):
            found.append(f"{project} {resource}: {usage}, but {counted} there and {reserved} reserved")
    return found


def array_leaks(depot: Depot) -> list[str]:
    """What arrays hold and nobody knows of, and volumes without a disk."""
    store, found = depot.store, []
    for host, array in depot.arrays.items():
        hosted = {row.id for row in store.volumes if row.host is not None and row.host.startswith(f"{host}#")}
        if array.used_gb != sum(array.disks.values()) + sum(size for _, size in array.snapshots.values()):
            found.append(f"{host} uses {array.used_gb} GB for {array.disks} and {array.snapshots}")
        found += [f"{host} has a disk of {one}" for one in array.disks if one not in hosted]
        found += [f"{host} has snapshot {one}" for one in array.snapshots if store.snapshots.get(one) is None]
        found += [f"{host} lets {one} in" for one in array.connections if store.attachments.get(one) is None]
        ready = {row.id for row in store.volumes if row.id in hosted and row.status in {"available", "in-use"}}
        found += [f"{host} has no disk of {one}" for one in sorted(ready) if one not in array.disks]
    return found


def attachment_leaks(depot: Depot) -> list[str]:
    """Volumes whose status is not what their attachments make it, or that two use."""
    found: list[str] = []
    for row in depot.store.volumes:
        attachments = depot.store.attachments.where("volume", row.id)
        users = {one.instance for one in attachments}
        if len(users) > 1 and not row.multiattach:
            found.append(f"{row.id} is used by {users}")
        if row.status == ("available" if attachments else "in-use"):
            found.append(f"{row.id} is {row.status}, with {len(attachments)} attachments")
    return found
