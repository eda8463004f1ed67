"""Hunting: what a hunt says is what its runs showed."""

from click.testing import CliRunner

from actors.cli.main import main
from actors.testing.hunting import Run, hunt_seeds, run_seed, verdicts
from actors.testing.invariants import ALL, Verdict


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


def test_the_command_shows_every_invariant():
    result = CliRunner().invoke(main, ["hunt", "--runs", "1", "--processes", "1", "--no-shrink"])

    assert result.exit_code == 0, result.output
    assert all(f" {kind.name} " in result.output for kind in ALL)
