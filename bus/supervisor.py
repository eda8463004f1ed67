"""Who restarts whom, how often, and when to give up: supervision after OTP.

A supervisor starts children and restarts those that crash. If it had to do so more than `intensity` times within `period`
seconds it gives up: it ends its children and fails in its turn, to its parent supervisor or, at the top, to the bus, whose
``async with`` block then raises.
"""

from collections import deque
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from bus.errors import ActorKilled, GaveUp
from bus.topic import Target

if TYPE_CHECKING:
    from bus.actor import Actor
    from bus.broker import Bus


class Strategy(Enum):
    """Which children are restarted when one crashes."""

    ONE_FOR_ONE = "one for one"
    """That one."""
    ONE_FOR_ALL = "one for all"
    """All of them."""
    REST_FOR_ONE = "rest for one"
    """That one and those that were started after it."""


class Restart(Enum):
    """Which ends of a child are mended."""

    PERMANENT = "permanent"
    """Every one, also when it stops by itself."""
    TRANSIENT = "transient"
    """Crashes alone."""
    TEMPORARY = "temporary"
    """None."""


class Child(Protocol):
    """What a supervisor restarts: an actor's cell, or another supervisor."""

    restart: Restart

    @property
    def name(self) -> str:
        """For messages and traces."""
        ...

    def end(self, reason: BaseException) -> None:
        """End it at once, without telling its supervisor."""
        ...

    async def begin(self) -> None:
        """Begin a new life."""
        ...

    def bury(self, reason: BaseException) -> None:
        """Give it up: it will not live again."""
        ...


class Supervisor:
    """Starts actors and restarts them.

    Args:
        bus: the bus that runs them.
        name: for error messages and traces.
        strategy: which children are restarted when one crashes.
        intensity: restarts allowed within *period*.
        period: seconds of the bus's clock.
        parent: who supervises this supervisor; None: the bus, which fails when it gives up.
        restart: which of its own ends its *parent* mends.
    """

    def __init__(
        self,
        bus: "Bus",
        name: str = "supervisor",
        *,
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        intensity: int = 1,
        period: float = 5.0,
        parent: "Supervisor | None" = None,
        restart: Restart = Restart.PERMANENT,
    ) -> None:
        self.name = name
        self.restart = restart
        self.restarts = 0
        """Restarts so far."""
        self._bus = bus
        self._strategy = strategy
        self._intensity = intensity
        self._period = period
        self._parent = parent
        self._children: list[Child] = []
        self._recent: deque[float] = deque()
        self._pending: list[Child] = []  # to be begun, in their order
        self._round = 0  # who begins them: the last round that was called for
        if parent is not None:
            parent.adopt(self)

    async def start(
        self,
        actor: "type[Actor]",
        *args: Any,
        topic: str | None = None,
        server: str | None = None,
        restart: Restart = Restart.PERMANENT,
        **kwargs: Any,
    ) -> Target:
        """Start an actor under this supervisor, as `Bus.start` does.

        Args:
            actor: its class.
            *args: for its `__init__`, in this life and each later one.
            topic: see `Bus.start`.
            server: see `Bus.start`.
            restart: which of its ends are mended.
            **kwargs: for its `__init__`.

        Returns:
            Its address.
        """
        return await self._bus.start(
            actor, *args, topic=topic, server=server, supervisor=self, restart=restart, **kwargs
        )

    def adopt(self, child: Child) -> None:
        """Take *child* under supervision."""
        self._children.append(child)

    def release(self, child: Child) -> None:
        """Take *child* out of supervision."""
        self._children.remove(child)
        if child in self._pending:
            self._pending.remove(child)

    def ended(self, child: Child, reason: BaseException | None) -> bool:
        """Hear that *child* ended by itself (*reason* is None) or crashed, and mend it as agreed.

        Returns:
            Whether the child may live again.
        """
        if child not in self._children:
            return False
        if child.restart is Restart.TEMPORARY or (reason is None and child.restart is Restart.TRANSIENT):
            self.release(child)
            return False
        now = self._bus.clock.monotonic()
        self._recent.append(now)
        while self._recent[0] < now - self._period:
            self._recent.popleft()
        if len(self._recent) > self._intensity:
            self._give_up(child, reason)
            return True
        first = self._children.index(child)
        affected = {
            Strategy.ONE_FOR_ONE: [child],
            Strategy.ONE_FOR_ALL: self._children[:],
            Strategy.REST_FOR_ONE: self._children[first:],
        }[self._strategy]
        for sibling in reversed(affected):
            if sibling is not child:
                sibling.end(ActorKilled(f"{child.name} crashed, and {self.name} restarts {self._strategy.value}"))
        self.restarts += len(affected)
        self._bus.spawn(self._begin_pending, self._next_round(affected))
        return True

    def end(self, reason: BaseException) -> None:
        """End all children at once, the last one first."""
        self._pending.clear()
        self._round += 1
        for child in reversed(self._children):
            child.end(reason)

    async def begin(self) -> None:
        """Begin a new life of every child, the first one first."""
        self._recent.clear()
        await self._begin_pending(self._next_round(self._children))

    def bury(self, reason: BaseException) -> None:
        """Give up on all children."""
        for child in reversed(self._children):
            child.bury(reason)

    def _next_round(self, children: list[Child]) -> int:
        """Take over what an earlier round has not begun yet, and *children*."""
        self._pending = [child for child in self._children if child in children or child in self._pending]
        self._round += 1
        return self._round

    async def _begin_pending(self, number: int) -> None:
        while self._pending and self._round == number:
            child = self._pending.pop(0)
            try:
                await child.begin()
            except ActorKilled:  # by somebody who saw to what follows
                continue
            except Exception as error:  # noqa: BLE001 (whatever a new life raises is one more crash)
                if not self.ended(child, error):
                    child.bury(error)

    def _give_up(self, child: Child, reason: BaseException | None) -> None:
        failure = GaveUp(
            f"{self.name} had to restart {len(self._recent)} times within {self._period} s, more than its intensity of "
            f"{self._intensity}; the last to end was {child.name}. Mend the cause, or raise intensity or period."
        )
        failure.__cause__ = reason
        self.end(failure)
        if self._parent is not None:
            if not self._parent.ended(self, failure):
                self.bury(failure)
        else:
            self._bus.fail(failure)
