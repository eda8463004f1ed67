"""Errors of the cloud, split by what the reader can do about them.

::

    CloudError
    ├── Refused                   the cloud said no: the request must change (status 4xx)
    │   ├── BadRequest        400
    │   ├── Unauthorized      401
    │   ├── Forbidden         403
    │   ├── NotFound          404
    │   ├── Conflict          409
    │   └── TooLarge          413
    └── Trouble                   the cloud is in trouble: the same request may succeed later (status 5xx)
        ├── InternalError     500
        └── Unavailable       503

A service raises these or children of its own; they travel back to the asker as they are. Each class knows the HTTP status and
title that the real service answers, which is all that a gateway needs.
"""

from typing import ClassVar


class CloudError(Exception):
    """Base of every error that a service answers. Raised only as one of its children."""

    status: ClassVar[int]
    """HTTP status that the real service answers."""
    title: ClassVar[str]
    """HTTP title of that status."""


class Refused(CloudError):
    """The cloud said no. Not `Trouble`: repeating the request unchanged gets the same answer."""


class BadRequest(Refused):
    """The request makes no sense, or names something that does not exist."""

    status = 400
    title = "Bad Request"


class Unauthorized(Refused):
    """No valid token, or a wrong password."""

    status = 401
    title = "Unauthorized"


class Forbidden(Refused):
    """The token is valid, but not good for this; or a quota is used up."""

    status = 403
    title = "Forbidden"


class NotFound(Refused):
    """There is no such thing, or not for this project."""

    status = 404
    title = "Not Found"


class Conflict(Refused):
    """The thing is in a state in which this cannot be done, or somebody else was faster."""

    status = 409
    title = "Conflict"


class TooLarge(Refused):
    """The request, or what it would take, is too large."""

    status = 413
    title = "Request Entity Too Large"


class Trouble(CloudError):
    """The cloud is in trouble. Not `Refused`: the request may be fine."""


class InternalError(Trouble):
    """A service failed over the request."""

    status = 500
    title = "Internal Server Error"


class Unavailable(Trouble):
    """A service that is needed cannot be reached."""

    status = 503
    title = "Service Unavailable"
