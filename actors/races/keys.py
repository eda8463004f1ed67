"""What operators do with the Fernet keys of several Keystones: rotate them on the first, and copy them to the others; and who notices."""

from typing import ClassVar

import anyio

from actors.client.held_token import HeldToken
from actors.keystone.messages import TOPIC, ChangeKeyFile, DistributeKeys, RotateKeys
from actors.keystone.tokens.rotation import PushOrder
from actors.races.base import Stage
from actors.races.town import Look, Town
from actors.testing.stage import OPERATOR
from bus.sim import Latency
from bus.topic import Target


class Keys:
    """The scripts of an operator.

    Args:
        town: whose keys.
    """

    order: ClassVar[PushOrder] = PushOrder.PRIMARY_FIRST
    """Which key file is copied first: the highest number, as Keystone's FAQ asks for."""

    def __init__(self, town: Town) -> None:
        self._bus = town.bus
        self._config = town.config.keystone
        self._first, *self._others = [Target(TOPIC, one.server) for one in town.bus.targets(TOPIC)]
        self._lock = anyio.Lock()

    def interval(self) -> float:
        """Seconds between two rotations such that each key is there for as long as any of its tokens may count."""
        config = self._config
        return (config.expiration + config.allow_expired_window) / (config.max_active_keys - 2)

    async def rotate(self) -> None:
        """Rotate, and copy what came of it, one rotation after the other."""
        async with self._lock:
            await self.rotate_at_once()

    async def rotate_at_once(self) -> None:
        """Rotate, and copy what came of it, whatever else is going on."""
        await self._bus.ask(RotateKeys(), to=self._first, context=OPERATOR)
        for other in self._others:
            push = DistributeKeys(server=other.server or "", order=self.order)
            await self._bus.ask(push, to=self._first, context=OPERATOR, timeout=float("inf"))

    async def from_now_on(self) -> None:
        """Rotate from time to time, as cron has it done."""
        while True:
            await anyio.sleep(self.interval())
            await self.rotate()


async def rotate_and_use(stage: Stage, town: Town, *, copying: Latency, rotations: int, seconds: float) -> None:
    """Have keys of two Keystones rotated, while users sign in at one of them, and look.

    Args:
        stage: where.
        town: whose keys.
        copying: how long it takes to copy one file.
        rotations: at most.
        seconds: within which all of it happens.
    """
    stage.world.links.set(copying, message=ChangeKeyFile)
    keys = town.kind(Keys)(town)

    async def rotate(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/at", seconds))
        await keys.rotate()

    async def use(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/at", seconds))
        to = Target(TOPIC, stage.choose(f"{name}/signs-in-at", ("1", "2")))
        token = await town.bus.ask(town.account("demo"), to=to)
        await HeldToken(town.bus, token.id).ask(Look())

    await stage.together(*stage.some("rotation", rotations, rotate), *stage.some("user", 3, use))
