"""What must not matter does not: two runs that differ in one thing are compared."""

from functools import partial

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.auth_token import AuthTokenConfig
from actors.cinder.config import CinderConfig
from actors.cloud import Cloud, CloudConfig, Members
from actors.keystone.config import KeystoneConfig
from actors.keystone.tokens.revocation import RevocationEvent
from actors.testing.cases import SMALL
from actors.testing.invariants import Watch
from actors.testing.machine import Case, run_case
from actors.testing.stage import Stage
from actors.testing.strategies import schedules
from actors.testing.workloads import (
    Boot,
    Delete,
    Exchange,
    LoseRole,
    MakeVolume,
    NewPassword,
    Poll,
    Reboot,
    Rotate,
    SignOut,
    Snapshot,
    Suspend,
    run_workload,
)
from bus.middleware import Middleware, Passage
from bus.sim import Latency, Schedule, World

FEW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=10)
BEATS = st.integers(1, 14)
"""Events of a story come halfway between two calls, which come at each beat: far from the second to which Keystone cuts its times."""


def tokens(*, beat: int = 4, expiration: int = 400, cache: int = 20, keystones: int = 1) -> CloudConfig:
    """A cloud without hosts, whose nova-api is asked; times are in beats of so many seconds."""
    return CloudConfig(
        hosts=0, backends=(), dhcp_agents=0, members=Members(keystone=keystones),
        keystone=KeystoneConfig(
            expiration=expiration * beat, allow_expired_window=600, max_active_keys=40, password_hash_rounds=1
        ),
        auth_token=AuthTokenConfig(token_cache_time=cache * beat),
    )  # fmt: skip


def poll(beats: int, beat: int = 4) -> Poll:
    """The user calls at each beat."""
    return Poll(seconds=beats * beat + 1, every=beat)


def halfway(number: int, beat: int = 4) -> float:
    """Seconds until halfway after a beat."""
    return (number + 0.5) * beat


@attrs.frozen
class Heard:
    """What nova-api said to users.

    Attributes:
        accepted: of each call, whether it was let in.
        lag: seconds for which a void token was accepted at most.
    """

    accepted: tuple[bool, ...]
    lag: float


def listen(config: CloudConfig, *workload) -> Heard:
    """Run a workload on a cloud of which only tokens matter, with all invariants."""

    async def story(world: World) -> Heard:
        cloud = Cloud(config)
        watch, accepted, lags = Watch(cloud, world), [], [0.0]

        def hear(decision) -> None:
            if decision.service.startswith("nova-api"):
                accepted.append(decision.accepted)
                void = watch.truth.void_since(watch.truth.judge(decision.credentials).user)
                if decision.accepted and void is not None:
                    lags.append(decision.decided - void.at)

        await cloud.start(world.bus, world.random)
        watch.hear_decisions(hear)
        await run_workload(workload, Stage(cloud, world))
        watch.at_rest()
        watch.check()
        return Heard(tuple(accepted), max(lags))

    return World().run(story)


def outcome(
    config: CloudConfig, *workload, schedule: Schedule | None = None, latency: Latency | None = None, void_at: str = ""
):  # fmt: skip
    """Run a workload until the cloud is at rest: what there is then, but for hosts, ids and times.

    If the user's tokens are made void at a message, nobody has asked for that, and the invariants do not know of it: they are off.
    """
    void = Void(void_at)

    async def story(world: World):
        void.cloud = cloud = Cloud(config)
        case = Case(workload=workload, config=config, latency=latency)
        watch = await run_case(case, world, cloud=cloud, invariants=() if void_at else None, tidy=False)
        watch.check()
        stores = cloud.stores
        servers = stores.nova.instances.values()
        return {
            "servers": sorted((one.display_name, one.status, len(one.info_cache)) for one in servers),
            "ports": sorted(one.status.value for one in stores.neutron.ports.values()),
            "volumes": sorted((one.name, one.status, one.size) for one in stores.cinder.volumes),
            "images": sorted((one.name, one.status.value) for one in stores.glance.images.values()),
            "allocations": len(stores.placement.consumers),
        }

    return World(schedule=schedule or Schedule(), middleware=[void]).run(story)


class Void(Middleware):
    """Makes the user's tokens void just before the first message of a class is sent."""

    cloud: Cloud

    def __init__(self, message: str) -> None:
        self._message = message

    def send(self, passage: Passage) -> None:
        if type(passage.message).__name__ == self._message:
            self._message = ""
            store, now = self.cloud.stores.keystone, self.cloud.bus.clock.time()
            user = next(one for one in store.users.values() if one.name == "demo")
            store.revocations.add(RevocationEvent(revoked_at=now, user_id=user.id))


def servers_of(found) -> list[str]:
    """The status of each server."""
    return [status for _, status, _ in found["servers"]]


# -- tokens ------------------------------------------------------------------------------------------------------------


@given(cache=st.integers(1, 6), longer=st.integers(2, 4), out=BEATS)
@settings(FEW)
def test_a_cache_that_remembers_so_many_times_as_long_lets_void_tokens_in_no_shorter_and_refuses_no_good_one(
    cache, longer, out
):
    """By a whole factor: otherwise the longer time may happen to end sooner after the sign-out."""
    leave = SignOut(at=halfway(out), elsewhere=True)
    short = listen(tokens(cache=cache), poll(40), leave)
    long = listen(tokens(cache=cache * longer), poll(40), leave)
    assert short.lag <= long.lag <= cache * longer * 4 + 1
    assert short.accepted.count(False) == long.accepted.count(False) == 1  # the void token; a good one breaks S3


@given(
    factor=st.sampled_from((2, 3, 10, 60)),
    expiration=st.integers(3, 12),
    cache=st.integers(2, 12),
    out=BEATS,
    child=BEATS,
)
@settings(FEW)
def test_the_unit_of_time_does_not_matter(factor, expiration, cache, out, child):
    def heard(beat: int) -> tuple[bool, ...]:
        leave = SignOut(at=halfway(out, beat), elsewhere=True)
        config = tokens(beat=beat, expiration=expiration, cache=cache)
        return listen(config, poll(24, beat), Exchange(at=halfway(child, beat)), leave).accepted

    assert heard(4 * factor) == heard(4)


@given(
    event=st.sampled_from((
        partial(SignOut, elsewhere=True), partial(SignOut, elsewhere=False), NewPassword, Exchange,
        partial(LoseRole, seconds=8), partial(Suspend, seconds=8),
    )),
    at=BEATS, rotations=st.lists(BEATS, max_size=3), cache=st.integers(1, 6),
)  # fmt: skip
@settings(FEW)
def test_another_keystone_with_the_same_keys_does_not_matter(event, at, rotations, cache):
    def heard(keystones: int) -> tuple[bool, ...]:
        turns = [Rotate(at=halfway(one) + place) for place, one in enumerate(rotations)]
        return listen(tokens(cache=cache, keystones=keystones), poll(24), event(at=halfway(at)), *turns).accepted

    assert heard(2) == heard(1)


# -- boots -------------------------------------------------------------------------------------------------------------


def booting(*, service_tokens: bool, expiration: int = 3600) -> CloudConfig:
    """A cloud whose services remember no token, so that each call asks Keystone."""
    return attrs.evolve(
        SMALL, hosts=1, nova=attrs.evolve(SMALL.nova, send_service_user_token=service_tokens),
        cinder=CinderConfig(send_service_user_token=service_tokens),
        keystone=KeystoneConfig(expiration=expiration, allow_expired_window=600, password_hash_rounds=1),
        auth_token=AuthTokenConfig(token_cache_time=-1),
    )  # fmt: skip


SLOW = Latency.constant(0.2)


@given(expiration=st.integers(8, 30), volume=st.booleans())
@settings(FEW)
def test_no_expiry_makes_a_boot_fail_that_has_service_tokens(expiration, volume):
    config = booting(service_tokens=True, expiration=expiration)
    assert servers_of(outcome(config, Boot(server="a", volume=volume), latency=SLOW)) == ["ACTIVE"]


@pytest.mark.parametrize("message", ["CreatePort", "CreateVolume", "CreateAttachment", "CompleteAttachment"])
def test_a_service_token_does_not_help_a_token_that_was_made_void(message):
    """At the same step, not at the same second: calls take longer with two tokens."""
    ends = [
        servers_of(outcome(booting(service_tokens=on), Boot(server="a", volume=True), latency=SLOW, void_at=message))
        for on in (False, True)
    ]
    assert ends == [["ERROR"], ["ERROR"]]


INDEPENDENT = (
    Boot(server="a"), Boot(server="b", volume=True), MakeVolume(volume="v"), Snapshot(at=1, server="a", ready=True),
    Reboot(at=1, server="b", ready=True), Boot(server="c"), Delete(at=1, server="c", ready=True),
)  # fmt: skip
CLOUD = attrs.evolve(SMALL, keystone=KeystoneConfig(allow_expired_window=600, password_hash_rounds=1))


@given(count=st.integers(1, len(INDEPENDENT)), schedule=schedules(algorithms=("random", "pct")))
@settings(FEW)
def test_the_order_of_what_is_independent_does_not_matter_in_the_end(count, schedule):
    workload = INDEPENDENT[:count]
    assert outcome(CLOUD, *workload, schedule=schedule) == outcome(CLOUD, *workload)


@given(
    count=st.integers(1, len(INDEPENDENT)),
    at=st.integers(0, 10),
    every=st.sampled_from((0.5, 2, 7)),
    schedule=schedules(),
)
@settings(FEW)
def test_looking_does_not_matter(count, at, every, schedule):
    workload = INDEPENDENT[:count]
    watched = outcome(CLOUD, *workload, Poll(at=at, seconds=20, every=every), schedule=schedule)
    assert watched == outcome(CLOUD, *workload, schedule=schedule)


def test_the_stories_tell_what_they_compare():
    """The relations are not true because nothing happens."""
    assert listen(tokens(cache=5), poll(20), SignOut(at=halfway(6), elsewhere=True)).lag > 4
    assert servers_of(outcome(booting(service_tokens=False, expiration=8), Boot(server="a"), latency=SLOW)) == ["ERROR"]
    assert outcome(CLOUD, *INDEPENDENT)["images"][-1] == ("cirros-0.6.3-x86_64-disk", "active")
