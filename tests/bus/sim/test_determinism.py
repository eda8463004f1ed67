"""One schedule, one run: in one process, in many, with other hash seeds, on every Python."""

import hashlib
import os
import random
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import anyio
import attrs
import pytest

from bus.sim import Schedule, World, twice
from bus.sim.errors import Nondeterministic
from bus.sim.schedulers.twice import transcript
from tests.bus.sim.programs import program

ROOT = Path(__file__).parents[3]
SCHEDULES = [Schedule(), Schedule("random", 5), Schedule("pct", 5)]
schedules = pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.algorithm)


def digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def in_process(python: str, schedule: Schedule, hash_seed: int) -> str:
    """The digest of the run in a new process of another Python, which borrows the packages of this one."""
    path = os.pathsep.join([str(ROOT), *{str(Path(module.__file__).parents[1]) for module in (anyio, attrs)}])
    done = subprocess.run(
        [python, str(ROOT / "tests/bus/sim/programs.py"), str(schedule)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        check=True,
    )
    return digest(done.stdout.splitlines())


@cache
def python_of(version: str) -> str | None:
    """A CPython of *version* that starts: this one, one beside it, or one on the path (where launchers may lead nowhere)."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    beside = Path(sys.base_prefix).parent.glob(f"*/bin/python{version}")
    on_path = (Path(folder) / f"python{version}" for folder in os.environ["PATH"].split(os.pathsep))
    question = "import sys; sys.exit(sys.implementation.name != 'cpython')"
    for python in (*sorted(beside), *on_path):
        if (
            python.is_file()
            and subprocess.run([python, "-c", question], capture_output=True, check=False).returncode == 0
        ):
            return str(python)
    return None


@schedules
def test_thirty_runs_in_one_process_are_one(schedule):
    """Between them, memory is cut up, so that objects get other addresses."""
    digests, holes = set(), []
    for n in range(30):
        digests.add(digest(transcript(program, make=World, schedule=schedule)))
        holes.extend([bytearray(size) for size in range(1, 3000, 7)][n % 5 :: 5])

    assert len(digests) == 1


@schedules
def test_the_program_does_what_it_is_for(schedule):
    lines = "\n".join(transcript(program, make=World, schedule=schedule))

    kinds = {"send", "deliver", "done", "reply", "dead", "started", "crashed", "stopped", "cancelled", "duplicate"}
    if schedule.algorithm != "calm":
        kinds |= {"drop", "delay"}

    assert {kind for kind in kinds if f'"kind":"{kind}"' not in lines} == set()


@schedules
def test_five_processes_with_other_hash_seeds_are_one(schedule):
    digests = {in_process(sys.executable, schedule, hash_seed) for hash_seed in range(1, 6)}

    assert digests == {digest(transcript(program, make=World, schedule=schedule))}


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
@schedules
def test_every_python_runs_the_same(schedule, version):
    if (python := python_of(version)) is None:
        pytest.skip(f"NOT SHOWN for {version}: there is no CPython {version} on this machine")

    assert in_process(python, schedule, 0) == digest(transcript(program, make=World, schedule=schedule))


async def follows_the_wall_clock(world: World) -> None:
    await anyio.sleep(time.perf_counter() % 1)  # noqa: TID251 (planted)


async def follows_chance(world: World) -> None:
    await anyio.sleep(random.random())  # noqa: TID251 (planted)


async def follows_addresses(world: World) -> None:
    for thing in {object() for _ in range(50)}:
        await anyio.sleep(1 + id(thing) % 7)


NAMES = {"keystone", "glance", "nova", "neutron", "placement"}


async def follows_hashes(world: World) -> None:
    for name in NAMES:
        await anyio.sleep(len(name))


@pytest.mark.parametrize("planted", [follows_the_wall_clock, follows_chance, follows_addresses, follows_hashes])
def test_twice_finds_what_else_decides(planted):
    with pytest.raises(Nondeterministic, match="two runs of one schedule part after"):
        twice(planted, make=World, schedule=Schedule())


@pytest.mark.parametrize("planted", [follows_the_wall_clock, follows_chance, follows_addresses])
def test_twice_needs_no_new_process_for_what_differs_within_one(planted):
    with pytest.raises(Nondeterministic, match="another run in this process"):
        twice(lambda world: planted(world), make=World, schedule=Schedule())


@schedules
def test_twice_finds_nothing_where_the_schedule_decides_alone(schedule):
    assert twice(program, make=World, schedule=schedule) == digest(transcript(program, make=World, schedule=schedule))
