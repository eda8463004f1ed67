"""The machine: several operations in flight at once, whatever the timing, and every invariant holds."""

from functools import partial
from random import Random

import attrs
import pytest
from hypothesis import HealthCheck, given, settings

from actors.testing.cases import SMALL, random_case
from actors.testing.faults import Crash, Late, Lost, Skew
from actors.testing.hunted import play
from actors.testing.invariants import InvariantBroken
from actors.testing.machine import Case, fuzz, run_case
from actors.testing.strategies import cases, schedules
from actors.testing.workloads import Boot, Delete, MakeVolume
from bus.sim import Schedule, World, replay
from bus.trace import MemorySink

FUZZ = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@given(case=cases(), schedule=schedules())
@settings(FUZZ, max_examples=40)
def test_nothing_breaks_whatever_people_do_and_however_long_it_takes(case, schedule):
    World(schedule=schedule).run(partial(fuzz, case))


def test_no_seed_breaks_anything():
    """`make soak` goes on to 20,000."""
    for seed in range(200):
        World(seed).run(play)


def test_a_failing_seed_says_how_to_run_it_again_and_then_fails_in_the_same_way(monkeypatch):
    config = attrs.evolve(SMALL, hosts=1)
    case = Case(workload=(Boot(server="a"), Delete(at=3, server="a")), config=config)
    monkeypatch.setattr("actors.testing.hunted.random_case", lambda _: case)
    monkeypatch.setattr("actors.nova.service.removal.Removal.delete_server", None)
    monkeypatch.setattr("actors.nova.store.NovaStore.forget", lambda *_: None)
    with pytest.raises(InvariantBroken) as first:
        World(5).run(play)
    line = str(Schedule.of(5))
    assert any(f"actors.testing.hunted:play {line}" in note for note in first.value.__notes__)
    assert any("Delete(at=3, server='a')" in note for note in first.value.__notes__)
    with pytest.raises(InvariantBroken) as second:
        replay(play, line)
    assert str(first.value) == str(second.value)


def test_a_seed_stands_for_one_case():
    assert random_case(Random(4)) == random_case(Random(4))
    assert random_case(Random(4)) != random_case(Random(5))


def test_a_case_reads_like_a_story():
    case = Case(
        workload=(Boot(at=1.5, server="a"), MakeVolume(volume="v")), config=SMALL, faults=(Lost(message="SpawnGuest"),)
    )
    assert "workload=(Boot(at=1.5, server='a'), MakeVolume(volume='v'))" in repr(case)
    assert "faults=(Lost(message='SpawnGuest'),)" in repr(case)


def test_faults_strike_when_they_are_to():
    sink = MemorySink()
    faults = (
        Late(message="CreatePort", seconds=3), Lost(message="UpdateInstanceInfo"), Crash(topic="glance", at=2),
        Skew(topic="nova-api", seconds=7),
    )  # fmt: skip

    async def story(world):
        watch = await run_case(Case(workload=(Boot(server="a"),), config=SMALL, faults=faults), world)
        return watch.accidents, watch.skew

    accidents, skew = World(trace=sink).run(story)
    kinds = [record.kind for record in sink.records]
    assert kinds.count("delay") == 1
    assert sorted(one.partition(" ")[0] for one in accidents) == ["crashed", "drop"]
    assert skew == 7
