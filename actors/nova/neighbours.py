"""How Nova's services call the others: with the user's token, or as Nova itself.

The user's token travels inside the request context and can be renewed by nobody here: a 401 to it is final. Nova's own account
renews its token as often as it must. Which of the two a call takes is the whole difference between a boot that survives an
expiry and one that does not.
"""

from typing import Protocol, TypeVar

from actors.calls import ApiRequest
from actors.context import RequestContext
from actors.service import Service
from bus.topic import Target

R = TypeVar("R")


class Calls(Protocol):
    """The calls of one life of one service."""

    async def as_user(
        self, request: ApiRequest[R], context: RequestContext, *, to: Target | str | None = None,
        timeout: float | None = None, monitor: float | None = None,
    ) -> R:  # fmt: skip
        """Call with the token of whoever asks, and the service's own beside it if `send_service_user_token` is on.

        What a service does of its own accord has a context without a token: then it calls with its own account.

        Raises:
            CloudError: what is answered; 401 also if the token has expired meanwhile.
            BusError: if nobody answers.
        """
        ...

    async def as_nova(self, request: ApiRequest[R]) -> R:
        """Call with Nova's own account.

        Raises:
            CloudError: what is answered.
            BusError: if nobody answers.
        """
        ...


class Caller(Protocol):
    """Where calls come from: the token of Nova's account is memory, and dies with the life that fetched it."""

    def opened(self, service: Service) -> Calls:
        """The calls of the life of *service* that begins."""
        ...
