"""Nothing leaves a simulation unnoticed, and afterwards everything is as it was."""

import asyncio
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import anyio
import anyio._backends._asyncio as backend
import anyio.to_process
import pytest

from bus.sim import World
from bus.sim.errors import Escaped
from bus.sim.guards import WAYS_OUT

NAP = "sleep"  # of the machine's time, which nothing but these tests may want


def udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"hello", ("127.0.0.1", 9))


async def signals():
    with anyio.open_signal_receiver(signal.SIGUSR1):
        pass


ESCAPES = {
    "socket.connect": lambda: socket.create_connection(("127.0.0.1", 9)),
    "socket.bind": lambda: socket.create_server(("127.0.0.1", 0)),
    "socket.sendto": udp,
    "socket.getaddrinfo": lambda: socket.getaddrinfo("localhost", 80),
    "socket.gethostbyname": lambda: socket.gethostbyname("localhost"),
    "subprocess.Popen": lambda: subprocess.run([sys.executable, "--version"], check=True),
    "os.system": lambda: os.system("true"),
    "os.fork": os.fork,
    "_thread.start_new_thread": lambda: threading.Thread(target=print).start(),
    "time.sleep": lambda: getattr(time, NAP)(0),
    "create_connection": lambda: asyncio.open_connection("127.0.0.1", 9),
    "create_server": lambda: asyncio.start_server(print, "127.0.0.1", 0),
    "subprocess_exec": lambda: asyncio.create_subprocess_exec("true"),
    "subprocess_shell": lambda: asyncio.create_subprocess_shell("true"),
    "add_signal_handler": signals,
    "a thread for": lambda: anyio.to_thread.run_sync(print),
    "a thread for <built-in function print>": lambda: asyncio.to_thread(print),
}


@pytest.mark.parametrize("what", ESCAPES)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_every_way_out_is_closed_and_names_another(what):
    async def program(world):
        done = ESCAPES[what]()
        if asyncio.iscoroutine(done):
            await done

    with pytest.raises(Escaped, match=r"inside a simulation: \w+ \w+"):
        World().run(program)


@pytest.mark.parametrize("what", ["tcp", "process", "unix"])
def test_ways_out_of_anyio_are_closed_too(what):
    ways = {
        "tcp": lambda: anyio.connect_tcp("127.0.0.1", 9),
        "unix": lambda: anyio.connect_unix("nowhere"),
        "process": lambda: anyio.run_process([sys.executable, "--version"]),
    }

    async def program(world):
        await ways[what]()

    with pytest.raises((Escaped, ExceptionGroup)) as caught:
        World().run(program)

    assert caught.group_contains(Escaped) if isinstance(caught.value, ExceptionGroup) else True


def test_outside_of_a_simulation_nothing_is_refused():
    World().run(lambda _: anyio.sleep(1))

    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
    getattr(time, NAP)(0)
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    assert subprocess.run([sys.executable, "-c", ""], check=True).returncode == 0


def test_another_thread_may_do_what_it_likes_meanwhile():
    go, done = threading.Event(), threading.Event()

    def other():
        go.wait()
        with socket.create_server(("127.0.0.1", 0)):
            done.set()

    thread = threading.Thread(target=other)
    thread.start()

    async def program(world):
        go.set()
        return done.wait(10)

    assert World().run(program)
    thread.join()


@pytest.mark.parametrize("fails", [False, True])
def test_a_run_leaves_everything_as_it_was(fails):
    def places():
        return (
            vars(backend).get("set"),
            vars(asyncio.taskgroups).get("set"),
            vars(asyncio.tasks).get("set"),
            vars(backend.AsyncIOBackend)["run_sync_in_worker_thread"],
            gc.isenabled(),
            sys.get_asyncgen_hooks(),
        )

    before = places()
    during = []

    async def program(world):
        during.append(places())
        assert not fails, "on purpose"

    try:
        World().run(program)
    except AssertionError:
        assert fails

    assert places() == before
    assert all(one is not other for one, other in zip(during[0][:4], before[:4], strict=True))
    assert asyncio.run(asyncio.sleep(0, "the stock loop works")) == "the stock loop works"


def test_garbage_is_left_alone_during_a_run():
    assert gc.isenabled()

    async def program(world):
        return gc.isenabled()

    assert not World().run(program)
    gc.disable()
    try:
        World().run(program)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_each_way_out_says_what_to_do_instead():
    assert all(len(instead.split()) > 3 for instead in WAYS_OUT.values())


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_sets_of_tasks_keep_their_order(seed):
    """Cancelled siblings end in the order in which they were started, whatever their addresses."""
    ended = []

    async def child(n):
        try:
            await anyio.sleep(100)
        finally:
            ended.append(n)

    async def program(world):
        async with anyio.create_task_group() as group:
            for n in range(12):
                group.start_soon(child, n)
            await anyio.sleep(1)
            group.cancel_scope.cancel()

    World(seed).run(program)
    if seed is None:
        assert ended == list(range(12))
    assert sorted(ended) == list(range(12))
