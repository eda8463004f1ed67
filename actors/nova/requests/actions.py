"""`POST /servers/{id}/action`, and the volumes of a server (nova's `schemas/servers.py` and those beside it).

A reason to lock is checked and not kept.
"""

from collections.abc import Callable
from typing import Any, Final

from actors.calls import ApiRequest
from actors.ids import ServerId, VolumeId
from actors.nova.errors import ValidationError
from actors.nova.messages.servers import (
    AttachVolume,
    CreateServerImage,
    LiveMigrateServer,
    LockServer,
    RebootServer,
    ResetServerState,
    StartServer,
    StopServer,
    UnlockServer,
)
from actors.nova.requests.checking import Body
from actors.nova.requests.fields import (
    BOOLEAN,
    DEVICE,
    FALSE,
    HOST,
    METADATA,
    NAME,
    TAG,
    TRUE,
    UUID,
    Schema,
    is_true,
    table,
    text,
)  # fmt: skip

_NULL_OR_HOST: Final = HOST | {"type": ["string", "null"]}
_ACTIONS: Final[dict[str, tuple[Schema, Callable[[ServerId, Any], ApiRequest[Any]]]]] = {
    "reboot": (
        table({"type": {"type": "string", "enum": ["HARD", "Hard", "hard", "SOFT", "Soft", "soft"]}}, required=("type",)),
        lambda server, fields: RebootServer(server_id=server, type=fields["type"].upper()),
    ),
    "os-stop": ({}, lambda server, _: StopServer(server_id=server)),
    "os-start": ({}, lambda server, _: StartServer(server_id=server)),
    "lock": (
        table({"locked_reason": text(least=1)}) | {"type": ["object", "null"]},
        lambda server, _: LockServer(server_id=server),
    ),
    "unlock": ({}, lambda server, _: UnlockServer(server_id=server)),
    "createImage": (
        table({"name": NAME, "metadata": METADATA}, required=("name",)),
        lambda server, fields: CreateServerImage(
            server_id=server, name=fields["name"], metadata=fields.get("metadata", {})
        ),
    ),
    "os-migrateLive": (
        table(
            {"block_migration": BOOLEAN | {"enum": [*TRUE, *FALSE, "auto"]}, "host": _NULL_OR_HOST},
            required=("block_migration", "host"),
        ),
        lambda server, fields: LiveMigrateServer(
            server_id=server, host=fields["host"],
            block_migration=None if fields["block_migration"] == "auto" else is_true(fields["block_migration"]),
        ),
    ),
    "os-resetState": (
        table({"state": {"type": "string", "enum": ["active", "error"]}}, required=("state",)),
        lambda server, fields: ResetServerState(server_id=server, state=fields["state"]),
    ),
}  # fmt: skip
"""What each action takes, and the message that it becomes."""

_BODIES: Final = {name: Body(table({name: schema}, required=(name,))) for name, (schema, _) in _ACTIONS.items()}
_ATTACHMENT: Final = Body(
    table(
        {
            "volumeAttachment": table(
                {"volumeId": UUID, "device": DEVICE, "tag": TAG, "delete_on_termination": BOOLEAN},
                required=("volumeId",),
            )
        },
        required=("volumeAttachment",),
    )
)
_OBJECT: Final = Body({"type": "object", "minProperties": 1})


def read_action(server_id: ServerId, body: object) -> ApiRequest[Any]:
    """What the parsed body of an action on a server asks for.

    Raises:
        ValidationError: if there is no such action, or it does not take this.
    """
    name = next(iter(_OBJECT.check(body)))
    if name not in _ACTIONS:
        raise ValidationError(f"There is no such action: {name}", name)
    return _ACTIONS[name][1](server_id, _BODIES[name].check(body)[name])


def read_attach_volume(server_id: ServerId, body: object) -> AttachVolume:
    """What the parsed body of `POST /servers/{id}/os-volume_attachments` asks for.

    Raises:
        ValidationError: if nova would refuse it without asking anybody.
    """
    fields = _ATTACHMENT.check(body)["volumeAttachment"]
    return AttachVolume(
        server_id=server_id, volume_id=VolumeId(fields["volumeId"]), device=fields.get("device"), tag=fields.get("tag"),
        delete_on_termination=is_true(fields.get("delete_on_termination")),
    )  # fmt: skip
