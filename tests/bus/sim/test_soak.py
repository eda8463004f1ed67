"""Messages through actors that crash, restart, pause and are cut off: nothing is lost or doubled that may not be."""

import pytest

from bus.sim import Schedule, World
from tests.bus.sim.soak import Ledger, soak


def play(schedule: Schedule, customers: int, each: int) -> Ledger:
    ledger = Ledger()
    world = World(schedule=schedule, max_steps=None)
    left = world.run(soak(ledger, customers, each))
    assert left == dict.fromkeys(left, 0)
    assert sum(ledger.ended.values()) == customers * each
    assert ledger.ended["answered"] > customers * each / 2
    assert max(ledger.bought.values()) == 1
    assert max(ledger.unmarked.values()) == 1
    assert ledger.told <= ledger.booked.keys()
    assert all(ledger.seen[number] >= count for number, count in ledger.published.items())
    return ledger


@pytest.mark.parametrize("schedule", [Schedule("random", 1), Schedule("pct", 2)], ids=["random", "pct"])
def test_thousands_of_messages_through_trouble_keep_every_promise(schedule):
    ledger = play(schedule, customers=50, each=250)

    assert ledger.sent > 20_000
    assert sum(ledger.booked.values()) > sum(ledger.unmarked.values()), "nothing was redelivered: no trouble at all"
    assert len(ledger.ended) > 1, "nothing failed: no trouble at all"


@pytest.mark.hunt
def test_a_million_messages_through_trouble_keep_every_promise():
    assert play(Schedule("random", 3), customers=200, each=3500).sent > 1_000_000
