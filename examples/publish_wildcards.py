"""Publish: an event goes to whoever listens to its subject, where `*` stands for one word and `>` for the rest.

Each listener gets a copy, but of the actors in one group only one does. Who publishes need not know who listens.

    python examples/publish_wildcards.py
"""

from typing import ClassVar

import anyio

from bus import Actor, Event, message
from bus.sim import World


@message
class Measured(Event):
    """Something about the weather was measured."""

    subject: ClassVar = "weather.>"
    value: int


@message
class WindMeasured(Measured):
    """The wind somewhere, in metres a second."""

    subject: ClassVar = "weather.*.wind"


class Archive(Actor):
    """Listens to `weather.>`, because it handles `Measured` and every kind of it."""

    @Measured.handler
    async def keep(self, msg: Measured) -> None:
        print(f"  {self.target} keeps {msg}")


class StormWarning(Actor):
    """Listens to `weather.*.wind`; several of them share the work."""

    group = "storm"

    @WindMeasured.handler
    async def warn(self, msg: WindMeasured) -> None:
        print(f"  {self.target} says: {'storm!' if msg.value > 20 else 'calm'}")


async def weather(world: World) -> None:
    for actor in (Archive, StormWarning, StormWarning):
        await world.bus.start(actor)
    wind, snow = WindMeasured(value=31), Measured(value=12)
    for subject, event in [("weather.oslo.wind", wind), ("weather.oslo.roof.snow", snow), ("weather.rome.wind", wind)]:
        print(subject)
        await world.bus.publish(event, subject=subject)
        await anyio.sleep(1)


if __name__ == "__main__":
    World().run(weather)
