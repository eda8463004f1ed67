"""What a hunt has found fails in the next run of pytest, until it is mended."""

import os
import re
import subprocess
import sys
from pathlib import Path

from hypothesis import settings

from actors.testing.remembered import remember, test_what_hunts_have_found_is_mended
from bus.sim import Schedule

__all__ = ["test_what_hunts_have_found_is_mended"]

ROOT = Path(__file__).parents[3]
MISTAKE = """
import pytest
from tests.quality.network import FOUND

next(one for one in FOUND if one.name == "address-kept").plant(pytest.MonkeyPatch())
"""
HUNT = """
import mistake
from actors.cli.main import main

if __name__ == "__main__":
    main()
"""
TEST = "from actors.testing.remembered import test_what_hunts_have_found_is_mended\n"


def python(*arguments, cwd):
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_what_a_hunt_finds_fails_in_pytest_until_it_is_mended(tmp_path):
    for name, text in {"mistake": MISTAKE, "hunt": HUNT, "conftest": "import mistake\n", "test_cloud": TEST}.items():
        (tmp_path / f"{name}.py").write_text(text)

    status, printed = python(
        "hunt.py", "hunt", "--seed=70000", "--runs=1", "--processes=1", "--no-shrink", "--no-races", cwd=tmp_path
    )
    assert status == 1, printed
    assert "Hypothesis remembers seed 70000;" in printed

    status, printed = python("-m", "pytest", "test_cloud.py", cwd=tmp_path)
    assert status == 1, printed
    assert re.search(r"test_what_hunts_have_found_is_mended\(\s+E\s+seed=70000,", printed)
    assert "InvariantBroken: S15 at" in printed
    assert f"python -m bus.sim replay actors.testing.hunted:play {Schedule.of(70000)}" in printed

    (tmp_path / "conftest.py").unlink()
    status, printed = python("-m", "pytest", "test_cloud.py", cwd=tmp_path)
    assert status == 0, printed
    assert "1 passed" in printed


def test_nothing_is_remembered_where_hypothesis_has_no_database():
    before = settings.get_current_profile_name()
    settings.register_profile("forgetful", database=None)
    settings.load_profile("forgetful")
    try:
        assert remember([3]) == []
    finally:
        settings.load_profile(before)
