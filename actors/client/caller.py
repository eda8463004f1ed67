"""How a call is sent: keystoneauth's `Session.request`, whoever the call is for.

What is sent with it is asked for anew for each call. If the answer is 401 and what was sent can be had anew, as a token that an
account signs in for, the call is sent once more, and a second 401 is the answer. A connection that fails is tried again if that is
wished for, after half a second, then twice as long, up to a minute.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import attrs

from actors.calls import ApiRequest
from actors.context import Credentials
from actors.errors import Unauthorized
from bus.broker import Bus
from bus.errors import ActorStopped, AskTimeout, MailboxFull, NoListener
from bus.topic import Target

R = TypeVar("R")

CONNECTION_FAILURES = (NoListener, ActorStopped, MailboxFull, AskTimeout)
"""What refused, reset and timed-out connections are on the bus."""
RETRY_DELAY = 0.5
"""Seconds before the first further try."""
MAX_RETRY_DELAY = 60.0
"""Seconds before any further try, at most."""


@attrs.frozen
class Caller:
    """Sends calls.

    Attributes:
        bus: the bus.
        connect_retries: how often a connection that failed is tried again.
    """

    bus: Bus
    connect_retries: int = 0

    async def call(
        self, request: ApiRequest[R], credentials: Callable[[], Awaitable[Credentials]],
        invalidate: Callable[[Credentials], bool], *,
        to: Target | str | None = None, timeout: float | None = None, monitor: float | None = None,
    ) -> R:  # fmt: skip
        """Call an API.

        Args:
            request: the call.
            credentials: gets what to send with it.
            invalidate: told what was refused after a 401, throws it away; False if it cannot be had anew.
            to: as in `Bus.ask`.
            timeout: as in `Bus.ask`, for each try.
            monitor: as in `Bus.ask`.

        Raises:
            Unauthorized: if the service refused, twice if what was sent could be had anew.
            CloudError: whatever else the service answers, or Keystone about the credentials.
        """
        sent = await credentials()
        try:
            return await self._send(request, sent, to, timeout, monitor)
        except Unauthorized:
            if not invalidate(sent):
                raise
        return await self._send(request, await credentials(), to, timeout, monitor)

    async def _send(
        self, request: ApiRequest[R], credentials: Credentials, to: Target | str | None, timeout: float | None,
        monitor: float | None,
    ) -> R:  # fmt: skip
        delay = RETRY_DELAY
        for _ in range(self.connect_retries):
            try:
                return await self.bus.ask(request, to=to, timeout=timeout, monitor=monitor, context=credentials)
            except CONNECTION_FAILURES:
                await anyio.sleep(delay)
                delay = min(2 * delay, MAX_RETRY_DELAY)
        return await self.bus.ask(request, to=to, timeout=timeout, monitor=monitor, context=credentials)
