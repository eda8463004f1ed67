"""Restraint: chance begins when the workload does, and no message or timer is so late that it would be a fault.

Searches aim delays at instants that matter, and such an instant may be an hour away. A message that is an hour late is not a matter of timing but
an outage, which a `actors.testing.faults.FaultPlan` says in so many words. And what happens while the cloud starts is not looked at.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

from bus.sim import World
from bus.sim.scheduler import Scheduler

LONGEST: Final = 15_000_000
"""Microseconds that a message or a timer may be late: an answer comes within half a minute, before anybody stops waiting for it."""


class Restraint:
    """A scheduler that asks another one, but for what would be too much.

    Args:
        inner: the other one.
    """

    def __init__(self, inner: Scheduler) -> None:
        self.calm = inner.calm
        self.push = inner.push
        self.pop = inner.pop
        self.began = False
        """Whether chance may decide how late things are."""
        self._inner = inner

    def __len__(self) -> int:
        return len(self._inner)

    def late(self, lane: str, n: int, nominal: int, draw: Callable[[Random], int] | None, aims: Sequence[int]) -> int:
        """At most `LONGEST`, aiming at what is within reach."""
        if not self.began:
            return 0
        reach = nominal + LONGEST
        late = self._inner.late(lane, n, nominal, draw, [aim for aim in aims if aim < reach])
        return late if late <= LONGEST else late % LONGEST

    def pick(self, lane: str, n: int, count: int) -> int:
        """As the other one."""
        return self._inner.pick(lane, n, count)

    def fault(self, lane: str, n: int, probability: float) -> bool:
        """As the other one."""
        return self._inner.fault(lane, n, probability)


def restrain(world: World) -> Callable[[], Any]:
    """Restrain the scheduler of a world that runs.

    Returns:
        What to call when the workload begins.
    """
    restraint = Restraint(world.loop.scheduler)
    world.loop.scheduler = restraint

    def begin() -> None:
        restraint.began = True

    return begin
