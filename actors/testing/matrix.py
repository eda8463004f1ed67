"""The expiry matrix: at which step of an operation does the user's token die, and what becomes of the operation then?

A calm run shows the steps: the calls that carry the user's token, and when each arrives. Then the operation runs once for each step, with
a token that expires half a second before that call arrives: a real token, that expires by the clock. Every message takes a
second, so that no two steps fall into one second, which is the finest that tokens know.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import anyio
import attrs

from actors.auth_token import AuthTokenConfig
from actors.calls import ApiRequest
from actors.client.held_token import HeldToken
from actors.cloud import Cloud, CloudConfig
from actors.context import Credentials
from actors.errors import CloudError
from actors.glance.states import ImageStatus
from actors.keystone.config import KeystoneConfig
from actors.leftovers import leftovers
from actors.nova.config import NovaConfig
from actors.nova.states import VmState
from actors.testing.operations import Operation
from bus.errors import BusError
from bus.middleware import Middleware, Passage
from bus.sim import Latency, World

HOP: Final = 1.0
"""Seconds that every message takes."""
BEFORE: Final = 0.5
"""Seconds before a call arrives at which the token expires."""
EXPIRATION: Final = 600
"""Seconds that tokens live."""
PREPARATION: Final = 20.0
"""Seconds for what must be there before the operation. It falls into the last two minutes of the services' own tokens, so that all have
renewed them when the operation begins, whatever the step."""
LAST: Final = 20.0
"""Seconds before the end of a token at which the calm run begins, with another token."""
REFUSED: Final = "refused"
REST: Final = 900.0
"""Seconds after which nothing is on its way any more."""


@attrs.frozen(kw_only=True)
class Setting:
    """What decides what an expiry does.

    Attributes:
        provider: the format of tokens: ``"fernet"``, ``"jws"``, ``"uuid"``, ``"pki"`` or ``"pkiz"``.
        service_tokens: whether Nova sends a service token along.
        token_cache_time: how long services remember a token, in seconds.
    """

    provider: str = "fernet"
    service_tokens: bool = True
    token_cache_time: int = 300

    def config(self) -> CloudConfig:
        """A cloud with it."""
        return CloudConfig(
            keystone=KeystoneConfig(provider=self.provider, expiration=EXPIRATION),
            nova=NovaConfig(send_service_user_token=self.service_tokens),
            auth_token=AuthTokenConfig(token_cache_time=self.token_cache_time),
        )


@attrs.frozen
class Step:
    """A call that carries the user's token.

    Attributes:
        number: counted from 1.
        call: its name.
        sender: who calls; empty for the user.
        receiver: the service that is called.
        after: seconds from the beginning of the operation to its arrival.
    """

    number: int
    call: str
    sender: str
    receiver: str
    after: float


@attrs.frozen
class Outcome:
    """What became of an operation.

    Attributes:
        result: ``refused`` with the status, or the server's own status (``gone`` if it is deleted), and ``stuck`` if something is
            still being done to it.
        rescheduled: whether another host was tried.
        left: what there is in the end, by kind.
    """

    result: str
    rescheduled: bool
    left: tuple[tuple[str, int], ...]

    def beside(self, calm: "Outcome") -> str:
        """In words, with what there is more, or less, of than after a *calm* run."""
        if self.result.startswith(REFUSED):
            return self.result
        usual = dict(calm.left)
        more = [f"{count - usual.get(kind, 0)} {kind} left" for kind, count in self.left if count > usual.get(kind, 0)]
        less = [f"no {kind}" for kind, count in calm.left if count > dict(self.left).get(kind, 0)]
        less = less if self.result == calm.result else []
        return ", ".join([self.result, *(["rescheduled"] if self.rescheduled else []), *more, *less])


class _Calls(Middleware):
    """Writes down the calls that carry the user's token."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.token: str | None = None
        self.world: World | None = None
        self._start = 0.0

    def begin(self, world: World, token: str) -> None:
        self.world, self.token, self._start = world, token, world.now

    def deliver(self, passage: Passage) -> None:
        sent, name = passage.context, type(passage.message).__name__
        if self.world is None or not isinstance(passage.message, ApiRequest) or not isinstance(sent, Credentials):
            return
        if sent.token == self.token:
            number = len(self.steps) + 1
            after = self.world.now - self._start
            self.steps.append(Step(number, name, passage.sender, passage.receiver, after))


def steps(operation: Operation, setting: Setting) -> tuple[list[Step], Outcome]:
    """The steps at which the token can die, and what becomes of the operation if it does not."""
    calls = _Calls()
    outcome = _run(operation, setting, None, calls)
    return calls.steps, outcome


def expire(operation: Operation, setting: Setting, step: Step) -> Outcome:
    """What becomes of an operation whose token expires just before a step."""
    return _run(operation, setting, step, _Calls())


def matrix(operation: Operation, setting: Setting) -> Iterator[tuple[Step, str]]:
    """What becomes of an operation in words, for each step at which the token can die: ``done`` if all is as without an expiry."""
    found, calm = steps(operation, setting)
    for step in found:
        outcome = expire(operation, setting, step)
        yield step, "done" if outcome == calm else outcome.beside(calm)


def _run(operation: Operation, setting: Setting, step: Step | None, calls: _Calls) -> Outcome:
    async def program(world: World) -> Outcome:
        cloud = await Cloud(setting.config()).start(world.bus, world.random)
        issued = await world.bus.ask(cloud.account(operation.by))
        start = issued.token.expires_at - (LAST if step is None else step.after - BEFORE)
        await anyio.sleep(start - PREPARATION - world.bus.clock.time())
        await operation.prepare(cloud, cloud.session(operation.by))
        await anyio.sleep(start - world.bus.clock.time())
        if step is None:
            issued = await world.bus.ask(cloud.account(operation.by))
        world.links.set(Latency.constant(HOP))
        user = HeldToken(world.bus, issued.id)
        calls.begin(world, issued.id)
        refused: str | None = None
        try:
            await operation.act(cloud, user)
        except CloudError as error:
            refused = f"{REFUSED}, {error.status}"
        except BusError as error:
            refused = f"no answer, {type(error).__name__}"
        await anyio.sleep(REST)
        return _outcome(cloud, refused)

    return World(middleware=[calls]).run(program)


def _outcome(cloud: Cloud, refused: str | None) -> Outcome:
    rows = list(cloud.stores.nova.instances.values())
    result, rescheduled = refused or "gone", False
    for row in rows:
        rescheduled = row.launched_on not in (None, cloud.hosts[0])
        result = row.status
        if row.task_state is not None or row.vm_state is VmState.BUILDING:
            result = f"stuck in {row.vm_state}/{row.task_state}"
        if refused:
            result = f"{refused}; the server is {result}"
    return Outcome(result, rescheduled, _owned(cloud))


def _owned(cloud: Cloud) -> tuple[tuple[str, int], ...]:
    """What there is of servers and their belongings; volumes and images by their status."""
    counts = Counter(leftovers(cloud.stores))
    counts -= Counter({"volumes": counts["volumes"]})
    counts.update(f"{volume.status} volumes" for volume in cloud.stores.cinder.volumes)
    images = cloud.stores.glance.images.values()
    counts.update(f"{image.status} images" for image in images if image.status is not ImageStatus.ACTIVE)
    return tuple(counts.items())
