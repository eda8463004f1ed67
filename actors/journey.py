"""A journey: what became of a user's requests, call by call, as the bus saw it.

::

    recorder = Recorder()
    World(middleware=[recorder]).run(program)
    for call in recorder.journey():
        print(step_of(call), call)

A call is told by whose token it carries, never by the token: that stays with the recorder, which no text shows. What a server is in
while a call is made comes from Nova's own notifications, so it is known only with `notify_on_state_change`.
"""

from collections.abc import Awaitable, Callable
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any, Final

import anyio
import attrs

from actors.context import Credentials, RequestContext
from actors.keystone.models import IssuedToken
from actors.nova.messages.servers import ShowServer
from actors.nova.notifications import InstanceUpdate
from bus.message import Request
from bus.middleware import Middleware, Passage

CLIENT: Final = "client"
"""What whoever calls from outside of the cloud is called."""
SERVICE_ROLE: Final = "service"


class Credential(Enum):
    """What a call carries to show who asks."""

    NONE = "none"
    USER = "U"
    SERVICE = "S"
    BOTH = "U+S"
    CONTEXT = "RPC"

    @property
    def is_users(self) -> bool:
        """Whether the user's token must be good for it."""
        return self in (Credential.USER, Credential.BOTH)


@attrs.frozen(kw_only=True)
class Call:
    """A request, from when it is sent to when it is done.

    Attributes:
        id: its number among the messages of the bus.
        correlation: the number of the request with which it all began.
        time: seconds of the bus's clock when it was sent.
        seconds: until it was done; None if it never was.
        sender: who asked, an address; `CLIENT` from outside.
        receiver: whom.
        message: for what: the name of the message's class.
        credential: what it carried.
        state: what the server of this journey was in, such as ``"spawning"``; empty before there is one.
        error: how it failed; None if it did not.
    """

    id: int
    correlation: int
    time: float
    seconds: float | None = None
    sender: str
    receiver: str
    message: str
    credential: Credential
    state: str = ""
    error: Exception | None = None


class Recorder(Middleware):
    """Notes every request on a bus. It remembers all of them until `forget`."""

    def __init__(self) -> None:
        self._calls: dict[int, Call] = {}
        self._states: dict[int, str] = {}
        self._service_tokens: set[str] = set()

    def forget(self) -> None:
        """Begin anew; it still knows which tokens belong to services."""
        self._calls.clear()
        self._states.clear()

    @property
    def calls(self) -> list[Call]:
        """Every request so far, in the order in which they were sent."""
        return list(self._calls.values())

    def journey(self) -> list[Call]:
        """What clients asked for, and all that came of it; but for looking how the server is."""
        looks = {call.id for call in self.calls if call.sender == CLIENT and call.message == ShowServer.__name__}
        asked = {call.id for call in self.calls if call.sender == CLIENT} - looks
        return [call for call in self.calls if call.correlation in asked]

    # -- as middleware ---------------------------------------------------------------------------------------------------

    def send(self, passage: Passage) -> None:
        """Note a request; learn a server's state from what is notified."""
        message: Any = passage.message
        if isinstance(message, InstanceUpdate):
            row = message.instance
            self._states[passage.correlation] = str((row.task_state or row.vm_state).value)
        elif issubclass(type(message), Request):
            self._calls[passage.id] = Call(
                id=passage.id, correlation=passage.correlation, time=anyio.current_time(),
                sender=passage.sender or CLIENT, receiver=passage.receiver, message=type(message).__name__,
                credential=self._credential(passage.context), state=self._states.get(passage.correlation, ""),
            )  # fmt: skip

    async def handle(self, passage: Passage, proceed: Callable[[], Awaitable[Any]]) -> Any:
        """Note how it ends."""
        try:
            answer = await proceed()
        except Exception as error:
            self._done(passage, error)
            raise
        self._done(passage, None)
        if isinstance(answer, IssuedToken) and SERVICE_ROLE in answer.token.role_names:
            self._service_tokens.add(answer.id)
        return answer

    def _done(self, passage: Passage, error: Exception | None) -> None:
        call = self._calls.get(passage.id)
        if call is not None:
            self._calls[passage.id] = attrs.evolve(call, seconds=anyio.current_time() - call.time, error=error)

    def _credential(self, context: object) -> Credential:
        if isinstance(context, RequestContext):
            return Credential.CONTEXT
        if not isinstance(context, Credentials) or context.token is None:
            return Credential.NONE
        if context.service_token is not None:
            return Credential.BOTH
        return Credential.SERVICE if context.token in self._service_tokens else Credential.USER


# -- the steps of a boot ---------------------------------------------------------------------------------------------------

STEPS: Final = {
    1: "The client signs in to Keystone",
    2: "The token travels: every service has Keystone check it, with an account of its own",
    3: "Glance has the image",
    4: "nova-api checks the request, and accepts it: 202",
    5: "Security groups by name; the keypair is in nova-api's own database",
    6: "Networks of the project, and how many ports it may have",
    7: "nova-scheduler chooses a hypervisor, and claims it in Placement",
    8: "Cinder makes the volume, and attaches it",
    9: "nova-compute spawns the guest, from the image, on the hypervisor",
    10: "Neutron makes the port, binds it to the host, and has it wired",
}
"""What happens, by number: in the order in which each begins to matter; the last three go on side by side."""

_RULES: Final = (
    # who asks, whom, for what, step
    (CLIENT, "keystone", "Authenticate", 1),
    ("*", "keystone", "*", 2),
    ("cinder-*", "glance", "*", 8),
    ("nova-compute", "glance", "*", 9),
    ("*", "glance", "*", 3),
    ("*", "neutron", "ListSecurityGroups", 5),
    ("nova-api", "neutron", "*", 6),
    ("*", "neutron*", "*", 10),
    ("*", "*", "*ExternalEvents", 10),
    ("*", "*", "ExternalInstanceEvent", 10),
    (CLIENT, "nova-api", "*", 4),
    ("nova-compute", "nova-scheduler", "*", 9),
    ("*", "nova-scheduler", "*", 7),
    ("*", "nova-conductor", "*", 7),
    ("*", "placement", "*", 7),
    ("*", "cinder-*", "*", 8),
    ("*", "*", "*", 9),
)
"""The first that fits says to which step a call belongs; ``*`` stands for anything."""


def step_of(call: Call) -> int:
    """To which of `STEPS` a call of a boot belongs."""
    told = (service_of(call.sender), service_of(call.receiver), call.message)
    return next(step for *patterns, step in _RULES if all(map(fnmatchcase, told, patterns)))


def service_of(address: str) -> str:
    """The service that an address belongs to, whichever of its members it is."""
    return address.partition(".")[0]
