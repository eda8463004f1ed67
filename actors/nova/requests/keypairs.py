"""`POST /os-keypairs`, at microversion 2.10, which today's clients ask for (nova's `schemas/keypairs.py: create_v210`)."""

from typing import Final

from actors.ids import UserId
from actors.nova.messages.keypairs import CreateKeypair
from actors.nova.requests.checking import Body
from actors.nova.requests.fields import NAME, table

_CREATE: Final = Body(
    table(
        {
            "keypair": table(
                {
                    "name": {"allOf": [NAME, {"pattern": r"^[_\- a-zA-Z0-9]+$"}]},
                    "type": {"type": "string", "enum": ["ssh", "x509"]},
                    "public_key": {"type": "string"},
                    "user_id": {"type": "string"},
                },
                required=("name",),
            )
        },
        required=("keypair",),
    )
)


def read_create_keypair(body: object) -> CreateKeypair:
    """What the parsed body of a request for a keypair asks for.

    Raises:
        ValidationError: if nova would refuse it without asking anybody.
    """
    fields = _CREATE.check(body)["keypair"]
    user_id = fields.get("user_id")
    return CreateKeypair(
        name=fields["name"], public_key=fields.get("public_key"), type=fields.get("type", "ssh"),
        user_id=UserId(user_id) if user_id else None,
    )  # fmt: skip
