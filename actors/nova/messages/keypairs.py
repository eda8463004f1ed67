"""Keypairs. They are a user's, not a project's; those of others are for administrators."""

from typing import ClassVar

from actors.calls import ApiRequest
from actors.ids import UserId
from actors.nova.messages import TOPIC
from actors.nova.models import Keypair, NewKeypair
from bus.message import message


@message
class CreateKeypair(ApiRequest[NewKeypair]):
    """Import a public key, or have a keypair made (`POST /os-keypairs`, which makes some up to microversion 2.91).

    Raises: 400 for a key that is none; 403 over quota, or for another user; 409 if the user has one of this name.

    Attributes:
        name: unique among the user's.
        public_key: in OpenSSH's format; None for one that nova makes.
        type: ``"ssh"``; nova's ``"x509"`` is refused.
        user_id: whose it is to be; None for whoever asks.
    """

    topic: ClassVar[str] = TOPIC
    name: str
    public_key: str | None = None
    type: str = "ssh"
    user_id: UserId | None = None


@message
class ShowKeypair(ApiRequest[Keypair]):
    """Show a keypair of a user (None: of whoever asks). 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    name: str
    user_id: UserId | None = None


@message
class ListKeypairs(ApiRequest[tuple[Keypair, ...]]):
    """List the keypairs of a user by name.

    Raises: 400 for a limit or marker that is none; 403 for another user's.

    Attributes:
        user_id: whose; None for whoever asks.
        limit: so many at most; None for `max_limit`.
        marker: after the keypair of this name.
    """

    topic: ClassVar[str] = TOPIC
    user_id: UserId | None = None
    limit: int | None = None
    marker: str | None = None


@message
class DeleteKeypair(ApiRequest[None]):
    """Delete a keypair of a user (None: of whoever asks). Servers keep what they got of it. 404 if there is none."""

    topic: ClassVar[str] = TOPIC
    name: str
    user_id: UserId | None = None
