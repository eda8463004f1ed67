"""Mistakes on purpose: one safeguard of the correct actors is taken away, and some invariant must notice.

None of them is a bug of the catalogue in `actors.races`: they show that the invariants find what nobody has thought of.
"""

import inspect
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import attrs
import pytest

from actors.cloud import CloudConfig
from actors.errors import Unavailable
from actors.keystone.config import KeystoneConfig
from actors.neutron.config import NeutronConfig
from actors.testing.cases import SMALL
from actors.testing.faults import FaultPlan
from actors.testing.machine import Case, run_case
from actors.testing.workloads import Boot, Delete, Workload
from bus.middleware import Middleware, Passage
from bus.sim import Schedule, World

TOKENS = KeystoneConfig(allow_expired_window=600, max_active_keys=12, password_hash_rounds=1)
TWO_HOSTS = attrs.evolve(
    SMALL, keystone=TOKENS, backends=(), dhcp_agents=0, neutron=NeutronConfig(send_events_interval=0.5)
)
"""A cloud without volumes and DHCP."""
ONE_HOST = attrs.evolve(TWO_HOSTS, hosts=1)
WITH_VOLUMES = attrs.evolve(TWO_HOSTS, backends=("lvm",))
WITH_DHCP = attrs.evolve(TWO_HOSTS, dhcp_agents=1)

BOOT = Boot(server="a")
END = Delete(at=30, server="a")


@attrs.frozen
class Mistake:
    """A safeguard that is taken away, and a case in which that matters.

    Attributes:
        name: what the test is called.
        removes: what is taken away.
        owner: the class or module whose *attribute* the safeguard is in.
        attribute: its name.
        wrong: makes of it what is there instead.
        workload: what people do.
        breaks: names of the invariants that may notice.
        config: the cloud.
        faults: what goes wrong besides.
        refused: classes of messages, and which of each are answered 503, counted from 1.
        runs: within how many runs it must be noticed: a calm one, and then as many seeds.
    """

    name: str
    removes: str
    owner: Any
    attribute: str
    wrong: Callable[[Any], Any]
    workload: Workload
    breaks: tuple[str, ...]
    config: CloudConfig = TWO_HOSTS
    faults: FaultPlan = ()
    refused: Mapping[str, tuple[int, ...]] = attrs.field(factory=dict[str, tuple[int, ...]])
    runs: int = 1

    def plant(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make the mistake."""
        monkeypatch.setattr(self.owner, self.attribute, self.wrong(getattr(self.owner, self.attribute)))

    def hunt(self, runs: int) -> tuple[int, set[str]]:
        """How many runs it took until invariants broke, and their names: none if it took no fewer than *runs*."""
        for run in range(runs):
            if broken := self._broken(Schedule() if run == 0 else Schedule.of(run)):
                return run + 1, broken
        return runs, set()

    def _broken(self, schedule: Schedule) -> set[str]:
        case = Case(workload=self.workload, config=self.config, faults=self.faults)
        watch = World(schedule=schedule, middleware=[Refusal(self.refused)]).run(partial(run_case, case))
        if not watch.violations:
            watch.check()
        return {violation.invariant for violation in watch.violations}


class Refusal(Middleware):
    """Answers 503 to some messages.

    Args:
        refused: names of classes, and which of each, counted from 1.
    """

    def __init__(self, refused: Mapping[str, tuple[int, ...]]) -> None:
        self._refused = refused
        self._seen = Counter[str]()

    def deliver(self, passage: Passage) -> None:
        name = type(passage.message).__name__
        self._seen[name] += 1
        if self._seen[name] in self._refused.get(name, ()):
            raise Unavailable(f"{passage.receiver} cannot be reached")


def left_out(right: Any) -> Any:
    """Nothing is done."""

    async def nothing_awaited(*_: Any, **__: Any) -> None: ...

    def nothing(*_: Any, **__: Any) -> None: ...

    return nothing_awaited if inspect.iscoroutinefunction(right) else nothing


def answering(answer: Any) -> Callable[[Any], Any]:
    """Whatever is asked, this is the answer."""
    return lambda _: lambda *_, **__: answer
