"""The check in front of a service: keystonemiddleware's `auth_token`, as of 13.0.1.

A token that Keystone called good is remembered for `token_cache_time` seconds, whatever happens to it meanwhile, but its expiry
is looked at on every request. It may come with the token of a service that asks on the user's behalf: if that service has one
of the `service_token_roles`, a user's token that has expired still counts, as long as Keystone lets it.

Two boundaries differ from Keystone's: here a token is good *at* its `expires_at`, and an entry is forgotten when whole seconds
say so.
"""

import hashlib
import math
from typing import Protocol

import attrs
from attrs.validators import ge

from actors.context import Credentials, RequestContext
from actors.errors import CloudError, NotFound, Unauthorized, Unavailable
from actors.keystone.models import Token
from bus.clock import Clock
from bus.errors import BusError

REFUSED = "The request you have made requires authentication."


@attrs.frozen(kw_only=True)
class AuthTokenConfig:
    """The middleware's options, with its names and defaults.

    Attributes:
        token_cache_time: seconds for which a good token is remembered; -1 to ask Keystone each time.
        service_token_roles: a service token needs one of these to be one.
        service_token_roles_required: whether a service token without one spoils the request (true since 13.0.0).
    """

    token_cache_time: int = attrs.field(default=300, validator=ge(-1))
    service_token_roles: tuple[str, ...] = ("service",)
    service_token_roles_required: bool = True


class Validator(Protocol):
    """Asks Keystone about a token, with the service's own credentials."""

    async def validate(self, token: str, *, allow_expired: bool) -> Token:
        """Ask Keystone.

        Raises:
            NotFound: if the token is not good.
        """
        ...


class TokenCache:
    """Tokens that Keystone called good, by the hash of their text. One for each member of a service, or one for all.

    Every entry lives as long as every other one, so the oldest is always the first.
    """

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._entries: dict[bytes, tuple[int, Token]] = {}

    def get(self, token: str, now: float) -> Token | None:
        """What was remembered of *token*, at *now* seconds of the service's clock."""
        self._drop_old(math.floor(now))
        entry = self._entries.get(_key(token))
        return None if entry is None else entry[1]

    def put(self, token: str, body: Token, now: float) -> None:
        """Remember *body*."""
        if self._seconds > 0:
            key = _key(token)
            self._entries.pop(key, None)
            self._entries[key] = (math.floor(now) + self._seconds, body)

    def __len__(self) -> int:
        return len(self._entries)

    def _drop_old(self, now: int) -> None:
        while self._entries:
            oldest = next(iter(self._entries))
            if self._entries[oldest][0] > now:
                return
            del self._entries[oldest]


class AuthToken:
    """The guard of one life of one member of a service.

    Args:
        validator: asks Keystone.
        clock: the member's.
        config: the options.
        cache: where good tokens are remembered: one of its own, or one that members share.
    """

    def __init__(self, validator: Validator, clock: Clock, config: AuthTokenConfig, cache: TokenCache) -> None:
        self._validator = validator
        self._clock = clock
        self._config = config
        self._cache = cache

    async def admit(self, credentials: Credentials) -> RequestContext:
        """Check the tokens that a call carries, the service's first.

        Raises:
            Unauthorized: if the user's token is not good, or a service token came along that is not.
            Unavailable: if Keystone could not be asked.
        """
        service, allow_expired = None, False
        if credentials.service_token is not None:
            service = await self._fetch(credentials.service_token, allow_expired=False)
            wanted = self._config.service_token_roles
            allow_expired = any(role in wanted for role in service.role_names)
            if not allow_expired and self._config.service_token_roles_required:
                raise Unauthorized(REFUSED)
        if credentials.token is None:
            raise Unauthorized(REFUSED)
        body = await self._fetch(credentials.token, allow_expired=allow_expired)
        return context_of(body, credentials, () if service is None else service.role_names)

    async def _fetch(self, token: str, *, allow_expired: bool) -> Token:
        text = token.strip()
        body = self._cache.get(text, self._clock.time())
        if body is None:
            body = await self._ask(text, allow_expired=allow_expired)
            now = self._clock.time()
            self._cache.put(text, body, now)
            self._clock.critical(body.expires_at, "token expiry")
            self._clock.critical(now + self._config.token_cache_time, "token cache end")
        if body.expires_at < self._clock.time() and not allow_expired:
            raise Unauthorized(REFUSED)
        return body

    async def _ask(self, token: str, *, allow_expired: bool) -> Token:
        """Ask Keystone; once more if it does not take the service's own token, as the middleware does."""
        for last in (False, True):
            try:
                return await self._validator.validate(token, allow_expired=allow_expired)
            except NotFound:
                raise Unauthorized(REFUSED) from None
            except Unauthorized as error:
                if last:
                    raise Unavailable(f"The Keystone service is temporarily unavailable: {error}") from error
            except (CloudError, BusError) as error:
                raise Unavailable(f"The Keystone service is temporarily unavailable: {error}") from error
        raise AssertionError("unreachable")


def context_of(token: Token, credentials: Credentials, service_roles: tuple[str, ...] = ()) -> RequestContext:
    """The request context that a good token makes."""
    roles = token.role_names
    return RequestContext(
        user_id=token.user.id,
        project_id=None if token.project is None else token.project.id,
        user_domain_id=token.user.domain_id,
        project_domain_id=None if token.project is None else token.project.domain_id,
        roles=roles,
        system_scope=token.system,
        is_admin="admin" in roles,
        token=credentials.token or "",
        service_roles=service_roles,
        request_id=credentials.request_id,
    )


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
