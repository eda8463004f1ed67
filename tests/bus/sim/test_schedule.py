"""A schedule is one line of text, and nothing but a whole line of this version is one."""

import subprocess
import sys

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bus.errors import UsageError
from bus.sim import Deviation, Schedule, World
from bus.sim.errors import InvalidSchedule
from bus.sim.schedule import ALGORITHMS, KINDS, VERSION

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
DEVIATIONS = st.builds(
    Deviation,
    kind=st.sampled_from(KINDS),
    lane=ANY_TEXT,
    n=st.integers(0, 10**9),
    value=st.integers(-(10**12), 10**12),
)
CALM = st.builds(Schedule, seed=st.integers(), deviations=st.lists(DEVIATIONS, max_size=5).map(tuple))
SEARCHING = st.builds(Schedule, algorithm=st.sampled_from(ALGORITHMS), seed=st.integers())
SCHEDULES = CALM | SEARCHING


@given(SCHEDULES)
def test_any_schedule_is_a_line_and_back(schedule):
    line = str(schedule)

    assert line.isascii()
    assert line.isprintable()
    assert " " not in line
    assert Schedule.parse(line) == schedule
    assert Schedule.parse(f"  {line}\n") == schedule


@given(SCHEDULES, st.data())
def test_a_line_cut_short_is_refused(schedule, data):
    line = str(schedule)
    cut = line[: data.draw(st.integers(0, len(line) - 1))]

    with pytest.raises(InvalidSchedule):
        Schedule.parse(cut)


@given(SCHEDULES, st.data())
def test_a_line_altered_by_one_character_is_refused(schedule, data):
    line = str(schedule)
    place = data.draw(st.integers(0, len(line) - 1))
    other = data.draw(st.sampled_from("0123456789abcdefsr,:@=%-~.") | st.characters())
    altered = line[:place] + other + line[place + 1 :]
    assume(altered.strip() != line)

    with pytest.raises(InvalidSchedule):
        Schedule.parse(altered)


@given(SCHEDULES)
def test_a_line_of_another_version_is_refused_by_name(schedule):
    line = str(schedule).replace(VERSION, "sr9", 1)

    with pytest.raises(InvalidSchedule, match=f"version {VERSION}.*sr9"):
        Schedule.parse(line)


@given(st.text())
def test_other_text_is_refused(text):
    with pytest.raises(InvalidSchedule):
        Schedule.parse(text)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "version"),
        ("sr1,calm,0,00000000", "copy the whole line"),
        ("sr1,calm,0,65fed57", "cut short"),
        ("seed 7", "version"),
        ("sr1", "version"),
    ],
)
def test_a_refusal_says_what_is_wrong(line, why):
    with pytest.raises(InvalidSchedule, match=why):
        Schedule.parse(line)


def whole(body):
    """*body* with the check that fits it."""
    import zlib

    return f"{body},{zlib.crc32(body.encode()):08x}"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("sr1,dfs,0", "no algorithm is called 'dfs'; there are calm, random, pct"),
        ("sr1,calm,x", "invalid literal"),
        ("sr1,calm", "not a schedule"),
        ("sr1,calm,0,hold:a@1", "kind:lane@n=value"),
        ("sr1,calm,0,jump:a@1=2", "hold, late, pick, fault"),
        ("sr1,random,0,hold:a@1=2", "must be 'calm'"),
    ],
)
def test_a_whole_line_that_is_no_schedule_is_refused(body, why):
    with pytest.raises(InvalidSchedule, match=why):
        Schedule.parse(whole(body))


def test_a_refused_line_is_wrong_use():
    assert issubclass(InvalidSchedule, UsageError)


def test_a_seed_stands_for_an_algorithm_of_the_portfolio():
    algorithms = [Schedule.of(seed).algorithm for seed in range(30)]

    assert set(algorithms) == {"random", "pct"}
    assert World(seed=5).schedule == Schedule.of(5)
    assert World().schedule == Schedule()


def test_a_schedule_is_a_value():
    one = Schedule("calm", 1, (Deviation("hold", "a", 1, 2),))

    assert one == attrs.evolve(one)
    assert hash(one) == hash(attrs.evolve(one))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        one.seed = 2


@pytest.mark.parametrize("line", ["sr0,calm,0,00000000", "sr1,calm,0,00000000"])
def test_the_command_line_refuses_a_bad_line_with_one_sentence(line):
    command = [sys.executable, "-m", "bus.sim", "replay", "builtins:print", line]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith("InvalidSchedule: ")
    assert done.stderr.count("\n") == 1
