"""The algorithm of `auth_token`: who asks, by the tokens that a request carries.

A token that was found good is remembered for `token_cache_time` seconds, whatever happens to it meanwhile, but its expiry is
looked at on every request. What was found bad is not remembered (until 10.2.0 it was, so that one plain call could spoil a later
call beside a service token). A request may carry the token of a service that asks on the user's behalf: if that service has one of
the `service_token_roles`, a user's token that has expired still counts, as long as Keystone lets it or the cache remembers it.

Two boundaries differ from Keystone's: here a token is good *at* its `expires_at`, and an entry is forgotten when whole seconds
say so.
"""

from contextlib import suppress
from typing import Protocol

from actors.auth_token.cache import Remembered, TokenCache
from actors.auth_token.config import AuthTokenConfig
from actors.auth_token.offline import SIGNED, NotOffline, OfflineValidation, PkiSource
from actors.context import Credentials, RequestContext
from actors.errors import CloudError, NotFound, Unauthorized, Unavailable
from actors.keystone.models import Token
from actors.keystone.tokens.errors import TokenError
from bus.clock import Clock
from bus.errors import BusError

REFUSED = "The request you have made requires authentication."
OUTAGE = "The Keystone service is temporarily unavailable."


class Validator(PkiSource, Protocol):
    """Asks Keystone, with the service's own credentials."""

    async def validate(self, token: str, *, allow_expired: bool) -> Token:
        """Ask about a token.

        Raises:
            NotFound: if the token is not good.
        """
        ...


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
        self._offline = OfflineValidation(validator, clock, config)
        self._service_roles = frozenset(config.service_token_roles)

    async def admit(self, credentials: Credentials) -> RequestContext:
        """Check the tokens that a call carries, the service's first.

        Raises:
            Unauthorized: if the user's token is not good, or a service token came along that is not.
            Unavailable: if Keystone could not be asked.
        """
        service, is_service = None, False
        if credentials.service_token:
            service, is_service = await self._check_service(credentials.service_token)
        if not credentials.token:
            raise Unauthorized(REFUSED)
        user = await self._check(credentials.token, allow_expired=is_service)
        if service is None and credentials.service_token and not self._config.delay_auth_decision:
            raise Unauthorized(REFUSED)
        return _context(user, service, credentials)

    async def _check_service(self, token: str) -> tuple[Remembered | None, bool]:
        """What is known of a service token, None if it is not good; and whether it makes an expired token of a user count."""
        try:
            service = await self._check(token, allow_expired=False)
        except Unauthorized:
            return None, False
        is_service = not self._service_roles.isdisjoint(service.roles)
        return service if is_service or not self._config.service_token_roles_required else None, is_service

    async def _check(self, token: str, *, allow_expired: bool) -> Remembered:
        text = token.strip()
        known = self._cache.get(text)
        if known is None or self._config.check_revocations_for_cached:
            known = await self._look_up(text, allow_expired=allow_expired)
        if known.token.expires_at < self._clock.time() and not allow_expired:
            raise Unauthorized(REFUSED)
        return known

    async def _look_up(self, token: str, *, allow_expired: bool) -> Remembered:
        """Find out about a token that is not remembered by its text, or not trusted to be."""
        names = self._offline.names(token)
        try:
            for name in names:
                if (known := self._cache.get(name)) is not None:
                    if self._config.check_revocations_for_cached:
                        await self._offline.refuse_revoked(names)
                    return known
            body = await self._validate(token, names, allow_expired=allow_expired)
        except TokenError as error:
            raise Unauthorized(REFUSED) from error
        except (NotOffline, Unavailable, BusError) as error:
            outage = Unauthorized(REFUSED) if self._config.delay_auth_decision else Unavailable(OUTAGE)
            raise outage from error
        known = Remembered(body)
        self._cache.put(names[0], known, self._config.token_cache_time)
        self._clock.critical(body.expires_at, "token expiry")
        return known

    async def _validate(self, token: str, names: tuple[str, ...], *, allow_expired: bool) -> Token:
        if token.startswith(SIGNED):
            with suppress(NotOffline):
                return await self._offline.validate(token, names)
        return await self._ask(token, allow_expired=allow_expired)

    async def _ask(self, token: str, *, allow_expired: bool) -> Token:
        """Ask Keystone; once more if it does not take the service's own token, and then the middleware forgets *allow_expired*."""
        for last, window in ((False, allow_expired), (True, False)):
            try:
                return await self._validator.validate(token, allow_expired=window)
            except NotFound:
                raise Unauthorized(REFUSED) from None
            except Unauthorized as error:
                if last:
                    raise Unavailable(OUTAGE) from error
            except (CloudError, BusError) as error:
                raise Unavailable(OUTAGE) from error
        raise AssertionError("unreachable")


def context_of(token: Token, credentials: Credentials) -> RequestContext:
    """The request context that a good token makes."""
    return _context(Remembered(token), None, credentials)


def _context(user: Remembered, service: Remembered | None, credentials: Credentials) -> RequestContext:
    """The request context that a good token makes, with that of a service beside it.

    The scope `system` is the service's, if there is a service: the middleware writes both into the same header, the service's last.
    """
    last = user.context
    if (
        last is not None
        and user.beside is service
        and last.request_id == credentials.request_id
        and last.token == credentials.token
    ):
        return last
    token, roles = user.token, user.roles
    user.beside = service
    user.context = RequestContext(
        user_id=token.user.id,
        project_id=None if token.project is None else token.project.id,
        user_domain_id=token.user.domain_id,
        project_domain_id=None if token.project is None else token.project.domain_id,
        roles=roles,
        system_scope=token.system if service is None else service.token.system,
        is_admin="admin" in roles,
        token=credentials.token or "",
        service_roles=() if service is None else service.roles,
        request_id=credentials.request_id,
    )
    return user.context
