"""The two kinds of call that share the bus and must not be confused.

An *API call* carries a token, which the service that is called has checked by Keystone before it does anything. An *RPC*
stays within one service, is trusted, and carries the request context, with the user's token inside. Where an expiring
token bites follows from exactly this.
"""

from collections.abc import Callable
from typing import ClassVar, TypeVar

import attrs

from actors.context import RequestContext
from bus.message import Request

R = TypeVar("R")


@attrs.frozen
class Policy:
    """A rule that says who may make a call, by the roles that the token gives.

    Attributes:
        name: for messages.
        allows: whether whoever has this context may.
    """

    name: str
    allows: Callable[[RequestContext], bool] = attrs.field(repr=False)

    def __call__(self, context: RequestContext) -> bool:
        """Whether whoever has *context* may."""
        return self.allows(context)


anybody = Policy("anybody", lambda _: True)
"""Whoever has a valid token."""
admin = Policy("admin", lambda context: context.is_admin)
"""Administrators."""
admin_or_service = Policy("admin or service", lambda context: context.is_admin or "service" in context.roles)
"""Administrators and the accounts of services."""


class ApiRequest(Request[R]):
    """Base of the calls of a service's public API. Sent with `actors.context.Credentials` as its context."""

    __slots__ = ()

    policy: ClassVar[Policy] = anybody
    """Who may call it. That a resource belongs to the caller's project is the handler's to check."""
    needs_token: ClassVar[bool] = True
    """False for the few calls that are made without a token, such as signing in."""


class Rpc(Request[R]):
    """Base of the calls between the actors of one service. Sent with `actors.context.RequestContext` as its context."""

    __slots__ = ()
