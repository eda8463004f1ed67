"""Bodies that the tests of `actors.nova.requests` begin with, and who reads them."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from actors.calls import ApiRequest
from actors.ids import ServerId
from actors.nova.messages.servers import CreateServer
from actors.nova.requests.actions import read_action, read_attach_volume
from actors.nova.requests.flavors import read_create_flavor
from actors.nova.requests.keypairs import read_create_keypair
from actors.nova.requests.servers import read_create_server

RECORDED = json.loads(Path(__file__).parents[1].joinpath("client-requests.json").read_text())["requests"]
BODIES = {f"{one['client'].split()[0]}: {one['command']}": one["body"] for one in RECORDED}
SERVER = ServerId("d0bb8a5a-5c26-4695-93f6-9d604a60c46c")
IMAGE = "4c4ff34f-238e-48f1-8a75-c43b8b538c8e"
VOLUME, PORT = "96cbe271-bcb9-43f3-9d04-fc7884a28f0c", "688c8e0e-b097-4d56-af48-6ea95e3cb3e2"

READERS: dict[str, Callable[[Any], ApiRequest[Any]]] = {
    "server": read_create_server,
    "keypair": read_create_keypair,
    "flavor": read_create_flavor,
    "volumeAttachment": partial(read_attach_volume, SERVER),
}


def read(name: str, body: Any) -> ApiRequest[Any]:
    """Read a body of which nothing but the first field's name is known."""
    return READERS.get(name, partial(read_action, SERVER))(body)


GOOD = {"name": "s", "flavorRef": "42", "imageRef": IMAGE, "networks": "auto"}
LEFT_OUT = object()


def server(**changes: Any) -> CreateServer:
    """Read a good body with some fields changed, or left out."""
    return read_create_server({
        "server": {name: value for name, value in (GOOD | changes).items() if value is not LEFT_OUT}
    })  # fmt: skip


def volume(**fields: Any) -> dict[str, Any]:
    """A disk of a body."""
    return {"source_type": "volume", "destination_type": "volume", "uuid": VOLUME} | fields


def local(**fields: Any) -> dict[str, Any]:
    """The disk that the client sends beside `imageRef`."""
    return {"source_type": "image", "destination_type": "local", "uuid": IMAGE, "boot_index": 0} | fields
