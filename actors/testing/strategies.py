"""Hypothesis strategies for what a run consists of.

The calm default is the smallest: everything shrinks towards one boot in a small cloud, with tokens that outlive it, at nominal speed.

::

    @given(case=cases(), schedule=schedules())
    def test_nothing_breaks(case, schedule):
        World(schedule=schedule).run(partial(fuzz, case))

A schedule is a seed of some algorithm, or the calm one: Hypothesis shrinks what people do and what goes wrong, then
`bus.sim.shrink` makes the schedule small.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import attrs
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from actors.auth_token import AuthTokenConfig
from actors.cloud import CloudConfig, Members
from actors.keystone.config import KeystoneConfig
from actors.testing.cases import DELAYED, LONGEST, SERVERS, SMALL, VOLUMES
from actors.testing.faults import Crash, Fault, FaultPlan, Late, Lost, Skew
from actors.testing.machine import Case
from actors.testing.workloads import (
    Attach,
    Boot,
    CloseProject,
    Delete,
    Detach,
    Exchange,
    Flush,
    LoseRole,
    MakeVolume,
    Migrate,
    NewPassword,
    Operation,
    Poll,
    Reboot,
    RemoveVolume,
    Rotate,
    SignOut,
    Snapshot,
    StopAndStart,
    Suspend,
    Workload,
)
from bus.sim import Latency, Schedule

MAX_SEED: Final = 2**20
"""Seeds of drawn schedules are smaller: short lines are easier to read."""
CRASHING: Final = (
    "nova-compute", "nova-conductor", "nova-scheduler", "nova-api", "neutron", "placement", "glance", "cinder-api",
    "cinder-volume", "neutron-openvswitch-agent", "hypervisor", "keystone",
)  # fmt: skip
"""Topics whose members crash."""
SKEWED: Final = ("keystone", "nova-api", "neutron", "cinder-api", "glance", "placement", "nova-compute")
"""Topics whose clocks are wrong."""


def schedules(*, algorithms: Sequence[str] = ("calm", "random", "pct")) -> st.SearchStrategy[Schedule]:
    """Schedules of some algorithms; the calm one, if it is among them, is the smallest."""
    if not algorithms:
        raise InvalidArgument("algorithms=() leaves no schedule: give at least one of 'calm', 'random', 'pct'")
    seeds = st.integers(min_value=0, max_value=MAX_SEED)
    return st.one_of(
        *(
            st.just(Schedule()) if one == "calm" else st.builds(Schedule, st.just(one), seeds)
            for one in sorted(algorithms, key=("calm", "random", "pct").index)
        )
    )


def latencies(*, longest: float = 1.0) -> st.SearchStrategy[Latency]:
    """Latencies of messages: none, up to a millisecond, even, or with a long tail.

    Args:
        longest: seconds that a message takes as a rule, at most.
    """
    if longest <= 0:
        raise InvalidArgument(f"longest={longest} must be above 0 seconds")
    seconds = st.floats(min_value=0.0001, max_value=longest)
    return st.one_of(
        st.just(Latency.constant(0)),
        st.just(Latency.within(min(0.001, longest))),
        st.builds(Latency.within, seconds),
        st.builds(Latency.lognormal, seconds, st.sampled_from((0.5, 1.0, 2.0))),
    )


def _seconds(most: float = LONGEST) -> st.SearchStrategy[float]:
    """Tenths of a second: they read well, and shrink to 0."""
    return st.integers(min_value=0, max_value=int(most * 10)).map(lambda tenths: tenths / 10)


# -- what people do ----------------------------------------------------------------------------------------------------


def operations(*, servers: Sequence[str] = SERVERS, volumes: Sequence[str] = VOLUMES) -> st.SearchStrategy[Operation]:
    """Operations but for boots and new volumes: what is done with those, to tokens, and by operators.

    Args:
        servers: names of servers to do something with.
        volumes: names of volumes, likewise.
    """
    if not servers or not volumes:
        raise InvalidArgument(f"servers={servers!r}, volumes={volumes!r}: give at least one name of each")
    return _operations(tuple(servers), tuple(volumes))


@cache
def _operations(servers: tuple[str, ...], volumes: tuple[str, ...]) -> st.SearchStrategy[Operation]:
    """Made once for the same names: to look at seventeen signatures takes longer than to draw from them."""
    at, pause = _seconds(), _seconds(20)
    server, volume, ready = st.sampled_from(servers), st.sampled_from(volumes), st.booleans()
    on_server: dict[str, Any] = {"at": at, "server": server}
    return st.one_of(
        st.builds(Delete, ready=ready, **on_server),
        st.builds(Snapshot, ready=st.just(True), **on_server),
        st.builds(Migrate, ready=st.just(True), **on_server),
        st.builds(Reboot, ready=ready, hard=st.booleans(), **on_server),
        st.builds(StopAndStart, ready=st.just(True), pause=pause, **on_server),
        st.builds(Attach, volume=volume, **on_server),
        st.builds(Detach, volume=volume, **on_server),
        st.builds(RemoveVolume, at=at, volume=volume),
        st.builds(Poll, at=at, seconds=_seconds(30)),
        st.builds(Exchange, at=at),
        st.builds(SignOut, at=at, elsewhere=st.booleans()),
        st.builds(NewPassword, at=at),
        st.builds(LoseRole, at=at, seconds=pause),
        st.builds(Suspend, at=at, seconds=pause),
        st.builds(CloseProject, at=at, seconds=pause),
        st.builds(Rotate, at=at),
        st.builds(Flush, at=at),
    )


@cache
def _boot(server: str) -> st.SearchStrategy[Boot]:
    return st.builds(Boot, server=st.just(server), at=_seconds(5), volume=st.booleans(), apart=st.booleans())


@cache
def _new_volume(volume: str) -> st.SearchStrategy[MakeVolume]:
    return st.builds(MakeVolume, volume=st.just(volume), at=_seconds(5))


@st.composite
def workloads(
    draw: st.DrawFn, *, max_servers: int = 3, max_volumes: int = 2, max_operations: int = 8,
    others: st.SearchStrategy[Operation] | None = None,
) -> Workload:  # fmt: skip
    """Workloads: boots, new volumes, and what is done beside them.

    Args:
        draw: by Hypothesis.
        max_servers: boots at most; there is one at least.
        max_volumes: new volumes at most.
        max_operations: other operations at most.
        others: the other operations; None for all there are.
    """
    if not 1 <= max_servers <= len(SERVERS):
        raise InvalidArgument(f"max_servers={max_servers} must be from 1 to {len(SERVERS)}")
    servers = SERVERS[: draw(st.integers(min_value=1, max_value=max_servers))]
    volumes = VOLUMES[: draw(st.integers(min_value=0, max_value=max_volumes))]
    boots = [draw(_boot(one)) for one in servers]
    made = [draw(_new_volume(one)) for one in volumes]
    other = operations(servers=servers, volumes=volumes or VOLUMES[:1]) if others is None else others
    return (*boots, *made, *draw(st.lists(other, max_size=max_operations)))


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def clock_skews(*, largest: float = 10.0) -> st.SearchStrategy[Skew]:
    """Clocks of a service that are wrong by up to *largest* seconds, either way."""
    if largest < 0:
        raise InvalidArgument(f"largest={largest} must not be below 0 seconds")
    tenths = int(largest * 10)
    seconds = st.integers(min_value=-tenths, max_value=tenths).map(lambda tenths: tenths / 10)
    return st.builds(Skew, topic=st.sampled_from(SKEWED), seconds=seconds, member=st.none() | st.integers(0, 1))


def delays(*, longest: float = 20.0) -> st.SearchStrategy[Late]:
    """Messages that come late, by up to *longest* seconds."""
    return st.builds(
        Late, message=st.sampled_from(DELAYED), nth=st.integers(1, 3), seconds=_seconds(longest), answer=st.booleans()
    )


def losses() -> st.SearchStrategy[Lost]:
    """Messages that are lost."""
    return st.builds(Lost, message=st.sampled_from(DELAYED), nth=st.integers(1, 3), answer=st.booleans())


def crashes() -> st.SearchStrategy[Crash]:
    """Members of services that crash, and begin anew."""
    return st.builds(Crash, topic=st.sampled_from(CRASHING), at=_seconds(), member=st.integers(0, 1))


def fault_plans(*, faults: st.SearchStrategy[Fault] | None = None, max_size: int = 2) -> st.SearchStrategy[FaultPlan]:
    """Fault plans; the smallest has no fault.

    Args:
        faults: which; None for late messages only, which no correct cloud may be harmed by.
        max_size: at most so many.
    """
    return st.lists(delays() if faults is None else faults, max_size=max_size).map(tuple)


# -- in which cloud ----------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class TokenSetup:
    """How a cloud's tokens are made and checked; the default is OpenStack's, with keys enough for a rotation each minute.

    Attributes:
        keystone: Keystone's options.
        auth_token: the middleware's options.
        keystones: how many Keystones there are.
        shared_cache: whether the members of a service share what their middleware remembers.
    """

    keystone: KeystoneConfig = KeystoneConfig(max_active_keys=12, allow_expired_window=600, password_hash_rounds=1)
    auth_token: AuthTokenConfig = AuthTokenConfig()
    keystones: int = 1
    shared_cache: bool = False

    def applied_to(self, config: CloudConfig) -> CloudConfig:
        """A cloud with these tokens."""
        return attrs.evolve(
            config,
            keystone=self.keystone,
            auth_token=self.auth_token,
            members=attrs.evolve(config.members, keystone=self.keystones),
            shared_token_cache=self.shared_cache,
        )


def token_setups(
    *, providers: Sequence[str] = ("fernet", "uuid"), expirations: Sequence[int] = (3600, 300, 130),
    windows: Sequence[int] = (600,), cache_times: Sequence[int] = (300, 10, -1), max_active_keys: Sequence[int] = (12,),
    max_keystones: int = 2,
) -> st.SearchStrategy[TokenSetup]:  # fmt: skip
    """How tokens are made and checked; the first of each choice is the smallest.

    Args:
        providers: formats.
        expirations: seconds that tokens live.
        windows: seconds for which they count beside a service token when they have expired.
        cache_times: seconds for which services remember them.
        max_active_keys: Fernet keys that are kept.
        max_keystones: so many Keystones at most.
    """
    keystone = st.builds(
        KeystoneConfig,
        provider=st.sampled_from(providers), expiration=st.sampled_from(expirations),
        allow_expired_window=st.sampled_from(windows), max_active_keys=st.sampled_from(max_active_keys),
        password_hash_rounds=st.just(1),
    )  # fmt: skip
    return st.builds(
        TokenSetup,
        keystone=keystone,
        auth_token=st.builds(AuthTokenConfig, token_cache_time=st.sampled_from(cache_times)),
        keystones=st.integers(min_value=1, max_value=max_keystones),
        shared_cache=st.booleans(),
    )


def small_clouds(
    *, tokens: st.SearchStrategy[TokenSetup] | None = None, max_hosts: int = 3, base: CloudConfig = SMALL
) -> st.SearchStrategy[CloudConfig]:
    """Clouds with few hosts, and with timeouts of minutes.

    Args:
        tokens: how tokens are made and checked; None for all of `token_setups`.
        max_hosts: so many hosts at most.
        base: everything else.
    """
    if max_hosts < 1:
        raise InvalidArgument(f"max_hosts={max_hosts} must be 1 or more")

    def made(hosts: int, members: Members, setup: TokenSetup) -> CloudConfig:
        return setup.applied_to(attrs.evolve(base, hosts=hosts, members=members))

    return st.builds(
        made,
        st.integers(min_value=min(2, max_hosts), max_value=max_hosts),
        st.builds(Members, nova_conductor=st.integers(1, 2), nova_scheduler=st.integers(1, 2)),
        token_setups() if tokens is None else tokens,
    )


def cases(
    *, workload: st.SearchStrategy[Workload] | None = None, config: st.SearchStrategy[CloudConfig] | None = None,
    faults: st.SearchStrategy[FaultPlan] | None = None, latency: st.SearchStrategy[Latency] | None = None,
) -> st.SearchStrategy[Case]:  # fmt: skip
    """Cases: what happens in a run.

    Args:
        workload: what people do; None for any `workloads`.
        config: the cloud; None for any of `small_clouds`.
        faults: what goes wrong; None for late messages.
        latency: of messages; None for the world's own.
    """
    return st.builds(
        Case,
        workload=workloads() if workload is None else workload,
        config=small_clouds() if config is None else config,
        faults=fault_plans() if faults is None else faults,
        age=st.just(0.0) | _seconds(130),
        latency=st.none() if latency is None else latency,
    )
