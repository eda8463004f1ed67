"""UUID tokens: 32 hexadecimal digits that say nothing; Keystone looks each one up, at every validation.

As keystone's `token/providers/uuid.py`, the default up to Folsom and again from Juno to Newton.
"""

import math
from typing import final

from attrs import frozen

from actors.keystone.tokens import body as bodies
from actors.keystone.tokens.claims import TokenClaims
from actors.keystone.tokens.randomness import Randomness, random_uuid
from actors.keystone.tokens.store import StoredToken, TokenStore


@final
@frozen(kw_only=True)
class UuidProvider:
    """Issues UUID tokens and looks them up."""

    store: TokenStore
    randomness: Randomness

    def issue(self, claims: TokenClaims, body: str, /) -> str:
        """Store the body under a new random name, which is the token."""
        token = random_uuid(self.randomness).hex
        self.store.insert(stored(token, claims, body))
        return token

    def read(self, token: str, _now: float = 0, /) -> TokenClaims:
        """Look a token up; whether it has expired is for the caller to judge."""
        return bodies.read(self.store.get(token).body)

    def revoke(self, token: str, /) -> None:
        """Flag the token's row."""
        self.store.revoke(token)


def stored(token_id: str, claims: TokenClaims, body: str) -> StoredToken:
    """Make the row for a token."""
    return StoredToken(
        id=token_id,
        expires=math.floor(claims.expires_at),
        body=body,
        user_id=claims.user_id,
        trust_id=claims.trust_id,
    )
