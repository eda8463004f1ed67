"""The loop owns simulated time: it jumps, is never early, and says why a run cannot go on."""

import asyncio
import math

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus import Actor, Request, message
from bus.errors import UsageError
from bus.sim import SimLoop, Threads, World
from bus.sim.errors import Escaped, OutOfBudget, Stalled
from bus.sim.loop import NEVER, SWEEP, microseconds

YEAR = 365 * 24 * 3600.0


def simulate(main, **options):
    """Run *main* to its end on a simulated loop without a world."""
    return anyio.run(main, backend_options={"loop_factory": lambda: SimLoop(**options)})


@message
class Forward(Request[None]):
    timeout: float = math.inf


class Left(Actor):
    @Forward.handler
    async def forward(self, msg):
        await self.bus.ask(Forward(), to="right", timeout=math.inf)


class Right(Actor):
    @Forward.handler
    async def forward(self, msg):
        await anyio.Event().wait()


# -- time ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [None, 0, 2])
def test_a_year_of_sleep_takes_no_more_steps_than_a_second(seed):
    def steps(seconds):
        world = World(seed)
        world.run(lambda _: anyio.sleep(seconds))
        assert world.loop.time() >= seconds
        return world.loop.steps

    assert steps(YEAR) == steps(1)


def test_time_is_whole_microseconds_from_zero():
    async def main():
        loop = asyncio.get_running_loop()
        seen = [loop.now]
        for _ in range(3):
            await anyio.sleep(0.0000014)
            seen.append(loop.now)
        return seen

    assert simulate(main) == [0, 2, 4, 6]


@given(st.floats(0, 1e9))
def test_a_time_in_microseconds_is_the_first_at_or_after_it(seconds):
    whole = microseconds(seconds)

    assert whole / 1_000_000 >= seconds
    assert whole == 0 or (whole - 2) / 1_000_000 < seconds


@given(st.lists(st.floats(0, 20_000), max_size=20), st.sampled_from([None, 0, 1, 2]))
def test_no_timer_is_early(instants, seed):
    async def program(world):
        loop = world.loop
        rang = []
        for when in instants:
            loop.call_at(when, lambda when=when: rang.append((loop.time(), when)))
        await anyio.sleep(80_000)
        return rang

    rang = World(seed).run(program)

    assert len(rang) == len(instants)
    assert all(now >= when for now, when in rang)


def test_timers_of_one_instant_ring_in_the_order_in_which_they_were_set():
    async def main():
        loop = asyncio.get_running_loop()
        rang = []
        for name in "abc":
            loop.call_at(1.0, rang.append, name)
        loop.call_later(0.5, rang.append, "first")
        await anyio.sleep(1.0)
        return rang

    assert simulate(main) == ["first", "a", "b", "c"]


def test_a_timer_in_the_past_rings_now():
    async def main():
        loop = asyncio.get_running_loop()
        await anyio.sleep(5)
        rang = loop.create_future()
        loop.call_at(1, rang.set_result, None)
        await rang
        return loop.time()

    assert simulate(main) == 5


@pytest.mark.parametrize("seed", [None, 0, 2])
def test_an_infinite_sleep_never_ends(seed):
    async def program(world):
        with anyio.move_on_after(5) as scope:
            await asyncio.sleep(math.inf)
        assert scope.cancelled_caught
        return world.now

    assert World(seed).run(program) >= 5
    with pytest.raises(Stalled):
        World(seed).run(lambda _: asyncio.sleep(math.inf))


def test_cancelled_timers_are_swept_and_leave_nothing():
    async def main():
        loop = asyncio.get_running_loop()
        for n in range(10 * SWEEP):
            loop.call_later(YEAR + n, print).cancel()
        kept = len(loop._due), len(loop._instants_due), loop._timers
        for n in range(10 * SWEEP):
            with anyio.move_on_after(YEAR + n):
                await anyio.lowlevel.checkpoint()
        await anyio.sleep(2 * YEAR)
        return kept, len(loop._due), len(loop._instants_due), loop._timers, loop._cancelled_timers

    kept, *left = simulate(main)

    assert all(count <= 2 * SWEEP for count in kept)
    assert left == [0, 0, 0, 0]


def test_a_timer_that_rang_may_still_be_cancelled():
    async def main():
        loop = asyncio.get_running_loop()
        handle = loop.call_later(1, lambda: None)
        await anyio.sleep(2)
        handle.cancel()
        return handle.cancelled(), handle.when(), loop._timers, loop._cancelled_timers

    assert simulate(main) == (True, 1.0, 0, 0)


# -- runs that cannot go on ----------------------------------------------------------------------------------------


def test_a_stalled_run_says_who_waits_for_whom_and_where():
    async def program(world):
        await world.bus.start(Left, topic="left")
        await world.bus.start(Right, topic="right")
        await world.bus.ask(Forward(), to="left", timeout=math.inf)

    with pytest.raises(Stalled) as caught:
        World().run(program)

    text = str(caught.value)
    assert "outside waits for left.1 to answer Forward" in text
    assert "left.1 waits for right.1 to answer Forward" in text
    assert "task right.1 waits at" in text
    assert "in Event.wait" in text


def test_a_stalled_run_names_no_more_than_some():
    async def program(world):
        async with anyio.create_task_group() as group:
            for _ in range(100):
                group.start_soon(anyio.Event().wait)

    with pytest.raises(Stalled, match="and 81 more"):
        World().run(program)


def test_a_run_past_its_steps_shows_the_last_ones():
    async def spin():
        while True:
            await anyio.lowlevel.checkpoint()

    async def program(world):
        await asyncio.create_task(spin())

    with pytest.raises(OutOfBudget, match=r"100 steps; the last steps were:\n  0.000000 s  spin"):
        World(max_steps=100).run(program)


def test_a_run_past_its_time_shows_the_last_steps():
    async def program(world):
        await anyio.sleep(3)
        await anyio.sleep(30)

    with pytest.raises(OutOfBudget, match=r"10.0 simulated seconds \(the next thing happens at 33.0 s\)") as caught:
        World(max_time=10).run(program)

    assert "3.000000 s  World._main" in str(caught.value)


@pytest.mark.parametrize("again", ["call_later", "call_soon"])
def test_callbacks_that_go_on_for_ever_are_out_of_budget_too(again):
    async def program(world):
        def ring():
            world.loop.call_later(1, ring) if again == "call_later" else world.loop.call_soon(ring)

        ring()
        await anyio.Event().wait()

    with pytest.raises(OutOfBudget):
        World(max_steps=1000).run(program)


# -- plain asyncio and anyio -----------------------------------------------------------------------------------------


def test_a_runner_of_asyncio_takes_the_loop():
    async def main():
        await asyncio.sleep(YEAR)
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=SimLoop) as runner:
        assert runner.run(main()) == YEAR
        assert runner.run(main()) == 2 * YEAR


def test_asyncio_timeouts_follow_simulated_time():
    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.sleep(YEAR)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.sleep(YEAR), 3600)
        return asyncio.get_running_loop().time()

    assert simulate(main) == 7200


def test_asyncio_gathers_waits_and_groups():
    async def after(seconds):
        await asyncio.sleep(seconds)
        return seconds

    async def main():
        assert await asyncio.gather(after(3), after(1), after(2)) == [3, 1, 2]
        tasks = [asyncio.create_task(after(seconds)) for seconds in (1, 2, 100)]
        done, pending = await asyncio.wait(tasks, timeout=50)
        assert (len(done), pending) == (2, {tasks[2]})
        done, _ = await asyncio.wait(pending | {asyncio.create_task(after(1))}, return_when=asyncio.FIRST_COMPLETED)
        assert done.pop().result() == 1
        assert [await one for one in asyncio.as_completed([after(2), after(1)])] == [1, 2]
        async with asyncio.TaskGroup() as group:
            first, second = group.create_task(after(5)), group.create_task(after(6))
        assert (first.result(), second.result()) == (5, 6)
        with pytest.raises(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(after(YEAR))
                group.create_task(asyncio.wait_for(after(2), 1))
        return asyncio.get_running_loop().time()

    assert World().run(lambda _: main()) < YEAR


def test_asyncio_locks_events_and_queues_work():
    async def main():
        queue, lock, event = asyncio.Queue(1), asyncio.Lock(), asyncio.Event()

        async def produce():
            for n in range(3):
                async with lock:
                    await queue.put(n)
            event.set()

        task = asyncio.create_task(produce())
        got = [await queue.get() for _ in range(3)]
        await event.wait()
        await task
        return got

    assert simulate(main) == [0, 1, 2]


def test_anyio_scopes_groups_and_locks_follow_simulated_time():
    async def main():
        lock, event, order = anyio.Lock(), anyio.Event(), []

        async def work(name, seconds):
            async with lock:
                await anyio.sleep(seconds)
                order.append((name, anyio.current_time()))
            event.set()

        async with anyio.create_task_group() as group:
            group.start_soon(work, "a", 10)
            group.start_soon(work, "b", 20)
            await event.wait()
            with anyio.move_on_after(5) as late:
                await anyio.sleep(YEAR)
            with pytest.raises(TimeoutError), anyio.fail_after(1):
                await anyio.sleep(YEAR)
            group.start_soon(anyio.sleep, YEAR)
            with anyio.CancelScope(shield=True):
                await anyio.sleep(20)
            group.cancel_scope.cancel()
        return order, late.cancelled_caught, anyio.current_time()

    assert simulate(main) == ([("a", 10), ("b", 30)], True, 36)


def test_anyio_streams_pass_what_is_sent():
    async def main():
        sender, receiver = anyio.create_memory_object_stream(1)
        async with anyio.create_task_group() as group, sender, receiver:
            group.start_soon(sender.send, "hello")
            return await receiver.receive()

    assert simulate(main) == "hello"


def test_a_task_left_behind_by_plain_anyio_is_cancelled_at_the_end():
    ended = []

    async def forever():
        try:
            await anyio.sleep(YEAR)
        finally:
            ended.append(True)

    async def main():
        main.task = asyncio.create_task(forever())
        await anyio.sleep(1)

    simulate(main)

    assert ended == [True]


def test_an_error_in_a_callback_fails_the_run():
    async def program(world):
        world.loop.call_soon(lambda: 1 / 0)
        await anyio.sleep(1)

    with pytest.raises(ZeroDivisionError):
        World().run(program)


# -- threads and files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [anyio.to_thread.run_sync, asyncio.to_thread])
def test_work_for_a_thread_is_refused_or_done_at_once(how):
    async def program(world):
        return await how(lambda: world.now + 1)

    with pytest.raises(Escaped, match=r"threads=Threads\.INLINE"):
        World().run(program)
    assert World(threads=Threads.INLINE).run(program) == 1


def test_the_error_of_inline_work_reaches_who_waits_for_it():
    async def program(world):
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await anyio.to_thread.run_sync(lambda: 1 / 0)

    World(threads=Threads.INLINE).run(program)


def test_files_are_read_inline(tmp_path):
    path = tmp_path / "file"

    async def program(world):
        async with await anyio.open_file(path, "w") as file:
            await file.write("text")
        return await anyio.Path(path).read_text()

    assert World(threads=Threads.INLINE).run(program) == "text"
    with pytest.raises(Escaped):
        World().run(program)


def test_never_is_no_instant():
    assert microseconds(math.inf) == NEVER
    with pytest.raises(ValueError, match="NaN"):
        microseconds(math.nan)


def test_a_world_says_that_it_runs_once():
    world = World()
    world.run(lambda _: anyio.sleep(1))

    with pytest.raises(UsageError, match="once"):
        world.run(lambda _: anyio.sleep(1))
