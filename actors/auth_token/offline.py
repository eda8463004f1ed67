"""PKI and PKIZ tokens, verified without asking Keystone about each: keystonemiddleware's part until 5.x.

Keystone is asked for its certificates once in a life, and for the signed list of revoked tokens whenever the one at hand is older
than `revocation_cache_time`. So a token of this kind needs Keystone after all, every ten seconds. What happens then is uneven:
if Keystone *answers* with an error, it is asked about the token instead; if it cannot be reached, the request ends with 503. And
`allow_expired` knows no window here: beside a service token, an expired PKI token is good for ever.

The order is the middleware's: first the list by the token's hashes, then the signature, then the list by audit ids.
"""

import math
from typing import Protocol

from cryptography.x509 import load_pem_x509_certificate

from actors.auth_token.body import read_token
from actors.auth_token.config import AuthTokenConfig
from actors.errors import CloudError
from actors.keystone.models import Certificates, Token
from actors.keystone.tokens import pki
from actors.keystone.tokens.cms import Trust
from actors.keystone.tokens.errors import KeyMalformed, TokenNotFound
from bus.clock import Clock

SIGNED = (pki.PKI_PREFIX, pki.PKIZ_PREFIX)
"""How the tokens start that are verified here."""


class PkiSource(Protocol):
    """Where certificates and revocation lists come from."""

    async def certificates(self) -> Certificates:
        """Fetch what verifies tokens and lists."""
        ...

    async def revocation_list(self) -> str:
        """Fetch the signed list of revoked tokens."""
        ...


class NotOffline(Exception):
    """Keystone answered with an error where its list or its certificates were expected."""


class OfflineValidation:
    """What one life of a service keeps to verify PKI tokens: what was its `signing_dir`.

    Args:
        source: where certificates and lists come from.
        clock: the service's.
        config: the options.
    """

    def __init__(self, source: PkiSource, clock: Clock, config: AuthTokenConfig) -> None:
        self._source = source
        self._clock = clock
        self._config = config
        self._trust: Trust | None = None
        self._fetched_at = -math.inf
        self._revoked: frozenset[str] = frozenset()

    def names(self, token: str) -> tuple[str, ...]:
        """What *token* may be called in the cache and on the list; itself, if it is no PKI token."""
        if not token.startswith(SIGNED):
            return (token,)
        return tuple(pki.token_id(token, algorithm) for algorithm in self._config.hash_algorithms)

    async def validate(self, token: str, names: tuple[str, ...]) -> Token:
        """Verify a PKI or PKIZ token; whether it has expired is for the caller to judge.

        Args:
            token: a text that starts like one.
            names: what it may be called, see `names`.

        Raises:
            TokenError: if it is revoked, or not signed by Keystone, or if that cannot be told with what Keystone sent.
            NotOffline: if Keystone has to be asked about it instead.
            BusError: if Keystone cannot be reached.
        """
        await self.refuse_revoked(names)
        body = read_token(pki.verify(token, await self._trusted(), self._clock.time()))
        await self.refuse_revoked(body.audit_ids)
        return body

    async def refuse_revoked(self, names: tuple[str, ...]) -> None:
        """Look for hashes or audit ids of a token in the revocation list, and fetch a new one if that is too old.

        Raises:
            TokenError: if the list holds one of them, or is not signed by Keystone.
            NotOffline: if Keystone answered with an error.
            BusError: if Keystone cannot be reached.
        """
        if self._clock.time() >= self._fetched_at + self._config.revocation_cache_time:
            await self._fetch_list()
        if not self._revoked.isdisjoint(names):
            raise TokenNotFound("Token has been revoked")

    async def _fetch_list(self) -> None:
        try:
            signed = await self._source.revocation_list()
        except CloudError as error:
            raise NotOffline from error
        revoked = pki.read_revocation_list(signed, await self._trusted(), self._clock.time())
        self._revoked = frozenset(name for entry in revoked for name in (entry.id, entry.audit_id) if name is not None)
        self._fetched_at = self._clock.time()
        self._clock.critical(self._fetched_at + self._config.revocation_cache_time, "revocation list end")

    async def _trusted(self) -> Trust:
        if self._trust is None:
            try:
                sent = await self._source.certificates()
            except CloudError as error:
                raise NotOffline from error
            try:
                ca, signing = map(load_pem_x509_certificate, (sent.ca.encode(), sent.signing.encode()))
            except ValueError as error:
                raise KeyMalformed("what Keystone sent are no certificates in PEM; mend its files") from error
            self._trust = Trust(ca, signing)
        return self._trust
