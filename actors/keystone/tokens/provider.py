"""The one protocol of all token formats."""

from typing import Protocol

from actors.keystone.tokens.claims import TokenClaims


class Provider(Protocol):
    """A token format, as Keystone uses it. It knows nothing of expiry and revocation: whoever reads judges."""

    def issue(self, claims: TokenClaims, body: str, /) -> str:
        """Make a token.

        Args:
            claims: What it says; times are cut to whole seconds.
            body: The JSON text that Keystone answers beside the token, see `body.render`. Only formats that store
                tokens keep it.

        Returns:
            The token's text, which is a secret.

        Raises:
            TokenError: `ClaimsInexpressible` or `KeysUnusable`.
        """
        ...

    def read(self, token: str, now: float, /) -> TokenClaims:
        """Read a token that may be anything.

        Args:
            token: A text that somebody sent.
            now: Seconds since the epoch by the reader's clock.

        Raises:
            TokenError: It is none of ours, or cannot be read; `subject_status` and `caller_status` say what to answer.
        """
        ...

    def revoke(self, token: str, /) -> None:
        """Forget a token, if it is stored; for all others only a revocation event tells that it is void."""
        ...
