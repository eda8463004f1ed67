"""Simulated time: runs in which one schedule decides every order, every delay and every fault.

A run: `World`, `Schedule`, `Deviation`, `Latency`, `Threads`.
Faults: `Rule`, `Verdict`, `Action`, `Packet`.
Search: `hunt`, `shrink`, `replay`, `Failure`, `twice`.
The loop alone, for `anyio.run` and `asyncio.Runner`: `SimLoop`.
Errors are in `bus.sim.errors`.
"""

from bus.sim.faults import Action, Packet, Rule, Verdict
from bus.sim.guards import Threads
from bus.sim.links import Latency
from bus.sim.loop import SimLoop
from bus.sim.schedule import Deviation, Schedule
from bus.sim.schedulers.twice import twice
from bus.sim.search import Failure, hunt, replay, shrink
from bus.sim.world import World

__all__ = [
    "Action",
    "Deviation",
    "Failure",
    "Latency",
    "Packet",
    "Rule",
    "Schedule",
    "SimLoop",
    "Threads",
    "Verdict",
    "World",
    "hunt",
    "replay",
    "shrink",
    "twice",
]
