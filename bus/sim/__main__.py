"""``python -m bus.sim``: run a program in simulated time, hunt for a failure, replay one."""

import argparse
import contextlib
import importlib
import importlib.util
import sys
from typing import Any

from bus.errors import UsageError
from bus.sim.schedule import Schedule
from bus.sim.schedulers.twice import transcript, twice
from bus.sim.search import hunt, replay, shrink
from bus.sim.world import Program, World


def load(address: str) -> Program[Any]:
    """The program at *address*, which is ``module:function`` or ``file.py:function``.

    Raises:
        UsageError: if there is none.
    """
    module_name, _, name = address.rpartition(":")
    if not module_name:
        msg = f"{address!r} is no program: give module:function or file.py:function"
        raise UsageError(msg)
    try:
        if module_name.endswith(".py"):
            # The module is called as its file, so that what a failing run prints finds it again.
            spec = importlib.util.spec_from_file_location(module_name, module_name)
            if spec is None or spec.loader is None:
                raise ImportError(module_name)
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module
            spec.loader.exec_module(module)
        else:
            module = importlib.import_module(module_name)
        program: Program[Any] = getattr(module, name)
    except (ImportError, OSError, AttributeError) as error:
        msg = f"cannot load {address!r}: {error}"
        raise UsageError(msg) from error
    return program


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is 0 if the program held, 1 if it failed, 2 for wrong use."""
    parser = argparse.ArgumentParser(prog="python -m bus.sim", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command, text in (
        ("replay", "run PROGRAM under the schedule that LINE says, and show how it fails"),
        ("transcript", "print every step of PROGRAM under the schedule that LINE says"),
        ("twice", "check that PROGRAM does the same in every run of LINE's schedule"),
    ):
        sub = commands.add_parser(command, help=text, description=text)
        sub.add_argument("program", help="module:function or file.py:function, an async function that takes a World")
        sub.add_argument("line", help="a schedule, as a failing run prints it")
    sub = commands.add_parser("hunt", help="look for a schedule under which PROGRAM fails, and make it small")
    sub.add_argument("program", help="module:function or file.py:function, an async function that takes a World")
    sub.add_argument("--runs", type=int, default=1000, help="schedules to try (default: %(default)s)")
    sub.add_argument("--seed", type=int, default=0, help="the first of as many seeds (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        return _run(options, load(options.program))
    except UsageError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201 (a command line talks)
        return 2


def _run(options: argparse.Namespace, program: Program[Any]) -> int:
    match options.command:
        case "replay":
            replay(program, options.line)
            print("the program held")  # noqa: T201
        case "twice":
            print(twice(program, make=World, schedule=Schedule.parse(options.line)))  # noqa: T201
        case "transcript":
            with contextlib.redirect_stdout(sys.stderr):  # what the program prints is no part of it
                lines = transcript(program, make=World, schedule=Schedule.parse(options.line))
            for line in lines:
                print(line)  # noqa: T201
        case _:
            failure = hunt(program, runs=options.runs, seed=options.seed)
            if failure is None:
                print(f"held in {options.runs} runs")  # noqa: T201
                return 0
            print(f"failed in run {failure.runs}\n{shrink(failure)}")  # noqa: T201
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
