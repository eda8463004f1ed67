"""What other services tell Nova about its servers (Compute API, `POST /os-server-external-events`)."""

from typing import ClassVar

import attrs

from actors.calls import ApiRequest, Policy, admin_or_service
from actors.ids import ServerId
from bus.message import message


@attrs.frozen(kw_only=True)
class ExternalEvent:
    """Something that happened to a server outside of Nova.

    Attributes:
        name: such as ``"network-vif-plugged"``, ``"network-vif-unplugged"``, ``"network-vif-deleted"``,
            ``"network-changed"`` or ``"volume-extended"``.
        server_uuid: the server.
        tag: what it is about: a port or a volume; None if there is only one thing that it can be about.
        status: ``"completed"``, ``"failed"`` or ``"in-progress"``.
    """

    name: str
    server_uuid: ServerId
    tag: str | None = None
    status: str = "completed"


@attrs.frozen(kw_only=True)
class ExternalEventResult:
    """What became of one event.

    Attributes:
        event: the event.
        code: 200 if it was passed on, 404 for a server that Nova does not know, 422 for one without a host, 400 for an event
            that Nova does not know.
    """

    event: ExternalEvent
    code: int


@message
class CreateExternalEvents(ApiRequest[tuple[ExternalEventResult, ...]]):
    """Tell Nova of events (`POST /os-server-external-events`). Each is passed on, or not, by itself.

    Attributes:
        events: what happened, in order.
    """

    topic: ClassVar[str] = "nova-api"
    policy: ClassVar[Policy] = admin_or_service
    events: tuple[ExternalEvent, ...]
