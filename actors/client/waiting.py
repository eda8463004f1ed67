"""Waiting for a server, by looking at it now and then: the cloud tells no client when it is done."""

from typing import Final

import anyio

from actors.client.held_token import HeldToken
from actors.client.session import Session
from actors.errors import NotFound
from actors.ids import ServerId
from actors.nova.messages.servers import ShowServer
from actors.nova.models import Server

INTERVAL: Final = 2.0
"""Seconds between two looks, as openstacksdk's `wait_for_server` has it."""


async def wait_for_server(session: Session | HeldToken, server_id: ServerId, *, interval: float = INTERVAL) -> Server:
    """Wait until nothing is being done to a server any more, and return it; see its `status` for how that went."""
    while True:
        server = await session.ask(ShowServer(server_id=server_id))
        if server.task_state is None and server.status != "BUILD":
            return server
        await anyio.sleep(interval)


async def wait_until_gone(session: Session | HeldToken, server_id: ServerId, *, interval: float = INTERVAL) -> None:
    """Wait until a server is deleted. Its host may have given back its resources a moment later."""
    while True:
        try:
            await session.ask(ShowServer(server_id=server_id))
        except NotFound:
            return
        await anyio.sleep(interval)
