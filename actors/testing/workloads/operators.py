"""What operators do with Keystone."""

from functools import partial

import attrs

from actors.keystone.messages import TOPIC as KEYSTONE
from actors.keystone.messages import DistributeKeys, FlushTokens, RotateKeys
from actors.testing.stage import OPERATOR, Stage
from actors.testing.workloads.base import Operation
from bus.broker import Bus
from bus.topic import Target


@attrs.frozen(kw_only=True, repr=False)
class Rotate(Operation):
    """An operator rotates the keys of the first Keystone, and distributes them to the others.

    One rotation at a time: keys that are rotated again before the others have them are unknown there (Keystone's FAQ on Fernet tokens, and
    `actors.races.fernet_double_rotation`).
    """

    async def run(self, stage: Stage) -> None:
        """Do both, and insist on the second."""
        if stage.cloud.config.keystone.provider == "fernet":
            async with stage.rotating:
                await self._rotate(stage.world.bus, stage)

    async def _rotate(self, bus: Bus, stage: Stage) -> None:
        first, *others = bus.targets(KEYSTONE)
        if await stage.insist(lambda: bus.ask(RotateKeys(), to=first, context=OPERATOR), attempts=1) is None:
            return
        for other in others:
            push = DistributeKeys(server=str(other.server))
            await stage.insist(partial(self._push, bus, push, first))

    async def _push(self, bus: Bus, push: DistributeKeys, first: Target) -> bool:
        await bus.ask(push, to=first, context=OPERATOR)
        return True


@attrs.frozen(kw_only=True, repr=False)
class Flush(Operation):
    """An operator deletes expired tokens from Keystone's table."""

    async def run(self, stage: Stage) -> None:
        """Do it."""
        await stage.attempt(stage.world.bus.ask(FlushTokens(), context=OPERATOR))
