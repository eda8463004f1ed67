"""What lies between the actors of a bus. In real time nothing does; a simulation puts latency, order and faults there."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from bus.clock import Clock
from bus.envelope import Envelope

if TYPE_CHECKING:
    from bus.cell import Cell


class Network(Protocol):
    """Carries messages and answers, and decides what a bus leaves open."""

    @property
    def is_instant(self) -> bool:
        """Whether what is carried now takes no time and cannot be lost, so that an answer need not be carried."""
        ...

    def route(self, envelope: Envelope, destination: "Cell") -> object:
        """Note which way *envelope* will go, while its sender runs: it is carried later."""
        ...

    def carry(self, envelope: Envelope, destination: "Cell") -> None:
        """Have *envelope* delivered, in its own time, or lose it."""
        ...

    def carry_all(self, envelope: Envelope, destinations: "Sequence[Cell]") -> None:
        """Carry a copy to each destination."""
        ...

    def carry_back(self, envelope: Envelope, source: "Cell", arrive: Callable[..., None], *args: Any) -> None:
        """Have ``arrive(envelope, *args)`` called where *envelope* came from: an answer or a heartbeat of *source*."""
        ...

    def choose(self, name: str, count: int) -> int:
        """Which of the *count* members of a topic or group takes the next message, counted from whose turn it is."""
        ...

    def clock(self, name: str) -> Clock:
        """The clock of the actor called *name*."""
        ...

    def forget(self, cell: "Cell") -> None:
        """Drop what is kept for an actor that has ended."""
        ...
