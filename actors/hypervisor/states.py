"""Which power state lets a guest do what, and where that leads."""

from typing import Final

from actors.hypervisor.errors import InvalidPowerState
from actors.hypervisor.models import PowerAction, PowerState

NOSTATE, RUNNING, PAUSED, SHUTDOWN, CRASHED, SUSPENDED = PowerState

ON: Final = frozenset({NOSTATE, RUNNING, PAUSED})
"""The guest holds memory."""
MOVABLE: Final = frozenset({RUNNING, PAUSED})
"""The guest can be migrated live."""


TRANSITIONS: Final = {
    PowerAction.START: ({SHUTDOWN, CRASHED}, RUNNING),
    PowerAction.STOP: ({RUNNING, PAUSED, SUSPENDED, CRASHED, SHUTDOWN}, SHUTDOWN),
    PowerAction.REBOOT: ({RUNNING, PAUSED, SUSPENDED, CRASHED, SHUTDOWN}, RUNNING),
    PowerAction.PAUSE: ({RUNNING}, PAUSED),
    PowerAction.UNPAUSE: ({PAUSED}, RUNNING),
    PowerAction.SUSPEND: ({RUNNING, PAUSED}, SUSPENDED),
    PowerAction.RESUME: ({SUSPENDED}, RUNNING),
}
"""The states in which an action can be done, and the state that it leads to. A reboot is a hard one: it starts what is off."""


def after(action: PowerAction, state: PowerState) -> PowerState:
    """The state to which *action* leads from *state*.

    Raises:
        InvalidPowerState: if it cannot be done there.
    """
    allowed, then = TRANSITIONS[action]
    if state not in allowed:
        names = ", ".join(one.name for one in PowerState if one in allowed)
        raise InvalidPowerState(f"cannot {action.value} a guest that is {state.name}: it must be one of {names}")
    return then
