"""Keystone's own refusals."""

from actors.errors import BadRequest, Forbidden, NotFound


class TokenInvalid(NotFound):
    """The token is expired, revoked, or none of ours: 404 as the token asked about, 401 as the caller's own.

    Not for a token whose user, project or domain is gone: that is a plain `NotFound`, also as the caller's own.
    """


class UserDisabled(TokenInvalid):
    """The token's user is disabled, which makes all tokens that the user has void for good."""


class TrustNotFound(NotFound):
    """There is no such trust, or it was deleted, is over or used up: 401 for whoever signs in with it."""


class TrustUseLimitReached(Forbidden):
    """Somebody else took the last use of the trust in the meantime."""


class ValidationError(BadRequest):
    """A field of a request's body is missing, or not what it should be.

    Args:
        text: what is wrong.
        field: where, such as ``identity/password/user``.
    """

    def __init__(self, text: str, field: str) -> None:
        super().__init__(text)
        self.field = field
