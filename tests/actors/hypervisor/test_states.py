import pytest

from actors.hypervisor.errors import InvalidPowerState
from actors.hypervisor.models import PowerAction, PowerState
from actors.hypervisor.states import TRANSITIONS, after

ALLOWED = {
    "NOSTATE": {},
    "RUNNING": {"stop": "SHUTDOWN", "reboot": "RUNNING", "pause": "PAUSED", "suspend": "SUSPENDED"},
    "PAUSED": {"stop": "SHUTDOWN", "reboot": "RUNNING", "unpause": "RUNNING", "suspend": "SUSPENDED"},
    "SHUTDOWN": {"start": "RUNNING", "stop": "SHUTDOWN", "reboot": "RUNNING"},
    "CRASHED": {"start": "RUNNING", "stop": "SHUTDOWN", "reboot": "RUNNING"},
    "SUSPENDED": {"stop": "SHUTDOWN", "reboot": "RUNNING", "resume": "RUNNING"},
}


def test_the_numbers_are_those_of_nova():
    assert {one.name: one.value for one in PowerState} == {
        "NOSTATE": 0, "RUNNING": 1, "PAUSED": 3, "SHUTDOWN": 4, "CRASHED": 6, "SUSPENDED": 7,
    }  # fmt: skip


def test_every_action_has_its_row():
    assert set(TRANSITIONS) == set(PowerAction)


@pytest.mark.parametrize("state", list(PowerState))
@pytest.mark.parametrize("action", list(PowerAction))
def test_an_action_is_done_where_it_can_be_and_refused_elsewhere(state, action):
    then = ALLOWED[state.name].get(action.value)
    if then is not None:
        assert after(action, state).name == then
    else:
        with pytest.raises(InvalidPowerState, match=f"cannot {action.value} a guest that is {state.name}: it must be"):
            after(action, state)
