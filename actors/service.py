"""A service: an actor that checks who asks before it answers. Token, then policy, then handler."""

from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any, ClassVar, Protocol

import attrs
import structlog

from actors.calls import ApiRequest, Rpc
from actors.context import Credentials, RequestContext
from actors.errors import Forbidden
from actors.ids import Ids
from bus.actor import Actor, Handler
from bus.broker import current_context

_context: ContextVar[RequestContext] = ContextVar("request_context")


class Guard(Protocol):
    """Stands in front of one life of a service, and turns credentials into a request context."""

    async def admit(self, credentials: Credentials) -> RequestContext:
        """Check the tokens.

        Raises:
            Unauthorized: if they are not good.
            Unavailable: if Keystone cannot be asked.
        """
        ...


class Gate(Protocol):
    """Where guards come from: what one remembers is memory, and dies with the life that it guards."""

    def opened(self, service: "Service") -> Guard:
        """A guard for the life of *service* that begins, with its clock."""
        ...


def request_context() -> RequestContext:
    """Who asks for what the running handler does.

    Raises:
        LookupError: outside of a handler of an API call or an RPC.
    """
    return _context.get()


def request_id() -> str:
    """Id of the request that the running handler, or a task that it started, works on; empty outside of one."""
    context = _context.get(None)
    return "" if context is None else context.request_id


class Service(Actor):
    """Base of the services. Its handlers of `ApiRequest` run behind the gate, those of `Rpc` with the context that came along.

    Set `gate` in `__init__`; where `started` is overridden, it calls this class's first.
    """

    concurrency: ClassVar[int] = 64
    """As many requests at once as oslo.messaging's executor and an API's worker threads take."""
    gate: Gate
    guard: Guard
    ids: Ids
    """Makes ids, also of requests that come without one; a service may do without."""

    async def started(self) -> None:
        """Have this life guarded."""
        self.guard = self.gate.opened(self)

    def start_soon(self, function: Callable[..., Coroutine[Any, Any, object]], *args: object) -> None:
        """As `Actor.start_soon`, for whoever asks now."""
        context = _context.get(None)
        if context is None:
            super().start_soon(function, *args)
        else:
            super().start_soon(_for, context, function, args)

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        for kind, handler in cls.handlers.items():
            if issubclass(kind, ApiRequest) and kind.needs_token:
                cls.handlers[kind] = Handler(_behind_the_gate(handler), plain=False)
            elif issubclass(kind, Rpc):
                cls.handlers[kind] = Handler(_with_context(handler), plain=False)

    @property
    def log(self) -> Any:
        """A logger that names this actor and the request in hand. Never log a token or a password."""
        return structlog.get_logger(str(self.target.topic)).bind(actor=str(self.target), request_id=request_id())


def _behind_the_gate(handler: Handler) -> Any:
    async def call(service: Service, message: ApiRequest[Any]) -> Any:
        credentials = current_context()
        context = await service.guard.admit(credentials if isinstance(credentials, Credentials) else Credentials())
        if not type(message).policy(context):
            rule = type(message).policy.name
            raise Forbidden(f"policy does not allow {type(message).__name__} to be performed: it is for {rule}")
        if not context.request_id and (ids := getattr(service, "ids", None)) is not None:
            context = attrs.evolve(context, request_id=ids.request())
        return await _run(handler, service, message, context)

    return call


def _with_context(handler: Handler) -> Any:
    async def call(service: Service, message: Rpc[Any]) -> Any:
        context = current_context()
        if not isinstance(context, RequestContext):
            raise TypeError(f"{type(message).__name__} is an RPC: send it with the request context, not {context!r}")
        return await _run(handler, service, message, context)

    return call


async def _for(
    context: RequestContext, function: Callable[..., Coroutine[Any, Any, object]], args: tuple[object, ...]
) -> None:
    _context.set(context)
    await function(*args)


async def _run(handler: Handler, service: Service, message: Any, context: RequestContext) -> Any:
    token = _context.set(context)
    try:
        result = handler.call(service, message)
        return result if handler.plain else await result
    finally:
        _context.reset(token)
