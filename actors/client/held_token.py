"""Calls with a token that somebody handed over, and that nobody here can renew: keystoneauth's `token_endpoint.Token`."""

from typing import TypeVar

from actors.calls import ApiRequest
from actors.client.caller import Caller
from actors.context import Credentials
from bus.broker import Bus
from bus.topic import Target

R = TypeVar("R")


class HeldToken:
    """Calls the cloud with one token, until it is refused.

    Args:
        bus: the bus.
        token: the text of the token.
        connect_retries: how often a connection that failed is tried again.
    """

    def __init__(self, bus: Bus, token: str, *, connect_retries: int = 0) -> None:
        self._caller = Caller(bus, connect_retries)
        self._token = token

    async def ask(
        self, request: ApiRequest[R], *, to: Target | str | None = None, timeout: float | None = None,
        monitor: float | None = None, request_id: str = "",
    ) -> R:  # fmt: skip
        """Call an API with the token; the arguments are those of `Bus.ask`.

        Raises:
            Unauthorized: if the token is not good (any more).
            CloudError: whatever else the service answers.
        """

        async def credentials() -> Credentials:
            return Credentials(token=self._token, request_id=request_id)

        return await self._caller.call(request, credentials, lambda _: False, to=to, timeout=timeout, monitor=monitor)
