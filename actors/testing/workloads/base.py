"""What an operation is, and running many at once."""

from collections.abc import Sequence

import anyio
import attrs
from attrs.validators import ge

from actors.ids import VolumeId
from actors.testing.brief import brief
from actors.testing.stage import Stage

PATIENCE = 120.0
"""Seconds that an operation waits until the thing it is about is ready."""


@attrs.frozen(kw_only=True, repr=False)
class Operation:
    """Something that somebody does.

    Attributes:
        at: seconds after the beginning of the workload.
    """

    at: float = attrs.field(default=0.0, validator=ge(0))

    def __repr__(self) -> str:
        return brief(self)

    def announce(self, stage: Stage) -> None:
        """Say what it is going to make, before anything begins."""

    async def run(self, stage: Stage) -> None:
        """Do it."""
        raise NotImplementedError


Workload = tuple[Operation, ...]


async def run_workload(workload: Sequence[Operation], stage: Stage) -> None:
    """Do everything, each at its time, and return when all have ended."""

    async def run(operation: Operation) -> None:
        await anyio.sleep(operation.at)
        await operation.run(stage)

    for operation in workload:
        operation.announce(stage)
    async with anyio.create_task_group() as group:
        for operation in workload:
            group.start_soon(run, operation, name=f"{type(operation).__name__}@{operation.at}")


def volume_status(stage: Stage, volume: VolumeId) -> str:
    """What Cinder says of a volume; ``deleted`` if it is gone."""
    row = stage.cloud.stores.cinder.volumes.get(volume)
    return "deleted" if row is None else row.status
