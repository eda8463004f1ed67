"""Actors: state that one class owns, and the handlers through which alone others reach it.

An actor is started by a bus, from a class and its arguments, so that it can be started again after a crash: what its
`__init__` makes is memory and dies with it, what it is handed (a database) survives. It handles up to `concurrency` messages
at once; between two awaits of a handler nothing else runs, and that is the only atomicity there is.

A handler's context variables belong to the worker task that runs it, which handles one message after the other: bind
what you log at the start of the handler.
"""

import inspect
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from bus.errors import NotRunning, UsageError
from bus.mailbox import Overflow
from bus.message import HANDLES
from bus.topic import Target
from bus.worker import current_worker

if TYPE_CHECKING:
    from bus.broker import Bus
    from bus.cell import Cell
    from bus.clock import Clock


@attrs.frozen
class Handler:
    """How an actor class handles one class of messages.

    Attributes:
        call: the method, unbound.
        plain: it is a plain function, run at delivery.
        inherited: it was declared for a base of the message's class, and found when such a message first came.
    """

    call: Callable[[Any, Any], Any]
    plain: bool
    inherited: bool = False


class Actor:
    """Base of all actors. Subclass it, mark handlers, and give it to `Bus.start`."""

    topic: ClassVar[str] = ""
    """The topic it listens on, unless `Bus.start` is told another."""
    concurrency: ClassVar[int] = 1
    """Messages it handles at once."""
    capacity: ClassVar[int] = 1000
    """Messages its mailbox holds."""
    overflow: ClassVar[Overflow] = Overflow.WAIT
    """What happens to a message that finds the mailbox full."""
    group: ClassVar[str | None] = None
    """Of all actors in one group, one gets a copy of an event; None: this actor gets each."""

    handlers: ClassVar[dict[type, Handler]] = {}
    """Message class to handler, made from the marked methods of the class and its bases."""

    _cell: "Cell"

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        table: dict[type, Handler] = {}
        names: dict[type, str] = {}
        for base in reversed(cls.__mro__):
            for name, value in vars(base).items():
                for handled in getattr(value, HANDLES, ()):
                    if names.setdefault(handled, name) != name:
                        msg = f"{cls.__name__} has two handlers for {handled.__name__}: {names[handled]} and {name}"
                        raise UsageError(msg)
        for handled, name in names.items():
            method = getattr(cls, name)  # a subclass may override it without marking it again
            table[handled] = Handler(method, plain=not inspect.iscoroutinefunction(method))
        cls.handlers = table

    async def started(self) -> None:
        """Called before the first message of each life is handled. May use the bus."""

    async def stopped(self) -> None:
        """Called when it is stopped, after its last message. Not called when it crashes."""

    @property
    def bus(self) -> "Bus":
        """The bus that runs it."""
        return self._cell.bus

    @property
    def clock(self) -> "Clock":
        """Its own clock."""
        return self._cell.clock

    @property
    def target(self) -> Target:
        """Its own address."""
        return self._cell.target

    def start_soon(self, function: Callable[..., Coroutine[Any, Any, object]], *args: object) -> None:
        """Run *function* with *args* beside the handlers, until it ends or this life of the actor does.

        What it raises crashes the actor.
        """
        self._cell.start_soon(function, *args)

    def watch(self, target: Target) -> None:
        """Ask for one `Terminated` when the actor at *target* next ends, or at once if there is none."""
        self._cell.bus.watch(target, self._cell)

    def heartbeat(self) -> None:
        """Tell whoever asked with ``monitor=`` that the message in hand is still being worked on."""
        worker = current_worker.get()
        if worker is None or worker.envelope is None:
            msg = "heartbeat() shows progress of the message in hand: call it in a handler"
            raise NotRunning(msg)
        self._cell.bus.heartbeat(worker.envelope)

    def stop(self) -> None:
        """End this life once the messages in hand are done.

        A permanent child of a supervisor then begins a new life, which gets what is left in the mailbox. Any other actor has
        ended: `stopped` is called, and what is left is answered with an error.
        """
        self._cell.stop_soon()
