"""The sweep: one operation, and one thing that goes wrong, at every point at which it can.

A calm run of the operation shows its points: each message, by number, with what may happen to it. Then the operation runs once for
each point, with that one thing going wrong and nothing else. Random search finds what takes several things at once; the sweep
leaves nothing out that takes one.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from enum import Enum
from typing import Any, Final, TypeVar

import anyio
import attrs

from actors.calls import ApiRequest
from actors.context import Credentials
from actors.errors import CloudError, Unauthorized, Unavailable
from actors.hypervisor.messages import HypervisorCall
from actors.keystone.messages import Authenticate
from actors.keystone.models import IssuedToken
from actors.neutron.rpc import PlugInterface
from bus.errors import BusError
from bus.message import Request
from bus.middleware import Middleware, Passage
from bus.sim import World
from bus.sim.faults import Action, Packet, Rule, Verdict
from bus.topic import Target

T = TypeVar("T")

LATE: Final = 400.0
"""Seconds that a delayed message takes: longer than anybody waits for an answer, or for the event that comes of it."""
REPEATABLE: Final = ("Delete", "Download", "List", "Show", "Update", "Validate")
"""How the names of API calls begin that are a GET, a PUT or a DELETE: a client or a proxy whose connection fails before the answer has
come may send one again (RFC 9110, section 9.2.2)."""
SERVICE: Final = "service"
"""Name of the project of the services' own accounts."""


class Fault(Enum):
    """What can go wrong with a message."""

    EXPIRE = "the user's token dies before"
    """No call with it is let in from then on, unless a service token comes along; `auth_token` would say 401."""
    CRASH = "the receiver crashes before it handles"
    """It begins a new life at once."""
    CRASH_AFTER = "the receiver crashes when it has handled"
    """Its answer is lost."""
    REFUSE = "nobody is reached by"
    """The asker is told so: 503."""
    DROP = "nothing becomes of"
    DROP_ANSWER = "nobody hears the answer to"
    DELAY = "far too late comes"
    DUPLICATE = "twice is handled"
    """Whoever sent it gets the second answer. RPC is handled once at most, and nobody in the cloud handles an event."""


@attrs.frozen
class Point:
    """One thing that goes wrong, once.

    Attributes:
        fault: what.
        number: with which message of the operation, counted from 1 as they are sent.
        message: its class.
        receiver: who gets it.
    """

    fault: Fault
    number: int
    message: str
    receiver: str

    def __str__(self) -> str:
        return f"{self.fault.value} message {self.number}, {self.message} to {self.receiver}"


class Striker(Middleware):
    """Writes down what might go wrong, and lets one of it.

    Args:
        point: what goes wrong; None for nothing.
        reads: messages that whoever watches the operation sends, which are no part of it.

    Attributes:
        seen: every point so far.
        struck: whether it has gone wrong.
    """

    def __init__(self, point: Point | None = None, *, reads: tuple[type, ...] = ()) -> None:
        self.seen: list[Point] = []
        self.struck = False
        self._point = point
        self._reads = reads
        self._world: World | None = None
        self._roots: set[int] = set()
        self._numbers: dict[int, int] = {}
        self._sent: dict[int, Passage] = {}
        self._tokens: set[str] = set()
        self._dead: frozenset[str] = frozenset()
        self._faults = ExitStack()

    def arm(self, world: World) -> None:
        """The operation begins: from here on messages count."""
        self._world = world
        verdict = VERDICTS.get(self._point.fault, LOSE) if self._point is not None else LOSE
        self._faults.enter_context(world.faults.rule(Rule("sweep", verdict, condition=self._strikes)))

    def disarm(self) -> None:
        """The operation is over: what comes now does not count."""
        self._world = None
        self._faults.close()

    def send(self, passage: Passage) -> None:
        """Count a message of the operation."""
        message: object = passage.message
        if self._world is None or not self._belongs(passage) or not isinstance(message, Request):
            return
        number = self._numbers[passage.id] = len(self._numbers) + 1
        name = type(passage.message).__name__
        self.seen.extend(Point(fault, number, name, passage.receiver) for fault in self._possible(passage))
        if self._hits(passage, Fault.EXPIRE):
            self.struck, self._dead = True, frozenset(self._tokens)
        self._sent[id(passage.message)] = passage

    def deliver(self, passage: Passage) -> None:
        """Refuse what is refused."""
        if self._hits(passage, Fault.REFUSE):
            self.struck = True
            raise Unavailable(f"{passage.receiver} cannot be reached")
        sent = passage.context
        if isinstance(sent, Credentials) and sent.token in self._dead and sent.service_token is None:
            raise Unauthorized("The request you have made requires authentication.")

    async def handle(self, passage: Passage, proceed: Callable[[], Awaitable[Any]]) -> Any:
        """Crash who crashes, handle twice what comes twice, and learn which tokens are users'."""
        if self._hits(passage, Fault.CRASH):
            self._crash(passage)
        if self._hits(passage, Fault.DUPLICATE):
            self.struck = True
            with suppress(CloudError, BusError):
                await proceed()
        answer = await proceed()
        if self._hits(passage, Fault.CRASH_AFTER):
            self._crash(passage)
        if isinstance(passage.message, Authenticate) and isinstance(answer, IssuedToken):
            project = answer.token.project
            if project is None or project.name != SERVICE:
                self._tokens.add(answer.id)
        return answer

    # -- what goes wrong -------------------------------------------------------------------------------------------------

    def _belongs(self, passage: Passage) -> bool:
        """Whether a message is part of the operation: the user's own, or one that came of it."""
        if not passage.sender and not isinstance(passage.message, self._reads):
            self._roots.add(passage.correlation)
        return passage.correlation in self._roots

    def _possible(self, passage: Passage) -> tuple[Fault, ...]:
        message: object = passage.message
        sent, faults = passage.context, [Fault.CRASH, Fault.CRASH_AFTER, Fault.DROP, Fault.DELAY]
        if isinstance(message, (ApiRequest, HypervisorCall, PlugInterface)):
            faults.append(Fault.REFUSE)
        if isinstance(message, ApiRequest) and type(passage.message).__name__.startswith(REPEATABLE):
            faults.append(Fault.DUPLICATE)
        if isinstance(message, ApiRequest) and isinstance(sent, Credentials) and sent.token in self._tokens:
            faults.append(Fault.EXPIRE)
        return tuple(faults)

    def _hits(self, passage: Passage, *faults: Fault) -> bool:
        point = self._point
        return point is not None and point.fault in faults and self._numbers.get(passage.id) == point.number

    def _crash(self, passage: Passage) -> None:
        if self._world is not None:
            self.struck = True
            topic, _, server = passage.receiver.rpartition(".")
            self._world.crash(Target(topic, server=server), str(self._point))
            raise anyio.get_cancelled_exc_class()  # this task is one of the life that has ended

    def _strikes(self, packet: Packet) -> bool:
        """Whether the network does something to a packet; from the answers that come back it learns which messages have one."""
        passage = self._sent.get(id(packet.message))
        if passage is None:
            return False
        answered = Point(Fault.DROP_ANSWER, self._numbers[passage.id], type(packet.message).__name__, passage.receiver)
        if packet.answer and answered not in self.seen:
            self.seen.append(answered)
        struck = self._hits(passage, *((Fault.DROP_ANSWER,) if packet.answer else (Fault.DROP, Fault.DELAY)))
        self.struck = self.struck or struck
        return struck


LOSE: Final = Verdict(Action.DROP)
VERDICTS: Final = {Fault.DROP: LOSE, Fault.DROP_ANSWER: LOSE, Fault.DELAY: Verdict(Action.DELAY, LATE)}
"""What the network does; heartbeats are lost with the answer."""

Scenario = Callable[[World, Striker], Awaitable[T]]
"""Starts a cloud, arms the striker, does the operation, disarms the striker, and says what became of it."""


def points(
    scenario: Scenario[Any], faults: Sequence[Fault] = tuple(Fault), *, reads: tuple[type, ...] = ()
) -> list[Point]:
    """Every point of a scenario at which one of *faults* can strike, in the order of the messages.

    Args:
        scenario: the operation.
        faults: what goes wrong.
        reads: messages of whoever watches, which do not count.
    """
    striker = Striker(reads=reads)
    World(middleware=[striker]).run(lambda world: scenario(world, striker))
    return sorted((point for point in striker.seen if point.fault in faults), key=lambda point: point.number)


def strike(scenario: Scenario[T], point: Point, *, reads: tuple[type, ...] = ()) -> T:
    """Run a scenario in which one thing goes wrong.

    Args:
        scenario: the operation.
        point: what, and where.
        reads: as for `points`.

    Returns:
        What the scenario says.

    Raises:
        AssertionError: if it did not go wrong: the run differs from the calm one before the point.
    """
    striker = Striker(point, reads=reads)
    result = World(middleware=[striker]).run(lambda world: scenario(world, striker))
    if not striker.struck:
        raise AssertionError(f"this never came to be: {point}")
    return result
