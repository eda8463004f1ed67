import pytest

from actors.hypervisor.config import HypervisorConfig
from actors.hypervisor.models import HostResources, PowerAction
from actors.hypervisor.store import HostStore


def test_every_action_takes_its_time():
    assert [HypervisorConfig().seconds(action) for action in PowerAction] == [2.0, 5.0, 5.0, 0.1, 0.1, 5.0, 5.0]


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf")])
@pytest.mark.parametrize(
    "option", ["spawn_seconds", "migration_seconds_per_gb", "ram_overcommit", "keepalive_interval"]
)
def test_nonsense_is_refused_with_option_value_and_range(option, wrong):
    with pytest.raises(ValueError, match=f"{option} = {wrong}: must be "):
        HypervisorConfig(**{option: wrong})


def test_a_host_that_takes_no_time_is_refused():
    with pytest.raises(ValueError, match="slowness = 0: must be above 0"):
        HostStore(HostResources(), slowness=0)
