"""Errors of simulated time.

::

    SimulationError
    ├── InvalidSchedule     a line that is no schedule, or not one of this version; also a UsageError
    ├── Escaped             the program tried to leave the simulation (a socket, a thread, a signal); also a UsageError
    ├── Stalled             nothing can ever happen again, and the program has not ended
    ├── OutOfBudget         the program took more steps, or more simulated time, than it was given
    └── Nondeterministic    two runs of one schedule parted
"""

from bus.errors import BusError, UsageError


class SimulationError(BusError):
    """Base of the errors of simulated time. Never raised as such."""


class InvalidSchedule(SimulationError, UsageError):
    """A line that does not say a schedule of this version: cut short, altered, or from another one."""


class Escaped(SimulationError, UsageError):
    """The program asked for something that simulated time has no power over."""


class Stalled(SimulationError):
    """Every task waits, no timer is set and no message is on its way. Not a timeout: waiting longer cannot help."""


class OutOfBudget(SimulationError):
    """The run was ended because it went past its budget of steps or of simulated seconds."""


class Nondeterministic(SimulationError):
    """Two runs of one schedule did not do the same: something other than the schedule decides."""
