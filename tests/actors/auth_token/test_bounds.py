"""Whatever the times, clocks and caches: nobody is let in beyond the bounds that the middleware has, or kept out within them."""

import math
from contextlib import suppress
from functools import partial

import anyio
import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.auth_token import AuthTokenConfig, TokenCache
from actors.client.gate import AuthTokenGate
from actors.errors import Unauthorized, Unavailable
from bus.errors import AskTimeout
from bus.sim.world import EPOCH
from bus.topic import Target
from tests.actors.auth_token.scripted import ACCOUNT, Script, Stage, play, token_of
from tests.actors.town import Probe

LATENCY = 0.01
"""Seconds that a call takes in a calm world, with a question to Keystone in between and the sign-in for it."""
SERVICE = token_of("nova", roles=("service",), expires_at=EPOCH + 1e6)
never = math.inf


@attrs.frozen
class Asked:
    """A request that was made."""

    start: float
    """Seconds since the beginning."""
    end: float
    """The same; for ever, if no answer came in time, for then nobody knows how long it was in hand."""
    member: int
    beside_service: bool
    let_in: bool


@attrs.frozen(kw_only=True)
class Case:
    """A token's life, two members of a service, and requests to them."""

    life: int
    revoked: float
    cache_time: int
    shared: bool
    skews: tuple[int, int]
    requests: list[tuple[float, int, bool]] = attrs.field(converter=sorted)

    @property
    def remembered_for(self) -> float:
        """Seconds for which a good token is remembered at most."""
        return never if self.cache_time == 0 else max(0, self.cache_time)


@attrs.define
class Run:
    """What came of a case."""

    asked: list[Asked] = attrs.Factory(list)
    revoked: float = never
    """When the token really was revoked."""


instants = st.floats(0, 2000) | st.integers(0, 20).map(lambda tens: tens * 100.0)
skews = st.just(0) | st.integers(-400, 400)
cases = st.builds(
    Case,
    life=st.integers(0, 2000),
    revoked=instants | st.just(never),
    cache_time=st.sampled_from([-1, 0, 1, 5, 300, 600]),
    shared=st.booleans(),
    skews=st.tuples(skews, skews),
    requests=st.lists(st.tuples(instants, st.integers(0, 1), st.booleans()), max_size=12),
)
seeds = st.integers(0, 2**32)
"""Of worlds in which messages take their time, and others overtake them."""


async def story(case: Case, stage: Stage) -> Run:
    """Start the members, revoke the token when its time comes, and make the requests."""
    world, members, run = stage.world, [], Run()
    cache = TokenCache(world.bus.clock) if case.shared else None
    config = AuthTokenConfig(token_cache_time=case.cache_time)
    for skew in case.skews:
        gate = AuthTokenGate(account=ACCOUNT, config=config, shared=cache)
        members.append(await world.bus.start(Probe, gate, topic="members"))
        world.clock(members[-1]).skew = skew

    async def request(instant: float, member: int, beside_service: bool) -> None:
        await anyio.sleep(instant - world.now)
        start, end, let_in = world.now, never, False
        with suppress(AskTimeout, Unavailable):
            let_in = await lets_in(stage, members[member], "service" if beside_service else None)
            end = world.now
        run.asked.append(Asked(start, end, member, beside_service, let_in))

    async def revoke() -> None:
        await anyio.sleep(case.revoked - world.now)
        run.revoked = world.now
        del stage.script.good["user"]

    async with anyio.create_task_group() as tasks:
        for one in case.requests:
            tasks.start_soon(request, *one)
        if case.revoked != never:
            tasks.start_soon(revoke)
    return run


async def lets_in(stage: Stage, member: Target, service_token: str | None) -> bool:
    """Whether a member lets the user in."""
    try:
        await stage.who("user", service_token, to=member)
    except Unauthorized:
        return False
    return True


def played(case: Case, seed: int | None = None) -> Run:
    """Play a case: calmly, or with a seed."""
    good = {"user": token_of("demo", expires_at=EPOCH + case.life), "service": SERVICE}
    return play(partial(story, case), Script(good=good, token_life=1e6), seed=seed)


@settings(max_examples=150, deadline=None)
@given(case=cases, seed=seeds)
def test_an_expired_token_is_let_in_only_beside_a_service_token(case, seed):
    for request in played(case, seed).asked:
        if request.let_in and not request.beside_service:
            assert request.start + case.skews[request.member] <= case.life


@settings(max_examples=150, deadline=None)
@given(case=cases, seed=seeds)
def test_a_revoked_token_is_let_in_only_for_the_cache_time(case, seed):
    run = played(case, seed)
    for request in run.asked:
        if request.let_in:
            assert any(
                one.start <= run.revoked and request.start <= one.end + case.remembered_for
                for one in run.asked
                if case.shared or one.member == request.member
            )


@settings(max_examples=150, deadline=None)
@given(case=cases)
def test_a_token_that_keystone_and_the_service_take_for_good_is_let_in(case):
    for request in played(case).asked:
        if request.start + LATENCY < min(case.life, case.life - case.skews[request.member], case.revoked):
            assert request.let_in


@settings(max_examples=150, deadline=None)
@given(case=cases)
def test_beside_a_service_token_a_token_counts_until_it_is_revoked_however_late_it_is(case):
    for request in played(case).asked:
        if request.beside_service and request.start + LATENCY < case.revoked:
            assert request.let_in
