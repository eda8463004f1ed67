"""The invariants of a cloud: what must hold whatever happens, each with what it means to an operator if it does not.

General ones: none knows of a particular bug. Those named S are about safety and looked at with each event (some also at rest), those
named L about liveness and looked at when nothing is in transit any more. `Watch` installs them; `ALL` lists them by name.
"""

from typing import Final

from actors.testing.invariants.authority import AUTHORITY
from actors.testing.invariants.base import Invariant, InvariantBroken, Verdict, Violation
from actors.testing.invariants.calls import CALLS
from actors.testing.invariants.capacity import CAPACITY
from actors.testing.invariants.events import EVENTS
from actors.testing.invariants.liveness import LIVENESS
from actors.testing.invariants.network import NETWORK
from actors.testing.invariants.quotas import QUOTAS
from actors.testing.invariants.renewal import RENEWAL
from actors.testing.invariants.storage import STORAGE
from actors.testing.invariants.watch import Watch

ALL: Final[tuple[type[Invariant], ...]] = tuple(
    sorted(
        (*AUTHORITY, *CAPACITY, *QUOTAS, *NETWORK, *EVENTS, *STORAGE, *CALLS, *LIVENESS, *RENEWAL),
        key=lambda kind: (kind.name[0] != "S", int(kind.name[1:])),
    )
)
"""All of them, S1 first."""

NOT_EXERCISABLE: Final = {
    "S25": "there are no consoles, so nothing hands out a token for one",
}
"""Invariants that this cloud cannot put to the test, and why."""

__all__ = ["ALL", "NOT_EXERCISABLE", "Invariant", "InvariantBroken", "Verdict", "Violation", "Watch"]
