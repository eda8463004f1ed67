"""Examples and README, run as a reader runs them: what they print is what is written beside them.

After a wanted change: ``python examples/NAME.py > examples/NAME.out``, or the same by hand in README.md.
"""

import difflib
import os
import re
import shlex
import subprocess
import sys
from itertools import islice, pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
SOURCES = sorted((ROOT / "examples").glob("*.py"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(*arguments: str, cwd: Path = ROOT, status: int = 0) -> str:
    """What Python, started in *cwd*, prints; errors too, if it is to fail."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == status, f"{' '.join(arguments)} ends with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stderr if status else done.stdout


def assert_same(expected: str, printed: str, where: str) -> None:
    diff = difflib.unified_diff(
        expected.splitlines(), printed.splitlines(), where, "what it prints now", lineterm="", n=100
    )
    if expected != printed:
        pytest.fail("\n".join(diff) or f"{where} differs in its line ends", pytrace=False)


def command_in(text: str) -> list[str]:
    """The arguments of the shell command that ends a recipe."""
    found = re.search(r"^or in a shell: python (.+)$", text, re.MULTILINE)
    assert found is not None, f"no recipe in:\n{text}"
    return shlex.split(found[1])


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
class TestExample:
    def test_prints_what_stands_beside_it(self, source):
        expected = source.with_suffix(".out")
        assert expected.is_file(), f"make it: python examples/{source.name} > examples/{expected.name}"

        assert_same(expected.read_text("utf-8"), run(f"examples/{source.name}"), f"examples/{expected.name}")

    def test_is_short_enough_to_read_and_long_enough_to_show_something(self, source):
        assert 20 <= len(source.read_text("utf-8").splitlines()) <= 60

    def test_is_in_the_readme(self, source):
        assert f"(examples/{source.name})" in README

    def test_says_how_to_run_it(self, source):
        assert f"\n    python examples/{source.name}\n" in source.read_text("utf-8")


def test_there_are_examples_and_no_output_without_one():
    assert SOURCES
    assert {source.stem for source in SOURCES} == {output.stem for output in (ROOT / "examples").glob("*.out")}


def test_the_recipe_of_the_lost_update_replays_it():
    output = (ROOT / "examples/lost_update.out").read_text("utf-8")

    assert "two deposits of 10 make 10" in run(*command_in(output), status=1)


def test_the_readme_shows_a_program_early_and_stays_short():
    lines = README.splitlines()

    assert lines.index("```python") < 20
    assert 60 <= len(lines) <= 120


def test_what_else_the_readme_shows_is_still_printed():
    blocks = list(BLOCK.finditer(README))
    shown = [one[2] for before, one in pairwise(blocks) if one[1] == "text" and before[1] != "python"]
    printed = run("-m", "actors", "boot") + (ROOT / "examples/lost_update.out").read_text("utf-8")

    assert shown
    for text in shown:
        assert text in printed


def test_each_program_in_the_readme_prints_what_follows_it(tmp_path):
    """A program is saved under the name that ends the text before it, and may import those before it."""
    blocks = list(BLOCK.finditer(README))
    programs = [(one, after) for one, after in pairwise(blocks) if one[1] == "python"]
    assert README.count("```python\n") == len(programs) > 0
    for program, output in programs:
        assert output[1] == "text", f"no output follows the program at {program.start()}"
        name = re.search(r"`(\w+\.py)`:\s*$", README[: program.start()])
        assert name is not None, f"no name precedes the program at {program.start()}"
        (tmp_path / name[1]).write_text(program[2], "utf-8")

        assert_same(output[2], run(name[1], cwd=tmp_path), f"README.md, {name[1]}")

        if "or in a shell" in output[2]:
            assert output[2].splitlines()[0] in run(*command_in(output[2]), cwd=tmp_path, status=1)


def test_the_setting_that_the_readme_names_mends_its_first_program(tmp_path):
    program, output = islice(BLOCK.finditer(README), 2)
    setting, held, none_fails = re.search(
        r"\*\*What mends it\*\*.*?`(.+?)`.*?`(.+?)`.*?`(.+?)`", README, re.DOTALL
    ).groups()
    broken = setting.replace("True", "False")
    assert program[2].count(broken) == 1
    (tmp_path / "first.py").write_text(program[2].replace(broken, setting), "utf-8")

    assert run(*command_in(output[2]), cwd=tmp_path).splitlines()[-1] == held
    assert run("first.py", cwd=tmp_path).splitlines()[-1] == none_fails
