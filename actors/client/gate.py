"""The gate in front of a service: `auth_token`, asking Keystone with an account of the service's own."""

import attrs

from actors.auth_token import AuthToken, AuthTokenConfig, TokenCache
from actors.client.session import Session
from actors.keystone.messages import Authenticate
from actors.service import Service


@attrs.frozen(kw_only=True)
class AuthTokenGate:
    """Opens `AuthToken` guards (`[keystone_authtoken]` of a service's configuration).

    Attributes:
        account: how the service signs in to ask about tokens.
        config: the middleware's options.
        shared: a cache that all members of the service use, as with memcached; None: each life of each member has its own.
    """

    account: Authenticate
    config: AuthTokenConfig = AuthTokenConfig()
    shared: TokenCache | None = attrs.field(default=None, repr=False)

    def opened(self, service: Service) -> AuthToken:
        """A guard for the life of *service* that begins."""
        cache = TokenCache(self.config.token_cache_time) if self.shared is None else self.shared
        session = Session(service.bus, service.clock, self.account)
        return AuthToken(session, service.clock, self.config, cache)
