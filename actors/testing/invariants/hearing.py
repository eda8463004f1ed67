"""How invariants hear what happens, without a message more or a step more: a run is the same whether it is watched or not.

Three ways: a table that tells of each change (the stores are plain dictionaries), a method that tells of each call, and a gate that tells
of each decision of the guards behind it.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import attrs

from actors.context import Credentials, RequestContext
from actors.errors import Unauthorized
from actors.service import Gate, Guard, Service

K = TypeVar("K")
V = TypeVar("V")

Change = Callable[[Any, Any, Any], None]
"""Told of the key of a row, what it was and what it is; None where it was not, or is no more."""


class Table(dict[K, V]):
    """A table that tells listeners of each change, right after it."""

    __slots__ = ("listeners",)

    def __init__(self, rows: dict[K, V]) -> None:
        super().__init__(rows)
        self.listeners: tuple[Change, ...] = ()

    def __setitem__(self, key: K, value: V) -> None:
        old = self.get(key)
        super().__setitem__(key, value)
        for tell in self.listeners:
            tell(key, old, value)

    def __delitem__(self, key: K) -> None:
        self.pop(key)

    def pop(self, key: K, *default: Any) -> Any:
        """As of a dictionary."""
        if key not in self:
            return super().pop(key, *default)
        old = super().pop(key)
        for tell in self.listeners:
            tell(key, old, None)
        return old

    def update(self, *others: Any, **more: Any) -> None:
        """As of a dictionary."""
        rows: dict[Any, Any] = dict(*others, **more)
        for key, value in rows.items():
            self[key] = value


def listen_to_table(owner: Any, name: str, listener: Change) -> None:
    """Have *listener* told of each change of the table *name* of *owner*, which becomes a `Table`."""
    rows = getattr(owner, name)
    if not isinstance(rows, Table):
        rows = Table(rows)
        setattr(owner, name, rows)
    rows.listeners = (*rows.listeners, listener)


def listen_to_method(owner: Any, name: str, listener: Callable[..., None]) -> None:
    """Have *listener* told, with the result and the arguments, of each call of *owner*'s method *name* that did not raise."""
    method = getattr(owner, name)

    def told(*args: Any, **kwargs: Any) -> Any:
        result = method(*args, **kwargs)
        listener(result, *args, **kwargs)
        return result

    setattr(owner, name, told)


@attrs.define(eq=False)
class Answer:
    """That a handler has ended.

    Attributes:
        message: what it handled.
        context: what travelled along.
        by: address of whose handler it was.
        sender: address of whoever asked; empty outside of actors.
        result: what it returned.
        error: what it raised; None if nothing.
        id: of the message.
        correlation: id of the message that started the conversation.
    """

    message: Any
    context: object
    by: str
    sender: str
    result: Any
    error: Exception | None
    id: int
    correlation: int


@attrs.frozen
class Decision:
    """That a service has decided whether to let a call in.

    Attributes:
        service: address of the member that decided.
        credentials: what the call carried.
        accepted: whether it was let in; if not, it was answered 401.
        context: what the service made of it, where that is known.
        asked: when it began to look, true seconds since 1970.
        decided: when it had decided, likewise.
    """

    service: str
    credentials: Credentials
    accepted: bool
    context: RequestContext | None
    asked: float
    decided: float


@attrs.frozen
class HearingGate:
    """A gate that tells what the guards behind it decide.

    Attributes:
        gate: the gate.
        now: the true time.
        tell: told of each decision.
    """

    gate: Gate
    now: Callable[[], float]
    tell: Callable[[Decision], None]

    def opened(self, service: Service) -> Guard:
        """A guard for the life of *service* that begins."""
        return _HearingGuard(self.gate.opened(service), str(service.target), self.now, self.tell)


@attrs.frozen
class _HearingGuard:
    guard: Guard
    service: str
    now: Callable[[], float]
    tell: Callable[[Decision], None]

    async def admit(self, credentials: Credentials) -> RequestContext:
        asked = self.now()
        try:
            context = await self.guard.admit(credentials)
        except Unauthorized:
            self.tell(Decision(self.service, credentials, False, None, asked, self.now()))
            raise
        self.tell(Decision(self.service, credentials, True, context, asked, self.now()))
        return context
