"""Two runs of one schedule, held against each other: finds what else decides.

The second run happens with other memory addresses and, if the program can be imported, once more in a new
process with another hash seed: what follows the wall clock, the global random state, the order of a set of strings or of
objects, then parts from the first run, and the first step at which it does so is shown. Passing does not prove that a
program is deterministic: what both runs happen to do alike is not seen.
"""

import hashlib
import os
import subprocess
import sys
from typing import Any

from bus.sim.errors import Nondeterministic
from bus.sim.schedule import Schedule
from bus.sim.search import MakeWorld
from bus.sim.world import Program, World, address_of
from bus.trace import Record

CONTEXT = 3
"""Steps shown before the one at which two runs part."""


def twice(program: Program[Any], *, make: MakeWorld, schedule: Schedule) -> str:
    """Run *program* twice, and a third time in a new process if it can be imported there.

    Args:
        program: an async function that takes a world.
        make: makes its world, called with ``schedule=`` and ``trace=``. The new process makes a plain `bus.sim.World`, so it
            is only used if *make* is that.
        schedule: of all runs.

    Returns:
        SHA-256, in hexadecimal, of every step and every record of the run.

    Raises:
        Nondeterministic: with the first step at which two runs part.
    """
    first = transcript(program, make=make, schedule=schedule)
    scattered = [bytearray(size) for size in range(1, 4000, 7)]
    holes = scattered[::3]
    del scattered
    _compare(first, transcript(program, make=make, schedule=schedule), "another run in this process")
    del holes
    address = address_of(program)
    if address is not None and make is World:
        _compare(first, _in_new_process(address, schedule), "a run in a new process with another hash seed")
    return hashlib.sha256("\n".join(first).encode()).hexdigest()


def transcript(program: Program[Any], *, make: MakeWorld, schedule: Schedule) -> list[str]:
    """Run *program* and write down every step and every record of the trace, a line each; the type of its error last."""
    lines: list[str] = []

    def sink(record: Record) -> None:
        lines.append(record.json())

    world = make(schedule=schedule, trace=sink)
    world.on_step = lambda handle: lines.append(f"{world.loop.now} {handle[3].label}")
    try:
        world.run(program)
    except Exception as error:  # noqa: BLE001 (a failing run must fail alike)
        lines.append(type(error).__name__)
    return lines


def _in_new_process(address: str, schedule: Schedule) -> list[str]:
    command = [sys.executable, "-m", "bus.sim", "transcript", address, str(schedule)]
    other = str(int(os.environ.get("PYTHONHASHSEED", "0").replace("random", "0")) + 1)
    environment = os.environ | {"PYTHONHASHSEED": other, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 (ourselves)
    if done.returncode != 0:
        msg = f"the new process failed: {done.stderr.strip()}"
        raise Nondeterministic(msg)
    return done.stdout.splitlines()


def _compare(first: list[str], second: list[str], what: str) -> None:
    if first == second:
        return
    length = min(len(first), len(second))
    place = next((n for n in range(length) if first[n] != second[n]), length)
    shown = [f"    {line}" for line in first[max(0, place - CONTEXT) : place]]
    for name, lines in (("first run", first), (what, second)):
        shown.append(f"  {name}: {lines[place] if place < len(lines) else 'has ended'}")
    text = "\n".join([f"two runs of one schedule part after {place} lines:", *shown])
    raise Nondeterministic(text)
