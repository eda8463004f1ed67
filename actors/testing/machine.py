"""The machine: a whole cloud, several operations in flight at once, faults, and every invariant.

Hypothesis's own state machines do one rule at a time; here a case says everything that people do and that goes wrong, and the schedule says
in which order and how fast. `fuzz` runs one case; `actors.testing.hunted.play` runs the case that the seed of its world stands for, so that a
line of a hunt (``python -m bus.sim hunt actors.testing.hunted:play``) is all it takes to run it again.
"""

from collections.abc import Iterable

import anyio
import attrs

from actors.cinder.messages import DeleteVolume
from actors.cloud import Cloud, CloudConfig
from actors.nova.messages.servers import DeleteServer
from actors.testing.brief import brief
from actors.testing.faults import FaultPlan, crash_in_time, messages_at_fault, set_clocks
from actors.testing.invariants import Invariant, Watch
from actors.testing.rest import rest
from actors.testing.restraint import restrain
from actors.testing.stage import Stage
from actors.testing.workloads import Workload, run_workload
from bus.sim import Latency, World


@attrs.frozen(kw_only=True, repr=False)
class Case:
    """What happens in a run, but for the order and the speed of it.

    Attributes:
        workload: what people do.
        config: the cloud.
        faults: what goes wrong.
        latency: of messages; None for the world's own.
        age: seconds for which the user has been signed in when the workload begins; 0 if the user signs in only then.
    """

    workload: Workload
    config: CloudConfig
    faults: FaultPlan = ()
    latency: Latency | None = None
    age: float = 0.0

    def __repr__(self) -> str:
        return brief(self)


async def run_case(
    case: Case, world: World, *, cloud: Cloud | None = None, invariants: Iterable[type[Invariant]] | None = None,
    tidy: bool = True,
) -> Watch:  # fmt: skip
    """Run a case until the cloud is at rest, and look at all invariants.

    Args:
        case: what happens.
        world: in which.
        cloud: which has not started; None for one of `Case.config`.
        invariants: None for all.
        tidy: whether to delete everything in the end, twice, and look once more: then nothing must be left.

    Returns:
        The watch, with all that broke; nothing is raised yet.
    """
    cloud = cloud or Cloud(case.config)
    begin = restrain(world)
    watch, stage = Watch(cloud, world, invariants), Stage(cloud, world)
    if case.latency is not None:
        world.links.set(case.latency)
    set_clocks(case.faults, world)
    await cloud.start(world.bus, world.random)
    if case.age:
        await stage.demo.sign_in()
        await anyio.sleep(case.age)
    begin()
    with messages_at_fault(case.faults, world):
        async with anyio.create_task_group() as group:
            group.start_soon(crash_in_time, case.faults, world)
            await run_workload(case.workload, stage)
        await rest(cloud, world)
    watch.at_rest()
    if tidy:
        await delete_everything(stage)
        await rest(cloud, world)
        watch.at_rest()
    return watch


async def delete_everything(stage: Stage) -> None:
    """Have an administrator delete all servers, then all volumes, then the same once more."""
    nova, cinder = stage.cloud.stores.nova, stage.cloud.stores.cinder
    servers = [*nova.instances, *nova.build_requests]
    for _ in range(2):
        for server in servers:
            await stage.attempt(stage.admin.ask(DeleteServer(server_id=server)))
        await rest(stage.cloud, stage.world)
        for volume in [volume.id for volume in cinder.volumes]:
            await stage.attempt(stage.admin.ask(DeleteVolume(volume_id=volume)))


async def fuzz(case: Case, world: World) -> None:
    """Run a case, and raise if an invariant broke."""
    watch = await run_case(case, world)
    try:
        watch.check()
    except AssertionError as error:
        error.add_note(f"in {case}")
        raise
