"""The algorithms that decide what a run leaves open, one a file.

`fifo` is the calm run, `random` and `pct` search, `replay` follows the deviations of a schedule, `twice` holds two runs of
one schedule against each other. `record` is no algorithm: it writes down what another one answered.
"""

from bus.sim.schedule import CALM, Schedule
from bus.sim.scheduler import Scheduler
from bus.sim.schedulers.fifo import Fifo
from bus.sim.schedulers.pct import Pct
from bus.sim.schedulers.random import RandomOrder
from bus.sim.schedulers.replay import Replay

__all__ = ["Fifo", "Pct", "RandomOrder", "Replay", "scheduler_of"]


def scheduler_of(schedule: Schedule) -> Scheduler:
    """The scheduler that gives the answers of *schedule*."""
    if schedule.algorithm == CALM:
        return Replay(schedule.deviations) if schedule.deviations else Fifo()
    return RandomOrder(schedule.seed) if schedule.algorithm == "random" else Pct(schedule.seed)
