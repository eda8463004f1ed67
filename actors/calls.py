"""The two kinds of call that share the bus and must not be confused.

An *API call* carries a token, which the service that is called has checked by Keystone before it does anything. An *RPC*
stays within one service, is trusted, and carries the request context, with the user's token inside. Where an expiring
token bites follows from exactly this.
"""

from collections.abc import Callable
from typing import ClassVar, TypeVar

from actors.context import RequestContext
from bus.message import Request

R = TypeVar("R")

Rule = Callable[[RequestContext], bool]


def anybody(context: RequestContext) -> bool:
    """Policy: whoever has a valid token."""
    del context
    return True


def admin(context: RequestContext) -> bool:
    """Policy: administrators."""
    return context.is_admin


def admin_or_service(context: RequestContext) -> bool:
    """Policy: administrators and the accounts of services."""
    return context.is_admin or "service" in context.roles


class ApiRequest(Request[R]):
    """Base of the calls of a service's public API. Sent with `actors.context.Credentials` as its context."""

    __slots__ = ()

    policy: ClassVar[Rule] = staticmethod(anybody)
    """Who may call it. That a resource belongs to the caller's project is the handler's to check."""
    needs_token: ClassVar[bool] = True
    """False for the few calls that are made without a token, such as signing in."""


class Rpc(Request[R]):
    """Base of the calls between the actors of one service. Sent with `actors.context.RequestContext` as its context."""

    __slots__ = ()
