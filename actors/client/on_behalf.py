"""Calls that a service makes for a user, with the user's token and, beside it, one of its own.

As nova's `service_auth.py` over keystoneauth's `service_token.py`. The user's token is the text that came with the request; nobody
can renew it. A service token makes it good beyond its expiry where the service that is called asks Keystone with
`allow_expired`. After a 401 the service token is thrown away, and the call is sent once more with a new one and the same user
token; without a service token a 401 is final.
"""

from functools import partial
from typing import TypeVar

from actors.calls import ApiRequest
from actors.client.caller import Caller
from actors.client.session import Session
from actors.context import Credentials, RequestContext
from bus.broker import Bus
from bus.topic import Target

R = TypeVar("R")


class OnBehalf:
    """Calls APIs for whoever a request context says.

    Args:
        bus: the bus.
        service: the session of the service's own account (`[service_user] send_service_user_token`); None to send the user's
            token alone.
        connect_retries: how often a connection that failed is tried again (`[neutron] http_retries` and the like).
    """

    def __init__(self, bus: Bus, service: Session | None = None, *, connect_retries: int = 0) -> None:
        self._caller = Caller(bus, connect_retries)
        self._service = service

    async def credentials(self, context: RequestContext) -> Credentials:
        """What a call for *context*'s user carries.

        Raises:
            Unauthorized: if Keystone does not let the service's own account in.
        """
        service_token = None if self._service is None else (await self._service.token()).id
        return Credentials(token=context.token, service_token=service_token, request_id=context.request_id)

    def _invalidate(self, sent: Credentials) -> bool:
        """Throw away the service token that was sent. False if there was none."""
        return self._service is not None and self._service.invalidate(sent.service_token)

    async def ask(
        self, request: ApiRequest[R], context: RequestContext, *, to: Target | str | None = None,
        timeout: float | None = None, monitor: float | None = None,
    ) -> R:  # fmt: skip
        """Call an API for *context*'s user; the arguments are those of `Bus.ask`.

        Raises:
            Unauthorized: if the user's token is not good (any more), or the service token was refused twice.
            CloudError: whatever else the service answers.
        """
        credentials = partial(self.credentials, context)
        return await self._caller.call(request, credentials, self._invalidate, to=to, timeout=timeout, monitor=monitor)
