"""Watching changes nothing, says what was put to the test, and raises what broke."""

import attrs
import pytest

from actors.auth_token import AuthTokenConfig
from actors.cloud import Cloud, Members
from actors.keystone.config import KeystoneConfig
from actors.testing.cases import SMALL
from actors.testing.invariants import InvariantBroken, Verdict, Watch
from actors.testing.machine import Case, run_case
from actors.testing.rest import leaks, rest, transit
from actors.testing.stage import Stage
from actors.testing.workloads import (
    Attach,
    Boot,
    Delete,
    Detach,
    Exchange,
    Flush,
    LoseRole,
    MakeVolume,
    Migrate,
    Poll,
    Rotate,
    SignOut,
    Snapshot,
    run_workload,
)
from bus.sim import World
from bus.trace import MemorySink
from tests.actors.testing.stories import CONFIG, Watched, run

STORY = (
    Boot(server="a", apart=True),
    Boot(at=1, server="b", apart=True),
    Boot(at=2, server="c", volume=True),
    MakeVolume(volume="v"),
    Attach(at=10, server="a", volume="v"),
    Snapshot(at=15, server="b", ready=True),
    Migrate(at=30, server="c", ready=True),
    Exchange(at=36),
    SignOut(at=40, elsewhere=True),
    Rotate(at=45),
    Detach(at=50, server="a", volume="v"),
    Delete(at=55, server="b"),
    Poll(at=0, seconds=120, every=3),
    LoseRole(at=100, seconds=15),
    Flush(at=110),
)
TOKENS = KeystoneConfig(expiration=60, allow_expired_window=600, max_active_keys=20, password_hash_rounds=1)


@pytest.mark.parametrize("provider", ["fernet", "uuid"])
def test_a_calm_story_puts_nearly_everything_to_the_test_and_all_of_it_holds(provider):
    config = attrs.evolve(
        SMALL, hosts=3, keystone=attrs.evolve(TOKENS, provider=provider), auth_token=AuthTokenConfig(token_cache_time=5),
        members=Members(keystone=2),
    )  # fmt: skip

    async def story(world):
        watch = await run_case(Case(workload=STORY, config=config), world)
        watch.check()
        return watch.verdicts()

    verdicts = run(story)
    never = {name for name, verdict in verdicts.items() if verdict is Verdict.NEVER_EXERCISED}
    assert never <= ({"S5", "L10"} if provider == "fernet" else {"S5", "S7", "L5"})
    assert Verdict.BROKEN not in verdicts.values()


def test_what_never_happened_is_not_said_to_hold():
    async def story(world):
        it = await Watched(world).start()
        return it.watch.verdicts()

    verdicts = run(story)
    assert verdicts["S12"] is Verdict.NEVER_EXERCISED
    assert verdicts["L2"] is Verdict.NEVER_EXERCISED
    assert verdicts["S9"] is Verdict.HELD


def test_a_run_is_the_same_whether_it_is_watched_or_not():
    def digest(*, watched: bool) -> str:
        sink = MemorySink()

        async def story(world):
            cloud = Cloud(SMALL)
            if watched:
                Watch(cloud, world)
            await cloud.start(world.bus, world.random)
            await run_workload(STORY, Stage(cloud, world))

        World(trace=sink).run(story)
        return sink.digest()

    assert digest(watched=True) == digest(watched=False)


def test_what_broke_is_raised_with_its_time_and_its_statement():
    async def story(world):
        it = await Watched(world).start()
        row = await it.boot()
        it.stores.glance.blobs.clear()
        it.watch.at_rest()
        assert row.status == "ACTIVE"
        it.watch.check()

    with pytest.raises(InvariantBroken, match=r"S21 at .* is active without all its bytes") as caught:
        run(story)
    assert "An image that is active has all its bytes" in str(caught.value)


def test_a_mistake_of_an_invariant_is_raised_by_check_and_does_not_touch_the_cloud():
    async def story(world):
        it = await Watched(world).start()
        it.watch.hear_table(it.stores.nova, "instances", lambda *_: 1 / 0)
        row = await it.boot()
        assert row.status == "ACTIVE"
        it.watch.check()

    with pytest.raises(ZeroDivisionError):
        run(story)


def test_a_cloud_that_is_stuck_does_not_come_to_rest():
    async def story(world):
        it = await Watched(world).start()
        row = await it.boot()
        it.stores.nova.destroy_instance(row.uuid, host=row.host)
        return await rest(it.cloud, world, 100), transit(it.cloud), leaks(it.cloud)

    rested, moving, left = run(story)
    assert not rested
    assert moving == []
    assert any("which is gone" in one and "port" in one for one in left)


def test_an_accident_excuses_what_is_stuck_unless_the_watch_is_strict():
    async def story(world, *, strict: bool):
        it = await Watched(world, CONFIG, strict=strict).start()
        await it.boot()
        world.crash(world.bus.targets("glance")[0])
        it.stores.bridges[it.cloud.hosts[0]].plugged["lost"] = None
        it.watch.at_rest()
        return it.broken()

    async def strictly(world):
        return await story(world, strict=True)

    async def kindly(world):
        return await story(world, strict=False)

    assert run(kindly) == set()
    assert run(strictly) == {"L2"}
