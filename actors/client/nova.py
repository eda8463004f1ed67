"""How Nova calls the other services, and Cinder calls Nova."""

from typing import TypeVar

import attrs

from actors.calls import ApiRequest
from actors.client.on_behalf import OnBehalf
from actors.client.session import Session
from actors.context import Credentials, RequestContext
from actors.errors import NotFound
from actors.ids import AttachmentId, ServerId, VolumeId
from actors.keystone.messages import Authenticate
from actors.nova.messages.servers import ShowVolumeAttachment
from actors.service import Service, request_id
from bus.broker import Bus
from bus.topic import Target

R = TypeVar("R")


@attrs.frozen
class NovaCalls:
    """The calls of one life of one of Nova's services: `actors.nova.neighbours.Calls`.

    Attributes:
        own: the session of Nova's account, which every life of every service opens anew.
        user: calls with the user's token.
    """

    own: Session
    user: OnBehalf

    async def as_user(
        self, request: ApiRequest[R], context: RequestContext, *, to: Target | str | None = None,
        timeout: float | None = None, monitor: float | None = None,
    ) -> R:  # fmt: skip
        """Call with the token of whoever asks; for what Nova does of its own accord, as Nova."""
        if not context.token:
            return await self.own.ask(request, to=to, timeout=timeout, monitor=monitor, request_id=context.request_id)
        return await self.user.ask(request, context, to=to, timeout=timeout, monitor=monitor)

    async def as_nova(self, request: ApiRequest[R]) -> R:
        """Call with Nova's own account."""
        return await self.own.ask(request, request_id=request_id())


@attrs.frozen(kw_only=True)
class NovaCaller:
    """Opens the calls of each life.

    Attributes:
        account: Nova's own.
        send_service_user_token: `[service_user]`: whether its token goes along with the user's.
    """

    account: Authenticate
    send_service_user_token: bool = False

    def opened(self, service: Service) -> NovaCalls:
        """The calls of the life of *service* that begins."""
        own = Session(service.bus, service.clock, self.account)
        return NovaCalls(own, OnBehalf(service.bus, own if self.send_service_user_token else None))


class NovaServers:
    """Nova, as Cinder asks it about its servers: `actors.cinder.neighbours.Servers`."""

    async def volume_attachment(
        self, bus: Bus, server_id: ServerId, volume_id: VolumeId, context: RequestContext
    ) -> AttachmentId | None:
        """The attachment by which a server uses a volume; None if it does not."""
        credentials = Credentials(token=context.token, request_id=context.request_id)
        try:
            found = await bus.ask(ShowVolumeAttachment(server_id=server_id, volume_id=volume_id), context=credentials)
        except NotFound:
            return None
        return found.attachment_id
