"""Single operations, each on a cloud in which what it needs is there: what a sweep and the expiry matrix go through."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio
import attrs

from actors.cinder.messages import CreateVolume
from actors.client.held_token import HeldToken
from actors.client.session import Session
from actors.client.waiting import wait_for_server
from actors.cloud import Cloud
from actors.contents import IMAGE
from actors.ids import FlavorId, ServerId, VolumeId
from actors.nova.messages.servers import (
    AttachVolume,
    CreateServer,
    CreateServerImage,
    DeleteServer,
    DetachVolume,
    LiveMigrateServer,
    RebootServer,
)
from actors.nova.models import BlockDevice

TINY: Final = FlavorId("1")
ROOT_VOLUME: Final = BlockDevice(
    source_type="image",
    destination_type="volume",
    boot_index=0,
    image_id=IMAGE,
    volume_size=1,
    delete_on_termination=True,
)
EXTRA_VOLUME: Final = BlockDevice(
    source_type="blank", destination_type="volume", volume_size=1, delete_on_termination=True
)
VOLUME_READY: Final = 10.0
"""Seconds in which a small volume is made."""

Act = Callable[[Cloud, Session | HeldToken], Awaitable[Any]]
"""Does something as the user whose session or token it is; returns as soon as the cloud has answered."""


@attrs.frozen
class Operation:
    """Something that a user does.

    Attributes:
        name: what it is called.
        prepare: makes what must be there.
        act: does it.
        by: the account that does it.
    """

    name: str
    prepare: Act
    act: Act
    by: str = "demo"


def server_of(cloud: Cloud) -> ServerId:
    """The server that is there."""
    return next(iter(cloud.stores.nova.instances))


def volume_of(cloud: Cloud) -> VolumeId:
    """The volume that is there."""
    return next(iter(cloud.stores.cinder.volumes)).id


_ONE: Final = CreateServer(name="one", flavor_ref=TINY, image_ref=IMAGE)
_WITH_A_VOLUME: Final = CreateServer(name="one", flavor_ref=TINY, image_ref=IMAGE, block_devices=(EXTRA_VOLUME,))
_FROM_VOLUME: Final = CreateServer(name="one", flavor_ref=TINY, block_devices=(ROOT_VOLUME, EXTRA_VOLUME))


async def _nothing(cloud: Cloud, user: Session | HeldToken) -> None:
    del cloud, user


async def _server(cloud: Cloud, user: Session | HeldToken) -> None:
    del cloud
    (created,) = await user.ask(_ONE)
    await wait_for_server(user, created.id)


async def _server_and_volume(cloud: Cloud, user: Session | HeldToken) -> None:
    await _server(cloud, user)
    await user.ask(CreateVolume(size=1))
    await anyio.sleep(VOLUME_READY)


async def _server_with_volume(cloud: Cloud, user: Session | HeldToken) -> None:
    del cloud
    (created,) = await user.ask(_WITH_A_VOLUME)
    await wait_for_server(user, created.id)


OPERATIONS: Final = {
    operation.name: operation
    for operation in (
        Operation("boot", _nothing, lambda _, user: user.ask(_ONE)),
        Operation(
            "boot from volume",
            _nothing,
            lambda _, user: user.ask(_FROM_VOLUME),
        ),
        Operation(
            "delete", _server_with_volume, lambda cloud, user: user.ask(DeleteServer(server_id=server_of(cloud)))
        ),
        Operation("reboot", _server, lambda cloud, user: user.ask(RebootServer(server_id=server_of(cloud)))),
        Operation(
            "attach volume",
            _server_and_volume,
            lambda cloud, user: user.ask(AttachVolume(server_id=server_of(cloud), volume_id=volume_of(cloud))),
        ),
        Operation(
            "detach volume",
            _server_with_volume,
            lambda cloud, user: user.ask(DetachVolume(server_id=server_of(cloud), volume_id=volume_of(cloud))),
        ),
        Operation(
            "snapshot",
            _server,
            lambda cloud, user: user.ask(CreateServerImage(server_id=server_of(cloud), name="snapshot")),
        ),
        Operation(
            "live migration",
            _server_with_volume,
            lambda cloud, user: user.ask(LiveMigrateServer(server_id=server_of(cloud))),
            by="admin",
        ),
    )
}
"""By name."""
