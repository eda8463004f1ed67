"""Hunting: what a hunt says is what its runs showed."""

import shlex

import pytest
from click.testing import CliRunner

from actors.cli.main import main
from actors.races.report import Ending, Finding
from actors.testing.hunted import play
from actors.testing.hunting import Run, failures, hunt_seeds, run_seed, shrunk, verdicts
from actors.testing.invariants import ALL, InvariantBroken, Verdict, Violation
from bus.sim import Deviation, Schedule, replay
from tests.quality import network


def test_a_run_says_of_each_invariant_what_it_showed():
    run = run_seed(0)

    assert run.error == ""
    assert list(run.verdicts) == [kind.name for kind in ALL]
    assert Verdict.HELD in run.verdicts.values()


def test_a_seed_is_the_same_run_in_every_process():
    assert hunt_seeds(5, runs=2, seconds=None, processes=1) == [run_seed(5), run_seed(6)]


def test_a_hunt_says_the_worst_of_what_its_runs_showed():
    never, held, broken = Verdict.NEVER_EXERCISED, Verdict.HELD, Verdict.BROKEN
    runs = [Run(0, "", {"S1": never, "S2": held, "S3": held}), Run(1, "", {"S1": never, "S2": never, "S3": broken})]

    assert verdicts(runs) == {"S1": never, "S2": held, "S3": broken}


def test_a_run_that_fails_is_the_first_that_shows_what_it_shows():
    broken = (Violation("S1", 1, "late"), Violation("S2", 2, "lost"), Violation("S1", 3, "again"))
    runs = [Run(0, "", {}), Run(1, "", {}, broken), Run(2, "", {}, broken[:1], "KeyError: 'a'")]

    assert runs[2].shows == {"S1": str(broken[0]), "KeyError": "KeyError: 'a'"}
    assert failures(runs) == {"S1": runs[1], "S2": runs[1], "KeyError": runs[2]}


def test_what_is_made_small_still_shows_the_same_invariant(monkeypatch):
    next(one for one in network.FOUND if one.name == "address-kept").plant(monkeypatch)
    next(one for one in network.FOUND if one.name == "dhcp-untold").plant(monkeypatch)
    run = next(run for run in map(run_seed, range(20)) if {"S15", "S20"} <= run.shows.keys())

    for name in ("S15", "S20"):
        line = shrunk(run, name, 5)
        with pytest.raises(InvariantBroken, match=f"(?m)^{name} at "):
            replay(play, line)


def invoke(*options):
    return CliRunner().invoke(main, ["hunt", "--runs", "1", "--processes", "1", *options])


def test_the_command_shows_every_invariant():
    result = invoke("--no-races")

    assert result.exit_code == 0, result.output
    assert all(f" {kind.name} " in result.output for kind in ALL)


@pytest.mark.parametrize("good", [True, False])
def test_the_command_shows_the_races_and_ends_with_1_if_one_is_not_as_it_should_be(good, monkeypatch):
    ends = [Ending(7, Schedule(), "", broken=True, operations=2)] * 3
    finding = Finding(
        race="nova-quota-race", hunts=tuple(ends), small=ends[0] if good else None, withstood=200, mended=None
    )
    monkeypatch.setattr("actors.cli.hunt.hunt_seeds", lambda *_, **__: [])
    monkeypatch.setattr("actors.cli.hunt.report", lambda **_: iter([finding]))
    result = invoke()

    assert result.exit_code == (0 if good else 1), result.output
    assert "3 of 3  7 " in result.output


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_a_line_to_run_a_failure_again_stays_whole_however_narrow_the_terminal(columns, monkeypatch):
    line = str(Schedule("calm", 3, (Deviation("late", "nova-conductor.1~nova-compute.*" * 9, 1, 5),)))
    run = Run(3, line, {"S1": Verdict.BROKEN}, (Violation("S1", 1, "late"),))
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("actors.cli.hunt.hunt_seeds", lambda *_, **__: [run])
    monkeypatch.setattr("actors.cli.hunt._remember", lambda _: [])
    result = invoke("--no-races", "--no-shrink")

    assert result.exit_code == 1
    (command,) = [text for text in result.output.splitlines() if "run it again: " in text]
    assert shlex.split(command)[3:] == ["python", "-m", "bus.sim", "replay", "actors.testing.hunted:play", line]
