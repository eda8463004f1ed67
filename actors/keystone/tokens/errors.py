"""What can go wrong with a token, split by whose fault it is.

    TokenError
    ├── TokenRefused             they sent something that is no valid token
    │   ├── TokenNotRecognized   Fernet: no key opens it, or its version is unknown
    │   └── TokenNotFound        JWS, PKI: no key signed it; UUID, PKI: nothing stored under it
    ├── TokenUnreadable          a key of ours made it, and Keystone fails over it
    │   ├── PayloadMalformed     it is authentic, but what it carries is not a token's payload
    │   └── TokenFromTheFuture   JWS: it was issued later than the verifier's clock says it is
    ├── ClaimsInexpressible      we asked a format to say what it cannot say
    └── KeysUnusable             the operator's key repository is in trouble
        ├── KeysNotFound         it is missing, not accessible, or holds no key
        ├── KeyMalformed         a file in it is not a key
        └── KeyFileMissing       a file operation found its file gone

Each class says which HTTP status Keystone answers, as observed on keystone 30.0.0: `subject_status` when the token is
the one that is asked about (X-Subject-Token), `caller_status` when it is the caller's own (X-Auth-Token). No message
holds a token, a key or a password.
"""

from typing import ClassVar


class TokenError(Exception):
    """Anything that can go wrong with a token; raised only as one of its children."""

    subject_status: ClassVar[int] = 500
    """HTTP status when the token was asked about."""
    caller_status: ClassVar[int] = 500
    """HTTP status when the token was the caller's own."""


class TokenRefused(TokenError):
    """The text is no valid token. Not for tokens that are expired or revoked: those are read first, then judged."""

    subject_status = 404
    caller_status = 401


class TokenNotRecognized(TokenRefused):
    """No Fernet key opens the text, or its payload has a version that does not exist."""


class TokenNotFound(TokenRefused):
    """No key that is trusted signed the text, or nothing is stored under it."""


class TokenUnreadable(TokenError):
    """A key of ours made this token, and Keystone itself fails over it; not a forgery, which is `TokenRefused`."""


class PayloadMalformed(TokenUnreadable):
    """The token is authentic, but what it carries does not have the shape of a token's payload."""


class TokenFromTheFuture(TokenUnreadable):
    """The token was issued later than the verifier's clock says it is now: the clocks of two nodes disagree."""


class ClaimsInexpressible(TokenError):
    """The chosen format cannot say these claims, such as a trust whose id is no UUID."""


class KeysUnusable(TokenError):
    """The key repository is in trouble, so no token can be issued or read; an operator has to mend it."""


class KeysNotFound(KeysUnusable):
    """The key repository is missing, is not accessible, or holds no key."""


class KeyMalformed(KeysUnusable):
    """A file in the key repository is not a key. Not for empty files, which are passed over."""


class KeyFileMissing(KeysUnusable):
    """A file to be read, renamed or removed is not there: a rotation was cut short, or another one is under way."""
