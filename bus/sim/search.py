"""Finding a schedule that breaks a program, making it small, and running it again.

What the runs of a search log is dropped: there are many, and the one that counts is run again.
"""

import logging
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import permutations
from typing import Any

import attrs
import structlog

from bus.sim.schedule import CALM, Deviation, Schedule
from bus.sim.schedulers.record import Record
from bus.sim.world import Program, World, recipe

MakeWorld = Callable[..., World]
SHRINKS = 2000
"""Runs that `shrink` makes at most."""


@attrs.frozen
class Failure:
    """A schedule under which a program fails.

    Attributes:
        program: the program.
        schedule: the schedule.
        error: what it raised.
        runs: runs made until it was found, or to make it small.
    """

    program: Program[Any]
    schedule: Schedule
    error: Exception
    runs: int

    def __str__(self) -> str:
        return f"{type(self.error).__name__}: {self.error}\n{recipe(self.program, self.schedule)}"


def hunt(
    program: Program[Any], *, runs: int = 100, seed: int = 0, portfolio: Callable[[int], Schedule] = Schedule.of,
    make: MakeWorld = World,
) -> Failure | None:  # fmt: skip
    """Run *program* under one schedule after the other until it fails.

    Args:
        program: an async function that takes a world.
        runs: schedules to try.
        seed: the first of as many seeds.
        portfolio: the schedule that a seed stands for.
        make: makes the world of a run; called with ``schedule=``.

    Returns:
        The first failure; None if no run failed.
    """
    with _silence():
        for n in range(runs):
            schedule = portfolio(seed + n)
            error = _run(program, make(schedule=schedule))
            if error is not None:
                return Failure(program, schedule, error, n + 1)
    return None


def replay(program: Program[Any], line: str, *, make: MakeWorld = World) -> Any:
    """Run *program* under the schedule that *line* says, and let it fail as it did.

    Raises:
        InvalidSchedule: if the line is none.
        Exception: whatever the program raises.
    """
    return make(schedule=Schedule.parse(line)).run(program)


def shrink(failure: Failure, *, make: MakeWorld = World, limit: int = SHRINKS) -> Failure:
    """Make a failing schedule small: calm but for as few and as slight deviations as still fail with the same type of error.

    Args:
        failure: what `hunt` found.
        make: as in `hunt`.
        limit: runs to make at most.

    Returns:
        The smallest failure found.
    """
    search = _Shrinker(failure, make, limit)
    with _silence():
        deviations = search.as_deviations()
        return failure if deviations is None else search.minimise(deviations)


class _Shrinker:
    def __init__(self, failure: Failure, make: MakeWorld, limit: int) -> None:
        self._found = failure
        self._make = make
        self._left = limit
        self._runs = 0
        self._longest: dict[tuple[str, int], int] = {}

    def as_deviations(self) -> list[Deviation] | None:
        """The same run as deviations from the calm one; None if it does not fail that way (which is our bug)."""
        schedule = self._found.schedule
        if schedule.algorithm != CALM:
            world = self._make(schedule=schedule)
            record = Record(world.scheduler)
            world.scheduler = record
            _run(self._found.program, world)
            self._longest = record.longest
            schedule = Schedule(CALM, schedule.seed, record.deviations())
        return list(schedule.deviations) if self._fails(list(schedule.deviations)) else None

    def minimise(self, deviations: list[Deviation]) -> Failure:
        """Leave out what is not needed, in ever smaller pieces, then make what is left few and slight."""
        deviations = self._merged(self._without_chunks(deviations))
        for place in range(len(deviations)):
            deviations = self._slight(deviations, place)
        return attrs.evolve(self._found, runs=self._runs)

    def _merged(self, deviations: list[Deviation]) -> list[Deviation]:
        """Let one wait as long as two did, if nothing but chance limits how long it may."""
        for one, other in permutations(deviations, 2):
            value = min(one.value + other.value, self._limit(one))
            if one.kind == other.kind and value > one.value:
                longer = attrs.evolve(one, value=value)
                trial = [longer if each is one else each for each in deviations if each is not other]
                if self._fails(trial):
                    return self._merged(self._without_chunks(trial))
        return deviations

    def _limit(self, one: Deviation) -> int:
        """The most that its value may be: a step may be held for ever, a message is as late as its link ever is."""
        return sys.maxsize if one.kind == "hold" else self._longest.get((one.lane, one.n), one.value)

    def _slight(self, deviations: list[Deviation], place: int) -> list[Deviation]:
        """Bring one value as near to 0 as still fails, taking for granted that more of it fails, too."""
        one = deviations[place]
        held, fails = 0, one.value
        while abs(fails - held) > 1:
            value = (held + fails) // 2
            trial = [*deviations[:place], attrs.evolve(one, value=value), *deviations[place + 1 :]]
            if self._fails(trial):
                deviations, fails = trial, value
            else:
                held = value
        return deviations

    def _without_chunks(self, deviations: list[Deviation]) -> list[Deviation]:
        size = max(1, len(deviations) // 2)
        while deviations:
            start, left_out = 0, False
            while start < len(deviations):
                trial = deviations[:start] + deviations[start + size :]
                if self._fails(trial):
                    deviations, left_out = trial, True
                else:
                    start += size
            if size == 1 and not left_out:
                break
            size = max(1, size // 2) if not left_out or size > len(deviations) else size
        return deviations

    def _fails(self, deviations: list[Deviation]) -> bool:
        if self._runs >= self._left:
            return False
        self._runs += 1
        schedule = Schedule(CALM, self._found.schedule.seed, tuple(deviations))
        error = _run(self._found.program, self._make(schedule=schedule))
        if type(error) is not type(self._found.error):
            return False
        self._found = attrs.evolve(self._found, schedule=schedule, error=error)
        return True


def _run(program: Program[Any], world: World) -> Exception | None:
    try:
        world.run(program)
    except Exception as error:  # noqa: BLE001 (whatever it is, it is what we look for)
        return error
    return None


@contextmanager
def _silence() -> Generator[None]:
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)
