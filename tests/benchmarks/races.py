"""Races: how many runs it takes to find each bug of the catalogue, by all that a search does, and by some of it alone.

What a scenario leaves open, who does what and when, is left to chance in every way of searching. They differ in which step goes next, and
in how late messages and timers are. Counted in runs, so that the figures are the same on every machine.

The first rows are no races, but boots with a token that is about to expire: nothing but a message that is late enough, and in the right
tenth of a second, breaks these.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from random import Random
from statistics import median

import anyio

from actors.client.held_token import HeldToken
from actors.client.waiting import wait_for_server
from actors.cloud import Cloud
from actors.ids import FlavorId
from actors.nova.config import NovaConfig
from actors.nova.messages.servers import CreateServer
from actors.races import races
from actors.races.report import APART, RUNS, breaks
from actors.testing.restraint import restrain
from actors.testing.workers import workers
from bus.sim import Schedule, World, hunt
from bus.sim.scheduler import Scheduler
from bus.sim.schedulers import Fifo, Pct, RandomOrder, scheduler_of
from bus.sim.schedulers.timing import Timing
from bus.sim.world import Program
from tests.benchmarks.floors import Bound, Floor
from tests.benchmarks.group import Group
from tests.benchmarks.rounds import Case
from tests.benchmarks.scale import Scale

PORTFOLIO, FOUND = "portfolio", "races found"

Draw = Callable[[Random], int] | None
Late = Callable[[Timing, str, int, int, Draw, Sequence[int]], int]


def group(scale: Scale) -> Group:
    """The table of races and ways to search."""
    chosen = scale.races or tuple(races())
    names = [*EXPIRIES, *chosen]
    rows = _rows(names, scale)
    cases = [Case(name, "and needs it for a tenth of one", partial(next, rows), once=True) for name in EXPIRIES]
    cases += [Case(name, f"breaks {breaks(name)}", partial(next, rows), once=True) for name in chosen]
    cases.append(Case(FOUND, f"by the median hunt, of {len(names)}", partial(next, rows), once=True))
    return Group(
        "races",
        f"races: runs until found, the median of {scale.hunts} hunts",
        tuple(cases),
        # What the catalogue promises; a smaller scale may miss it.
        floors=(Floor(FOUND, PORTFOLIO, (Bound(len(names)),)),) if scale.runs >= RUNS else (),
        most=scale.runs,
    )


async def _boot(world: World, *, seconds: float) -> None:
    """Boot a server, whose user has a token for so many seconds more."""
    begin = restrain(world)
    cloud = await Cloud(nova=NovaConfig(send_service_user_token=False)).start(world.bus, world.random)
    demo = cloud.session("demo")
    issued = await demo.token()
    await anyio.sleep(issued.token.expires_at - world.bus.clock.time() - seconds)
    request = CreateServer(name="one", flavor_ref=FlavorId("1"), image_ref=cloud.image)
    (created,) = await HeldToken(world.bus, issued.id).ask(request)
    begin()
    server = await wait_for_server(demo, created.id)
    assert server.status == "ACTIVE", server.fault


EXPIRIES: Mapping[str, Program[None]] = {
    f"a token with {seconds:g} s left": partial(_boot, seconds=seconds) for seconds in (5.0, 14.0)
}


def _nothing(timing: Timing, lane: str, n: int, nominal: int, draw: Draw, aims: Sequence[int]) -> int:
    """Everything takes its nominal time."""
    del timing, lane, n, nominal, draw, aims
    return 0


def _jitter(timing: Timing, lane: str, n: int, nominal: int, draw: Draw, aims: Sequence[int]) -> int:
    """Nothing aims."""
    del aims
    return timing.late(lane, n, nominal, draw, ())


def _aims(timing: Timing, lane: str, n: int, nominal: int, draw: Draw, aims: Sequence[int]) -> int:
    """What does not aim takes its nominal time."""
    del draw
    return timing.late(lane, n, nominal, lambda _: nominal, aims)


WAYS: Mapping[str, tuple[Callable[[Schedule], Scheduler], Late]] = {
    "random order": (lambda schedule: RandomOrder(schedule.seed), _nothing),
    "PCT": (lambda schedule: Pct(schedule.seed), _nothing),
    "jitter": (lambda _: Fifo(), _jitter),
    "critical instants": (lambda _: Fifo(), _aims),
    "all but critical instants": (scheduler_of, _jitter),
    PORTFOLIO: (scheduler_of, Timing.late),
}
"""Columns: which step goes next, and how late things are."""


class _Mixed:
    """One scheduler says which step goes next, chance says everything else, as far as it is asked."""

    calm = False

    def __init__(self, order: Scheduler, timing: Timing, late: Late) -> None:
        self.push, self.pop = order.push, order.pop
        self.pick, self.fault = timing.pick, timing.fault
        self.late = partial(late, timing)
        self._order = order

    def __len__(self) -> int:
        return len(self._order)


def _world(way: str, *, schedule: Schedule) -> World:
    world = World(schedule=schedule)
    order, late = WAYS[way]
    world.scheduler = _Mixed(order(schedule), Timing(schedule.seed), late)
    return world


def _median(name: str, way: str, hunts: int, runs: int) -> float:
    """The run in which the median hunt finds it; one more than *runs* if it does not."""
    program = EXPIRIES[name] if name in EXPIRIES else races()[name].programs()[0]
    ends: list[int] = []
    while len(ends) < hunts and 2 * ends.count(runs + 1) <= hunts:
        failure = hunt(program, runs=runs, seed=len(ends) * APART, make=partial(_world, way))
        if failure is not None and not isinstance(failure.error, AssertionError):
            raise failure.error
        ends.append(runs + 1 if failure is None else failure.runs)
    return median(ends) if len(ends) == hunts else runs + 1


def _rows(names: Sequence[str], scale: Scale) -> Iterator[Mapping[str, float]]:
    """The rows of the table. All hunts are begun together, so that every processor has work until the last one is done."""
    with workers() as pool:
        hunts = [{way: pool.submit(_median, name, way, scale.hunts, scale.runs) for way in WAYS} for name in names]
        rows: list[Mapping[str, float]] = []
        for row in hunts:
            rows.append({way: share.result() for way, share in row.items()})
            yield rows[-1]
    yield {way: sum(row[way] <= scale.runs for row in rows) for way in WAYS}
