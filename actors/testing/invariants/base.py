"""What an invariant is: a sentence that must hold, who must worry if it does not, and the code that looks."""

from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

if TYPE_CHECKING:
    from actors.testing.invariants.watch import Watch


class InvariantBroken(AssertionError):
    """A cloud did what it must never do. Its text says which invariants broke, when and how."""


class Verdict(Enum):
    """What a run showed of an invariant."""

    NEVER_EXERCISED = "never exercised"
    """What it speaks of did not happen, so that nothing is known."""
    HELD = "held"
    BROKEN = "broken"


@attrs.frozen
class Violation:
    """One way in which an invariant broke.

    Attributes:
        invariant: its name.
        time: seconds of simulated time at which it was seen.
        text: what was seen.
    """

    invariant: str
    time: float
    text: str

    def __str__(self) -> str:
        return f"{self.invariant} at {self.time:.6f} s: {self.text}"


class Invariant:
    """Base of the invariants: one object for each run.

    A subclass looks at each event that matters by asking the watch to be told of it (`observe`), or at the state when nothing is in
    transit any more (`at_rest`), or both.

    Args:
        watch: what it hears through.
    """

    name: ClassVar[str]
    """Such as ``"S1"``."""
    title: ClassVar[str]
    """A few words."""
    statement: ClassVar[str]
    """The sentence that must hold."""
    matters: ClassVar[str]
    """What it means to an operator if it does not."""

    def __init__(self, watch: "Watch") -> None:
        self.watch = watch
        self.cloud = watch.cloud
        self.stores = watch.cloud.stores
        self.exercised = False
        """Whether what it speaks of has happened."""

    def observe(self) -> None:
        """Ask to be told of what it must look at. Called once, before the cloud starts."""

    def at_rest(self) -> None:
        """Look at the state, in which nothing is in transit any more. May be called more than once."""

    def broken(self, text: str) -> None:
        """Report that it does not hold."""
        self.watch.report(self, text)

    def demand(self, holds: Any, text: str) -> None:
        """Note that it was put to the test, and report *text* unless it *holds*."""
        self.exercised = True
        if not holds:
            self.broken(text)
