"""Fernet tokens: the claims themselves, packed, encrypted and signed; stored nowhere.

The time in the envelope is the claim `issued_at`: nothing else in the token holds it.
"""

from typing import final

from attrs import frozen

from actors.keystone.tokens.cipher import IV_BYTES
from actors.keystone.tokens.claims import TokenClaims
from actors.keystone.tokens.errors import ClaimsInexpressible, PayloadMalformed
from actors.keystone.tokens.keys import KeyRepository
from actors.keystone.tokens.lifetime import LATEST, whole_second
from actors.keystone.tokens.payloads import Payloads
from actors.keystone.tokens.randomness import Randomness


@final
@frozen(kw_only=True)
class FernetProvider:
    """Issues and reads Fernet tokens with the keys of one node."""

    keys: KeyRepository
    randomness: Randomness
    """Where each token's initialization vector comes from."""
    payloads: Payloads = Payloads()

    def issue(self, claims: TokenClaims, _body: str = "", /) -> str:
        """Make a token with the primary key."""
        if not 0 <= claims.issued_at < LATEST:
            raise ClaimsInexpressible(
                f"a Fernet token cannot be issued at {claims.issued_at}; it must be between 1970 and the year 9999"
            )
        return self.keys.ring().seal(self.payloads.pack(claims), int(claims.issued_at), self.randomness(IV_BYTES))

    def read(self, token: str, _now: float = 0, /) -> TokenClaims:
        """Read a token with whichever key opens it; its age is not looked at."""
        envelope, payload = self.keys.open(token)
        try:
            issued_at = whole_second(envelope.timestamp)
        except ValueError as error:
            raise PayloadMalformed(f"the token is authentic, but its timestamp is none: {error}") from error
        return self.payloads.unpack(payload, issued_at)

    def revoke(self, _token: str, /) -> None:
        """Do nothing: no token is stored."""
