"""The strategies give what they promise, refuse nonsense, and are smallest where nothing is wrong."""

import pytest
from hypothesis import find, given, settings
from hypothesis.errors import InvalidArgument

from actors.testing.machine import Case
from actors.testing.strategies import (
    TokenSetup,
    cases,
    clock_skews,
    crashes,
    fault_plans,
    latencies,
    losses,
    operations,
    schedules,
    small_clouds,
    token_setups,
    workloads,
)
from actors.testing.workloads import Boot
from bus.sim import Latency, Schedule


def test_the_smallest_case_is_one_boot_in_a_calm_world():
    case = find(cases(), lambda _: True)
    assert case.workload == (Boot(server="a"),)
    assert case.faults == ()
    assert case.config.hosts == 2
    assert case.config.keystone == TokenSetup().keystone


def test_the_smallest_schedule_is_the_calm_one():
    assert find(schedules(), lambda _: True) == Schedule()


def test_workloads_and_faults_shrink_to_what_they_need():
    workload = find(workloads(), lambda workload: len(workload) >= 3)
    assert [one.at for one in workload] == [0, 0, 0]
    (fault,) = find(fault_plans(), bool)
    assert (fault.nth, fault.seconds, fault.answer) == (1, 0, False)


@given(case=cases(faults=fault_plans(faults=losses() | crashes() | clock_skews())))
@settings(max_examples=50)
def test_every_case_has_a_boot_and_valid_values(case):
    assert isinstance(case, Case)
    assert any(isinstance(one, Boot) for one in case.workload)
    assert "Case(workload=(" in repr(case)


@given(latency=latencies(longest=0.5), setup=token_setups(providers=("jws",)), config=small_clouds(max_hosts=1))
@settings(max_examples=50)
def test_arguments_are_obeyed(latency, setup, config):
    assert isinstance(latency, Latency)
    assert setup.keystone.provider == "jws"
    assert config.hosts == 1


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (schedules, {"algorithms": ()}),
        (latencies, {"longest": 0}),
        (operations, {"servers": ()}),
        (clock_skews, {"largest": -1}),
        (small_clouds, {"max_hosts": 0}),
    ],
)
def test_bad_arguments_are_refused(make, arguments):
    with pytest.raises(InvalidArgument, match=next(iter(arguments))):
        make(**arguments)
