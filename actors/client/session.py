"""A session: signs in when it has to, renews its token before it expires, and tries once more after a 401.

As keystoneauth 5.18 does (`identity/base.py`, `session.py`): a token with less than two minutes to live is renewed before it
is used; one task fetches while the others wait; after a 401 the token is thrown away, and the call is sent once more. If signing in
fails, its error is what the call ends with. In one thing it is better: only the token that was refused is thrown away, not
another that the session holds by then (`actors.races.late_401_discards_new_token`).
"""

from functools import partial
from typing import TypeVar

import anyio

from actors.calls import ApiRequest
from actors.client.caller import Caller
from actors.context import Credentials
from actors.keystone.messages import Authenticate, FetchCertificates, FetchRevocationList, ValidateToken
from actors.keystone.models import Certificates, IssuedToken, Token
from bus.broker import Bus
from bus.clock import Clock
from bus.topic import Target

R = TypeVar("R")

MIN_TOKEN_LIFE_SECONDS = 120
"""A token that expires sooner is renewed before it is used (keystoneauth's `identity/base.py`)."""


class Session:
    """Calls the cloud on behalf of one account.

    Args:
        bus: the bus.
        clock: of whoever calls.
        account: how to sign in.
        connect_retries: how often a connection that failed is tried again; signing in is tried once.
    """

    def __init__(self, bus: Bus, clock: Clock, account: Authenticate, *, connect_retries: int = 0) -> None:
        self._caller = Caller(bus, connect_retries)
        self._clock = clock
        self._account = account
        self._issued: IssuedToken | None = None
        self._lock = anyio.Lock(fast_acquire=True)
        self.logins = 0
        """How often it has signed in."""

    async def token(self) -> IssuedToken:
        """A token that lives for two more minutes, if Keystone gives tokens that live so long.

        Raises:
            Unauthorized: if Keystone does not let this account in.
        """
        if (issued := self._fresh()) is None:
            async with self._lock:
                if (issued := self._fresh()) is None:
                    self._issued = issued = await self._caller.bus.ask(self._account)
                    self.logins += 1
        return issued

    def invalidate(self, refused: str | None) -> bool:
        """Throw away the token with this text, if the session still holds it. True: it can sign in for another."""
        if self._issued is not None and self._issued.id == refused:
            self._issued = None
        return True

    async def credentials(self, *, request_id: str = "") -> Credentials:
        """What a call on this account's own behalf carries."""
        return Credentials(token=(await self.token()).id, request_id=request_id)

    async def ask(
        self, request: ApiRequest[R], *, to: Target | str | None = None, timeout: float | None = None,
        monitor: float | None = None, request_id: str = "",
    ) -> R:  # fmt: skip
        """Call an API on this account's own behalf; the arguments are those of `Bus.ask`.

        Raises:
            Unauthorized: if it was refused twice.
            CloudError: whatever else the service answers.
        """
        credentials = partial(self.credentials, request_id=request_id)
        return await self._caller.call(
            request, credentials, lambda sent: self.invalidate(sent.token), to=to, timeout=timeout, monitor=monitor
        )

    # -- what `actors.auth_token` asks Keystone ------------------------------------------------------------------------

    async def validate(self, token: str, *, allow_expired: bool) -> Token:
        """Ask about a token."""
        return await self.ask(ValidateToken(subject=token, allow_expired=allow_expired))

    async def revocation_list(self) -> str:
        """Fetch the signed list of revoked PKI tokens."""
        return await self.ask(FetchRevocationList())

    async def certificates(self) -> Certificates:
        """Fetch the certificates that PKI tokens are verified with."""
        return await self.ask(FetchCertificates())

    def _fresh(self) -> IssuedToken | None:
        issued = self._issued
        if issued is None or issued.token.expires_at < self._clock.time() + MIN_TOKEN_LIFE_SECONDS:
            return None
        return issued
