"""The gate in front of a service: its web server's limit, then `auth_token`, which asks Keystone with the service's account."""

import attrs
from attrs.validators import ge

from actors.auth_token import AuthToken, AuthTokenConfig, TokenCache
from actors.client.session import Session
from actors.context import Credentials, RequestContext
from actors.errors import BadRequest
from actors.keystone.messages import Authenticate
from actors.service import Guard, Service

DEFAULT_MAX_HEADER_LINE = 16384
"""`[wsgi] max_header_line` of oslo.service, in bytes; eventlet's own limit and Apache's are half of it."""
_AROUND = len(": \r\n")


@attrs.frozen(kw_only=True)
class AuthTokenGate:
    """Opens `AuthToken` guards (`[keystone_authtoken]` of a service's configuration).

    Attributes:
        account: how the service signs in to ask about tokens.
        config: the middleware's options.
        shared: a cache that all members of the service use, as with memcached; None: each life of each member has its own.
        max_header_line: bytes in a line of a request's head from which on it is refused; a PKI token may be too long.
    """

    account: Authenticate
    config: AuthTokenConfig = AuthTokenConfig()
    shared: TokenCache | None = attrs.field(default=None, repr=False)
    max_header_line: int = attrs.field(default=DEFAULT_MAX_HEADER_LINE, validator=ge(1))

    def opened(self, service: Service) -> Guard:
        """A guard for the life of *service* that begins."""
        cache = TokenCache(service.clock) if self.shared is None else self.shared
        retries = self.config.http_request_max_retries
        session = Session(service.bus, service.clock, self.account, connect_retries=retries)
        return HeaderLimit(AuthToken(session, service.clock, self.config, cache), self.max_header_line)


@attrs.frozen
class HeaderLimit:
    """The web server, as far as it matters: it refuses what it takes for an attack before anybody has looked at it.

    Attributes:
        guard: what comes next.
        max_header_line: bytes, with the header's name and the end of the line, from which on a line is too long.
    """

    guard: Guard
    max_header_line: int

    async def admit(self, credentials: Credentials) -> RequestContext:
        """Measure the two headers that carry tokens, as eventlet's `wsgi.py` does.

        Raises:
            BadRequest: if one of them is too long.
        """
        self._measure("X-Auth-Token", credentials.token)
        self._measure("X-Service-Token", credentials.service_token)
        return await self.guard.admit(credentials)

    def _measure(self, name: str, value: str | None) -> None:
        if value is not None and len(name) + len(value) + _AROUND >= self.max_header_line:
            raise BadRequest(
                f"Header Line Too Long: {name} of {len(value)} characters, but no line may have {self.max_header_line} bytes"
            )
