"""Faults of a run, as values: which messages are late or lost, who crashes, whose clock is wrong."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Any

import anyio
import attrs
from attrs.validators import ge, in_

from actors.testing.brief import brief
from bus.sim import World
from bus.topic import Target


@attrs.frozen(kw_only=True, repr=False)
class Fault:
    """Base of the faults."""

    def __repr__(self) -> str:
        return brief(self)


@attrs.frozen(kw_only=True, repr=False)
class Late(Fault):
    """A message comes late.

    Attributes:
        message: name of its class.
        nth: which of them, counted from 1.
        seconds: how late.
        answer: whether it is the answer that is late.
    """

    message: str
    nth: int = attrs.field(default=1, validator=ge(1))
    seconds: float = attrs.field(default=1.0, validator=ge(0))
    answer: bool = False


@attrs.frozen(kw_only=True, repr=False)
class Lost(Fault):
    """A message is lost.

    Attributes:
        message: name of its class.
        nth: which of them, counted from 1.
        answer: whether it is the answer that is lost.
    """

    message: str
    nth: int = attrs.field(default=1, validator=ge(1))
    answer: bool = False


@attrs.frozen(kw_only=True, repr=False)
class Crash(Fault):
    """An actor crashes, and begins a new life at once.

    Attributes:
        topic: the topic that it belongs to.
        at: seconds after the beginning of the workload.
        member: which member, counted from 0.
    """

    topic: str
    at: float = attrs.field(default=1.0, validator=ge(0))
    member: int = attrs.field(default=0, validator=ge(0))


@attrs.frozen(kw_only=True, repr=False)
class Skew(Fault):
    """The wall clocks of the actors of a topic are wrong from the beginning.

    Attributes:
        topic: the topic.
        seconds: by so much they are ahead.
        member: which member, counted from 0; None for all.
    """

    topic: str
    seconds: float
    member: int | None = attrs.field(default=None, validator=attrs.validators.optional(in_(range(64))))


FaultPlan = tuple[Fault, ...]


@contextmanager
def messages_at_fault(plan: FaultPlan, world: World) -> Generator[None]:
    """Have messages late and lost inside the block."""
    with ExitStack() as stack:
        for number, fault in enumerate(plan):
            if isinstance(fault, (Late, Lost)):
                count = _Counter(fault)
                name = f"{type(fault).__name__}-{number}"
                if isinstance(fault, Late):
                    rule = world.faults.delay(fault.seconds, name, condition=count)
                else:
                    rule = world.faults.drop(name, condition=count)
                stack.enter_context(rule)
        yield


class _Counter:
    """Whether a packet is the one that a fault is about."""

    def __init__(self, fault: Late | Lost) -> None:
        self._fault = fault
        self._seen = 0

    def __call__(self, packet: Any) -> bool:
        fault = self._fault
        if packet.answer != fault.answer or type(packet.message).__name__ != fault.message:
            return False
        self._seen += 1
        return self._seen == fault.nth


async def crash_in_time(plan: FaultPlan, world: World) -> None:
    """Crash those that are to crash, each at its time."""

    async def crash(fault: Crash) -> None:
        await anyio.sleep(fault.at)
        members = world.bus.targets(fault.topic)
        if members:
            world.crash(members[fault.member % len(members)])

    async with anyio.create_task_group() as group:
        for fault in plan:
            if isinstance(fault, Crash):
                group.start_soon(crash, fault)


def set_clocks(plan: FaultPlan, world: World) -> None:
    """Make clocks wrong. Call it before the cloud starts: members of a topic are called after a number, or their host."""
    for fault in plan:
        if isinstance(fault, Skew):
            members = range(1, MEMBERS + 1) if fault.member is None else (fault.member + 1,)
            for member in members:
                for name in (str(member), f"host{member}"):
                    world.clock(Target(fault.topic, name)).skew = fault.seconds


MEMBERS = 4
"""Members of a topic, or hosts, whose clocks `set_clocks` makes wrong."""
