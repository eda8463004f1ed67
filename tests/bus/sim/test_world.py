"""A world crashes, pauses and confuses actors, and a run that fails in it says how to run it again."""

import os
import re
import subprocess
import sys
from typing import ClassVar

import anyio
import pytest

from bus import Actor, Delivery, MemorySink, Middleware, Request, Supervisor, Target, message
from bus.errors import AskTimeout, NoListener, UsageError
from bus.sim import Deviation, Latency, Schedule, Threads, World, hunt, replay
from bus.sim.world import EPOCH, recipe

SEEDS = [None, 0, 2]
COUNTER = Target("counter", "1")


@message
class Count(Request[int]):
    topic: ClassVar = "counter"
    timeout: ClassVar = 10.0
    by: int = 1


@message
class Surely(Count):
    delivery: ClassVar = Delivery.AT_LEAST_ONCE


class Counter(Actor):
    """Counts in memory, which a crash loses; `handled` survives, like a database."""

    topic = "counter"

    def __init__(self, handled=None):
        self.value = 0
        self.handled = [] if handled is None else handled

    @Count.handler
    async def count(self, msg):
        await anyio.sleep(1)
        self.value += msg.by
        self.handled.append(msg.by)
        return self.value


# -- crash, restart, reboot ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_a_crashed_actor_has_lost_its_memory_and_its_asker_times_out(seed):
    async def program(world):
        bus = world.bus
        await bus.start(Counter)
        assert await bus.ask(Count()) == 1
        async with anyio.create_task_group() as group:
            group.start_soon(late, world)
            await anyio.sleep(0.5)
            world.crash(COUNTER)
            assert bus.state(COUNTER) == "down"
            await anyio.sleep(20)
        await world.restart(COUNTER)
        assert bus.state(COUNTER) == "up"
        return await bus.ask(Count())

    async def late(world):
        with pytest.raises(AskTimeout):
            await world.bus.ask(Count())

    assert World(seed).run(program) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_reboot_takes_its_time_and_then_does_what_waited(seed):
    async def program(world):
        await world.bus.start(Counter)
        async with anyio.create_task_group() as group:
            group.start_soon(world.reboot, COUNTER, 5)
            await anyio.sleep(0.1)
            begun = world.now
            assert await world.bus.ask(Count()) == 1
            return world.now - begun

    assert World(seed).run(program) >= 5.8


def test_a_supervisor_may_be_faster_than_a_reboot():
    async def program(world):
        supervisor = Supervisor(world.bus)
        await supervisor.start(Counter)
        await world.reboot(COUNTER, 5)
        return supervisor.restarts, await world.bus.ask(Count())

    assert World().run(program) == (1, 1)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("kind", "handled"), [(Count, 0), (Surely, 1)])
def test_a_crash_in_the_middle_loses_or_redelivers_as_promised(seed, kind, handled):
    async def program(world):
        log = []
        await world.bus.start(Counter, log)
        await world.bus.tell(kind())
        await anyio.sleep(0.5)
        await world.reboot(COUNTER, 1)
        await anyio.sleep(10)
        return len(log)

    assert World(seed).run(program) == handled


@pytest.mark.parametrize("verb", ["crash", "pause", "resume"])
def test_an_unknown_address_is_refused_with_those_in_use(verb):
    async def program(world):
        await world.bus.start(Counter)
        getattr(world, verb)(Target("counter", "7"))

    with pytest.raises(UsageError, match=r"counter\.1"):
        World().run(program)


# -- pause and resume ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_a_paused_actor_takes_no_step_until_it_resumes(seed):
    async def program(world):
        log = []
        await world.bus.start(Counter, log)
        await world.bus.tell(Count(by=1))
        await anyio.sleep(0.5)
        world.pause(COUNTER)
        await world.bus.tell(Count(by=2))
        await anyio.sleep(100)
        assert log == []
        world.resume(COUNTER)
        await anyio.sleep(20)
        return log

    assert World(seed).run(program) == [1, 2]


@pytest.mark.parametrize("seed", SEEDS)
def test_others_go_on_while_one_is_paused(seed):
    async def program(world):
        await world.bus.start(Counter)
        await world.bus.start(Counter)
        world.pause(COUNTER)
        return await world.bus.ask(Count(), to=Target("counter", "2"))

    assert World(seed).run(program) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_may_end_while_an_actor_is_paused(seed):
    async def program(world):
        await world.bus.start(Counter)
        assert await world.bus.ask(Count()) == 1
        world.pause(COUNTER)
        return "done"

    assert World(seed).run(program) == "done"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_crash_ends_a_pause(seed):
    async def program(world):
        await Supervisor(world.bus).start(Counter)
        assert await world.bus.ask(Count()) == 1
        world.pause(COUNTER)
        world.crash(COUNTER)
        return await world.bus.ask(Count())

    assert World(seed).run(program) == 1


def test_resuming_who_is_not_paused_does_nothing():
    async def program(world):
        await world.bus.start(Counter)
        world.resume(COUNTER)
        return await world.bus.ask(Count())

    assert World().run(program) == 1


# -- clocks --------------------------------------------------------------------------------------------------------


def test_each_actor_has_its_own_wall_clock():
    async def program(world):
        bus = world.bus
        await bus.start(Counter)
        await bus.start(Counter)
        wrong, right = (bus.cell(target).actor.clock for target in bus.targets("counter"))
        world.clock(COUNTER).skew = 30.0
        world.clock(COUNTER).drift = 0.01
        await anyio.sleep(1000)
        assert wrong.monotonic() == right.monotonic() == world.now == 1000
        return wrong.time() - EPOCH, right.time() - EPOCH

    assert World().run(program) == (pytest.approx(1040), pytest.approx(1000))


def test_a_world_begins_when_it_is_told_to():
    async def program(world):
        return world.bus.clock.time()

    assert World(epoch=86_400.0).run(program) == 86_400.0
    assert World().run(program) == EPOCH


@pytest.mark.parametrize(("skew", "drift"), [(0.0, 0.0), (5.0, 0.0), (-5.0, 0.0), (0.0, 0.001), (3.0, -0.001)])
def test_a_critical_instant_is_when_that_clock_shows_it(skew, drift):
    async def program(world):
        clock = world.clock(COUNTER)
        clock.skew, clock.drift = skew, drift
        clock.critical(EPOCH + 100, "expiry")
        (aim,) = world.loop.aims()
        world.loop.now = aim
        return clock.time() - EPOCH

    assert World(seed=0).run(program) == pytest.approx(100, abs=2e-6)


@pytest.mark.parametrize("algorithm", ["random", "pct"])
def test_messages_are_aimed_at_critical_instants(algorithm):
    """Of many runs some arrive just before, at, and just after the instant, which chance alone would never hit."""

    async def program(world):
        seen = []

        class Target(Actor):
            @Count.handler
            def count(self, msg):
                seen.append(round((self.clock.time() - EPOCH - 3600) * 1_000_000))

        await world.bus.start(Target, topic="counter")
        world.bus.clock.critical(EPOCH + 3600, "token expiry")
        for _ in range(5):
            await world.bus.tell(Count())
        await anyio.sleep(10_000)
        return seen

    misses = {miss for seed in range(60) for miss in World(schedule=Schedule(algorithm, seed)).run(program)}

    assert {-1, 0, 1} <= misses


def test_an_instant_in_the_past_is_nothing_to_aim_at():
    async def program(world):
        await anyio.sleep(10)
        world.bus.clock.critical(EPOCH + 5, "gone")
        return world.loop.aims()

    assert World(seed=0).run(program) == []


# -- chance and options --------------------------------------------------------------------------------------------


def test_streams_of_random_numbers_follow_the_seed_and_their_name():
    async def program(world):
        return [world.random(name).random() for name in ("keys", "ids", "keys")]

    one = World(seed=1).run(program)

    assert one == World(seed=1).run(program)
    assert len(set(one)) == 3
    assert one != World(seed=2).run(program)


def test_a_world_takes_a_seed_or_a_schedule_but_not_both():
    with pytest.raises(UsageError, match="not both"):
        World(0, schedule=Schedule())


def test_a_world_runs_once():
    async def program(world):
        pass

    world = World()
    world.run(program)

    with pytest.raises(UsageError, match="once"):
        world.run(program)


def test_a_world_hands_its_options_on():
    class Refuse(Middleware):
        def send(self, passage):
            raise PermissionError

    async def program(world):
        await world.bus.start(Counter)
        with pytest.raises(PermissionError):
            await world.bus.ask(Count())
        return await anyio.to_thread.run_sync(lambda: "inline")

    sink = MemorySink()
    world = World(middleware=[Refuse()], trace=sink, threads=Threads.INLINE, latency=Latency.constant(1))
    assert world.run(program) == "inline"
    assert [record.kind for record in sink.records] == ["started", "stopped"]


# -- a failure prints its own recipe -------------------------------------------------------------------------------

BUGGY = """
import anyio
from bus.sim import World

async def program(world):
    order = []
    async def ring(seconds):
        await anyio.sleep(seconds)
        order.append(seconds)
    async with anyio.create_task_group() as group:
        group.start_soon(ring, 1.05)
        group.start_soon(ring, 1.00)
    print("the program ran")
    assert order == [1.00, 1.05], f"rang in the order {order}"

if __name__ == "__main__":
    for seed in range(100):
        World(seed).run(program)
"""
LINE = r"sr1,[^ ')]+,[0-9a-f]{8}"


def shell(*command, cwd):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def buggy(tmp_path):
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "buggy.py").write_text(BUGGY)
    return tmp_path


def recipe_in(text):
    """The shell command that *text* recommends, as words."""
    (command,) = set(re.findall(r"or in a shell: python (-m bus\.sim replay \S+ \S+)", text))
    return command.split()


def test_the_line_of_a_failing_run_fails_the_same_way_in_a_new_process(buggy):
    failed = shell(sys.executable, "some/buggy.py", cwd=buggy)
    again = shell(sys.executable, *recipe_in(failed.stderr), cwd=buggy)
    once_more = shell(sys.executable, *recipe_in(again.stderr), cwd=buggy)

    rang = "AssertionError: rang in the order [1.05, 1.0]"
    assert failed.returncode == again.returncode == once_more.returncode == 1
    assert rang in failed.stderr
    assert rang in again.stderr
    assert rang in once_more.stderr
    assert recipe_in(failed.stderr) == recipe_in(again.stderr)
    assert "some/buggy.py:program" in again.stderr


def test_the_command_line_hunts_shrinks_and_replays(buggy):
    hunted = shell(sys.executable, "-m", "bus.sim", "hunt", "some/buggy.py:program", "--runs", "50", cwd=buggy)
    again = shell(sys.executable, *recipe_in(hunted.stdout), cwd=buggy)

    assert hunted.returncode == again.returncode == 1
    assert "failed in run " in hunted.stdout
    assert recipe_in(hunted.stdout)[-1].startswith("sr1,calm,")
    assert "rang in the order [1.05, 1.0]" in again.stderr


def test_the_command_line_says_when_a_program_holds(buggy):
    line = str(Schedule())
    replayed = shell(sys.executable, "-m", "bus.sim", "replay", "some/buggy.py:program", line, cwd=buggy)
    checked = shell(sys.executable, "-m", "bus.sim", "twice", "some/buggy.py:program", line, cwd=buggy)

    assert replayed.stdout.endswith("the program held\n")
    assert (replayed.returncode, checked.returncode) == (0, 0)
    assert re.fullmatch(r"[0-9a-f]{64}", checked.stdout.splitlines()[-1])


@pytest.mark.parametrize("address", ["nothing", "no.such.module:program", "nowhere.py:program", "bus.sim:no_program"])
def test_the_command_line_refuses_what_is_no_program(address, tmp_path):
    done = shell(sys.executable, "-m", "bus.sim", "replay", address, str(Schedule()), cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith("UsageError: ")
    assert address.rpartition(":")[0] in done.stderr


async def always_fails(world):
    await anyio.sleep(1)
    raise NoListener


def test_the_note_of_a_failing_run_is_one_call_and_one_command():
    with pytest.raises(NoListener) as caught:
        World(seed=4).run(always_fails)

    (note,) = caught.value.__notes__
    line = re.search(LINE, note)[0]
    assert line == str(Schedule.of(4))
    assert f"replay(always_fails, '{line}')" in note
    assert note == recipe(always_fails, Schedule.of(4))
    with pytest.raises(NoListener):
        replay(always_fails, line)


def test_a_program_without_an_address_is_replayed_by_a_call_alone():
    text = recipe(lambda _: None, Schedule())

    assert "replay(" in text
    assert "shell" not in text


def test_odd_words_in_a_line_survive_the_shell():
    schedule = Schedule(deviations=(Deviation("hold", "it's; $HOME `x` *~answer", 1, 2),))
    text = recipe(always_fails, schedule)
    words = re.search(r"shell: (.*)", text)[1]

    done = subprocess.run(["sh", "-c", f"printf '%s\\n' {words}"], capture_output=True, text=True, check=True)

    assert Schedule.parse(done.stdout.splitlines()[-1]) == schedule


def test_a_hunt_that_finds_nothing_says_so():
    assert hunt(lambda _: anyio.sleep(1), runs=5) is None
