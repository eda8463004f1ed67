"""The report on the catalogue: one table, the same on any number of processors, and an end when somebody wants one."""

import os
import re
import signal
import subprocess
import sys

import attrs
import pytest
from click.testing import CliRunner

from actors.cli.races import races_command
from actors.races.report import SHARE, Ending, Finding, report, table
from bus.sim import Schedule

END = Ending(7, Schedule("calm", 7), "InvariantBroken: this", broken=True, operations=2)
GOOD = Finding(race="longop-expiry", hunts=(END,) * 20, small=END, withstood=30, mended=None)


RACES = ["disable-not-seen", "expiry-mutates"]
LITTLE = {"runs": 60, "seeds": 2, "withstand": SHARE + 10}


@pytest.fixture(scope="module")
def told():
    shares: list[float] = []
    return list(report(RACES, **LITTLE, processes=2, progress=shares.append)), shares


def test_the_table_has_a_line_for_each_race(told):
    assert all(finding.good for finding in told[0])
    line = r"^expiry-mutates +S3 +2 of 2 +[0-9.]+ +[0-9]+ +1 of 1 +held in 260 runs$"
    assert re.search(line, table(told[0]), re.MULTILINE)


def test_it_is_the_same_whatever_the_number_of_processes(told):
    assert list(report(RACES, **LITTLE, processes=1)) == told[0]


def test_its_progress_adds_up(told):
    assert sum(told[1]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("changes", "good", "said"),
    [
        ({}, True, "20 of 20  7           7      2 of 1      held in 30 runs"),
        ({"hunts": (None, *[END] * 19)}, True, "19 of 20  7           never"),
        ({"hunts": (None, None, *[END] * 18)}, False, "18 of 20  7           never"),
        ({"hunts": (None,) * 20, "small": None}, False, "0 of 20  never       never  0 of 1"),
        ({"hunts": (attrs.evolve(END, broken=False, error="KeyError: 'x'"), None)}, False, "program sr1,calm,7,"),
        ({"small": attrs.evolve(END, operations=3)}, False, "3 of 1"),
        ({"mended": END, "withstood": 6}, False, "BROKE in run 7"),
    ],
)
def test_a_race_is_good_if_it_is_found_small_and_mended(changes, good, said):
    finding = attrs.evolve(GOOD, **changes)
    assert finding.good is good
    assert said in table([finding])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such-race"], "'no-such-race' is no race; there are allow-expired-without-keys, "),
        (["--runs", "0"], "0 is not in the range x>=1"),
        (["--processes", "none"], "'none' is not a valid integer"),
    ],
)
def test_what_it_cannot_do_is_said(arguments, said):
    done = CliRunner().invoke(races_command, arguments)
    assert done.exit_code == 2
    assert said in done.stderr.replace("\n", " ")


@pytest.fixture
def search():
    """One under way, in a session of its own."""
    # A job in the background would hand on that it ignores interrupts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    options = ["--runs=1", "--seeds=1", "--withstand=40", "--processes=2"]
    command = [sys.executable, "-m", "actors", "races", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    signal.signal(signal.SIGINT, before)
    with process:
        while ", held in 40 runs, " not in process.stderr.readline():
            assert process.poll() is None
        yield process


def test_an_interrupt_ends_all_processes_without_a_traceback(search):
    os.killpg(search.pid, signal.SIGINT)
    rest = search.communicate()[1]
    assert search.returncode == 130
    assert "Traceback" not in rest


def test_no_worker_outlives_a_search_that_is_killed(search):
    search.kill()
    rest = search.communicate(timeout=60)[1]  # all until nobody has its stderr any more
    assert search.returncode == -signal.SIGKILL
    assert "Traceback" not in rest
