"""What a race is, and the stage on which it is played.

A module of this folder tells one race::

    # first, as the docstring: `the-name`, what happened, to whom, where it was reported, what fixed it


    class Buggy(NovaCompute): ...  # overrides one piece


    async def scenario(stage: Stage) -> None:
        cloud = await stage.open(Cloud, hosts=1)
        demo = cloud.session("demo")
        ...
        await stage.together(boot, audit)


    RACE = Race(name="the-name", invariants=("S11",), min_operations=2, variant={NovaCompute: Buggy}, scenario=scenario)
    program, counterpart = RACE.programs()

`program` is the bug and `counterpart` is the correct code under the same scenario; both take a world, so that `bus.sim.hunt` finds,
`bus.sim.shrink` shrinks, and ``python -m bus.sim replay actors.races.the_name:program LINE`` replays.

What a scenario leaves open it asks of the schedule, like every other choice of a run: so a shrunk failure has no more polls, hosts or
seconds in it than it needs, and its line says which.
"""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

import anyio
import attrs

from actors.cloud import Cloud
from actors.errors import CloudError
from actors.testing.invariants import ALL, Watch
from actors.testing.rest import rest
from actors.testing.restraint import restrain
from bus.errors import BusError
from bus.sim import Schedule, World
from bus.sim.world import Program

T = TypeVar("T")
AnyCloud = TypeVar("AnyCloud", bound=Cloud)
Operation = Callable[[], Awaitable[object]]

SETTLING: Final = 2.0
"""Seconds after the start for which nothing happens: invariants make allowance for tokens that are as young as what they are for."""


class Stage:
    """Where one run of a race is played.

    Args:
        world: the world.
        race: the race.
        variant: with the bug, or with correct code.

    Attributes:
        operations: how many operations were under way together, so far.
    """

    def __init__(self, world: World, race: "Race", *, variant: bool) -> None:
        self.world = world
        self.operations = 0
        self._race = race
        self._buggy = variant
        self._asked: dict[str, int] = {}
        self._watch: Watch | None = None

    async def open(self, cloud: type[AnyCloud], **options: Any) -> AnyCloud:
        """Start a cloud, watched: with the bug in it by the invariants that it breaks, with correct code by all.

        Chance begins when it has started; see `actors.testing.restraint` for what is never left to chance.

        Args:
            cloud: `Cloud`, or a child of it.
            **options: of a `CloudConfig`.
        """
        race, world = self._race, self.world
        replaced = {**race.setting, **(race.variant if self._buggy else {})}
        self.cloud = opened = cloud(replaced=replaced, **options)
        kinds = [kind for kind in ALL if kind.name in race.invariants or not self._buggy]
        self._watch = Watch(opened, world, kinds, resolution=race.resolution)
        begin = restrain(world)
        await opened.start(world.bus, world.random)
        await anyio.sleep(SETTLING)
        begin()
        return opened

    def choose(self, what: str, options: Sequence[T]) -> T:
        """One of *options*, as the schedule says; the first in a calm run. *what* names the question in its line."""
        n = self._asked[what] = self._asked.get(what, 0) + 1
        return options[self.world.scheduler.pick(what, n, len(options))]

    def seconds(self, what: str, most: float, unit: float = 1) -> float:
        """Some seconds from 0, as in a calm run, to *most*, in steps of *unit*."""
        return unit * self.choose(what, range(round(most / unit) + 1))

    def some(self, what: str, most: int, operation: Callable[[str], Awaitable[object]]) -> list[Operation]:
        """Up to *most* operations, each of them there if the schedule says so: none in a calm run.

        Each is given a name, such as ``"poll-2"``, for what it leaves open: so one that is not needed can go without the others changing.
        """
        names = [f"{what}-{n}" for n in range(1, most + 1)]
        return [_Named(name, operation) for name in names if self.choose(name, (False, True))]

    async def together(self, *operations: Operation) -> None:
        """Do operations at the same time, and wait until all have ended. Whom the cloud says no, or cannot answer, takes it."""
        self.operations += len(operations)
        async with anyio.create_task_group() as group:
            for operation in operations:
                group.start_soon(_do, operation, name=operation.name if isinstance(operation, _Named) else None)

    async def rest(self, bound: float = 1200.0) -> None:
        """Wait until the cloud is at rest, or *bound* seconds have passed, and look at what is left."""
        await rest(self.cloud, self.world, bound)
        self.watch.at_rest()

    @property
    def watch(self) -> Watch:
        """What watches the cloud."""
        if self._watch is None:
            raise LookupError("nothing is watched before a cloud is open: the scenario calls `stage.open` first")
        return self._watch


@attrs.frozen
class _Named:
    name: str
    operation: Callable[[str], Awaitable[object]]

    def __call__(self) -> Awaitable[object]:
        return self.operation(self.name)


async def original(answer: Coroutine[Any, Any, T] | T) -> T:
    """What a handler answers that a variant overrides: as far as types tell, handlers may be plain functions."""
    found: Any = answer
    result: T = await found if inspect.iscoroutine(found) else found
    return result


async def _do(operation: Operation) -> None:
    with suppress(CloudError, BusError):
        await operation()


@attrs.frozen(kw_only=True)
class Race:
    """A real bug of timing.

    Attributes:
        name: what the catalogue calls it.
        invariants: names of those that it breaks, one of which is enough.
        min_operations: the smallest number of operations that must be under way together.
        variant: the buggy pieces, by the class of the correct one in whose place each is put.
        setting: pieces of a release of that time which both have, by the class of what is there today.
        scenario: opens a cloud, and has some operations under way together; timing decides whether it goes wrong.
        resolution: seconds to which the tokens' times are cut, as far as the invariants allow for that.
        today: whether it is no history: current OpenStack does this, and the counterpart is what it should do.
        runs: schedules within which a hunt finds it.
    """

    name: str
    invariants: tuple[str, ...]
    min_operations: int
    variant: Mapping[type, type]
    scenario: Callable[[Stage], Awaitable[None]]
    setting: Mapping[type, type] = attrs.field(factory=dict[type, type])
    resolution: float = 1.0
    today: bool = False
    runs: int = 1000

    async def play(self, world: World, *, variant: bool) -> Stage:
        """Play the scenario, and return its stage.

        Args:
            world: where.
            variant: with the bug, or with correct code.

        Raises:
            InvariantBroken: if one was broken.
        """
        stage = Stage(world, self, variant=variant)
        try:
            await self.scenario(stage)
            stage.watch.check()
        except Exception as error:
            error.add_note(f"with {stage.operations} operations together")
            raise
        return stage

    def programs(self) -> tuple[Program[None], Program[None]]:
        """The bug and its correct counterpart, to be called `program` and `counterpart` where the scenario is defined."""

        async def program(world: World) -> None:
            await self.play(world, variant=True)

        async def counterpart(world: World) -> None:
            await self.play(world, variant=False)

        for function in (program, counterpart):
            function.__module__ = self.scenario.__module__
            function.__qualname__ = function.__name__
        return program, counterpart

    def operations(self, schedule: Schedule) -> int:
        """How many operations are under way together in the variant's run of a schedule."""
        stages: list[Stage] = []

        async def count(world: World) -> None:
            stages.append(stage := Stage(world, self, variant=True))
            await self.scenario(stage)

        World(schedule=schedule).run(count)
        return stages[0].operations
