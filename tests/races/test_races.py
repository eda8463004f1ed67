"""Every race of the catalogue: found, small, replayed; and the correct code withstands it."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

import actors.races
from actors.races import races
from actors.races.report import report, table
from actors.testing.invariants import ALL, InvariantBroken
from actors.testing.strategies import schedules
from bus.sim import Failure, Schedule, World, hunt, shrink
from bus.sim.__main__ import load
from bus.sim.world import address_of

RACES = sorted(races())
README = Path(actors.races.__file__).with_name("README.md").read_text()
LINES = re.findall(r"replay (actors\.races\.\w+:program) (sr1,\S+)", README)
LEAST, MOST = 20, 60
"""Runs that the correct code withstands in an ordinary test run: ten times as many as it took to find the race, within these."""

REPLAY = """
import sys, structlog
from bus.sim import replay
from bus.sim.__main__ import load

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
for place, line in zip(sys.argv[1::2], sys.argv[2::2]):
    try:
        replay(load(place), line)
    except Exception as error:
        print(place, type(error).__name__)
    else:
        print(place, "held")
"""


@cache
def found(name: str) -> Failure:
    failure = hunt(races()[name].programs()[0], runs=races()[name].runs, seed=1_000_000)
    assert failure is not None
    assert isinstance(failure.error, InvariantBroken), failure
    return failure


@cache
def small(name: str) -> Failure:
    return shrink(found(name), limit=100)


def assert_broken_in_a_new_process(lines):
    arguments = [part for line in lines for part in line]
    done = subprocess.run([sys.executable, "-c", REPLAY, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{place} InvariantBroken" for place, _ in lines]


@pytest.mark.parametrize("name", RACES)
def test_it_is_found_and_small_and_the_correct_code_withstands_ten_times_as_many_runs(name):
    race = races()[name]
    assert race.operations(small(name).schedule) <= race.min_operations + 1
    withstand = min(max(LEAST, 10 * found(name).runs), MOST)
    assert hunt(race.programs()[1], runs=withstand, seed=2_000_000) is None


def test_their_lines_replay_in_a_new_process():
    assert_broken_in_a_new_process([(address_of(small(name).program), str(small(name).schedule)) for name in RACES])


@pytest.mark.parametrize("name", RACES)
def test_its_line_says_where_it_is(name):
    program, counterpart = races()[name].programs()
    assert load(address_of(program)).__qualname__ == "program"
    assert load(address_of(counterpart)).__qualname__ == "counterpart"


@pytest.mark.parametrize("name", RACES)
def test_it_breaks_invariants_that_there_are_and_tells_its_story(name):
    race = races()[name]
    assert race.invariants
    assert set(race.invariants) <= {kind.name for kind in ALL}
    assert sys.modules[race.scenario.__module__].__doc__.startswith(f"`{name}`: ")
    assert (f"`{name}`" in README) or not race.today


@pytest.mark.parametrize("name", RACES)
def test_a_calm_run_shows_nothing(name):
    World().run(races()[name].programs()[0])


@pytest.mark.parametrize("name", RACES)
def test_hypothesis_finds_it(name):
    program = races()[name].programs()[0]

    @settings(
        max_examples=500, database=None, deadline=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(schedules(algorithms=("random", "pct")))
    def holds(schedule):
        World(schedule=schedule).run(program)

    with pytest.raises(InvariantBroken):
        holds()


def test_what_goes_wrong_today_is_in_the_readme_and_its_line_replays_in_a_new_process():
    assert_broken_in_a_new_process(LINES)
    today = {race.scenario.__module__ for race in races().values() if race.today}
    assert {place.partition(":")[0] for place, _ in LINES} == today


@pytest.mark.hunt
def test_each_is_found_in_nineteen_of_twenty_hunts_and_the_correct_code_withstands_ten_times_as_many_runs():
    findings = list(report())
    assert [finding.race for finding in findings] == RACES
    assert all(finding.good for finding in findings), table(findings)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("delete-over-migration", "sr1,random,3580,689108ec"),
        ("user-deleted-attachment", "sr1,random,1240,6b6299ee"),
    ],
)
def test_the_correct_code_holds_where_it_once_did_not(name, line):
    World(schedule=Schedule.parse(line)).run(races()[name].programs()[1])
