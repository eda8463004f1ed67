"""Keystone's own refusals."""

from actors.errors import NotFound


class TokenInvalid(NotFound):
    """The token is expired, revoked, or none of ours: 404 as the token asked about, 401 as the caller's own.

    Not for a token whose user, project or domain is gone: that is a plain `NotFound`, also as the caller's own.
    """
