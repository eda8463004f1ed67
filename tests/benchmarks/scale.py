"""Scale: how much work each measurement does."""

import attrs


@attrs.frozen
class Scale:
    """The size of one round.

    Attributes:
        asks: requests, spread over the callers.
        callers: one column each.
        deliveries: copies of events, spread over the subscribers.
        subscribers: one column each.
        sleeps: timers, spread over the sleepers; each sleeper sleeps at least once.
        sleepers: one column each.
        idle: idle actors.
        steps: task switches.
        worlds: runs of a small program.
        tokens: tokens to issue, and to validate; fewer of formats that are slow.
        hosts: of clouds, one row each.
        boots: servers in a burst.
        burst: servers in a large one, in the cloud before the largest.
        servers: in the largest cloud.
        rates: tokens that a service checks in a second, one column each.
        seconds: for which Keystone's load is counted.
        rows: tokens that the table of stored ones holds already.
        fuzzed: runs under fuzz, with all invariants, and without.
        races: names of those that are hunted for; none for all.
        hunts: for each race, in each way.
        runs: of a hunt, at most.
    """

    asks: int = 20_000
    callers: tuple[int, ...] = (1, 100)
    deliveries: int = 100_000
    subscribers: tuple[int, ...] = (1, 10, 1_000)
    sleeps: int = 20_000
    sleepers: tuple[int, ...] = (1, 1_000, 100_000)
    idle: int = 100_000
    steps: int = 50_000
    worlds: int = 100
    tokens: int = 10_000
    rows: tuple[int, ...] = (1_000, 100_000)
    hosts: tuple[int, ...] = (10, 1_000, 10_000)
    boots: int = 1_000
    burst: int = 10_000
    servers: int = 100_000
    rates: tuple[int, ...] = (1, 5, 20)
    seconds: float = 600
    fuzzed: int = 60
    races: tuple[str, ...] = ()
    hunts: int = 5
    runs: int = 1_000


FULL = Scale()
QUICK = Scale(
    asks=5_000,
    deliveries=20_000,
    sleeps=5_000,
    sleepers=(1, 1_000),
    idle=10_000,
    steps=10_000,
    worlds=20,
    tokens=2_000,
    rows=(1_000, 10_000),
    hosts=(10, 1_000),
    boots=300,
    burst=600,
    servers=1_000,
    fuzzed=20,
    hunts=3,
    runs=100,
)
TINY = Scale(
    asks=20, callers=(1, 10), deliveries=20, subscribers=(1, 10), sleeps=20, sleepers=(1, 10), idle=20, steps=20, worlds=2, tokens=20, rows=(10, 20), hosts=(2, 3), boots=3, burst=4, servers=3, rates=(10,), seconds=1, fuzzed=2, races=("expiry-mutates",), hunts=1, runs=2
)  # fmt: skip
"""Measures nothing, but calls everything."""
