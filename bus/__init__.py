"""Actors that exchange typed messages on an in-memory bus, in real or simulated time.

Actors and messages: `Actor`, `Request`, `Event`, `message`, `Delivery`, `Overflow`, `Terminated`.
The bus: `Bus`, `Target`, `current`, `Passage`, `Middleware`, `DeadLetter`, `CyclicWait`, `Listener`.
Supervision: `Supervisor`, `Strategy`, `Restart`.
Time and traces: `Clock`, `Record`, `MemorySink`, `JsonSink`, `StructlogSink`.
Errors are in `bus.errors`; simulated time, chance and faults in `bus.sim`.
"""

from bus.actor import Actor
from bus.broker import Bus, BusStatistics, current
from bus.clock import Clock
from bus.listener import Listener
from bus.mailbox import MailboxStatistics, Overflow
from bus.message import Delivery, Event, Request, message
from bus.middleware import Middleware, Passage
from bus.notices import CyclicWait, DeadLetter, Terminated
from bus.supervisor import Restart, Strategy, Supervisor
from bus.topic import Target
from bus.trace import JsonSink, MemorySink, Record, StructlogSink

__all__ = [
    "Actor",
    "Bus",
    "BusStatistics",
    "Clock",
    "CyclicWait",
    "DeadLetter",
    "Delivery",
    "Event",
    "JsonSink",
    "Listener",
    "MailboxStatistics",
    "MemorySink",
    "Middleware",
    "Overflow",
    "Passage",
    "Record",
    "Request",
    "Restart",
    "Strategy",
    "StructlogSink",
    "Supervisor",
    "Target",
    "Terminated",
    "current",
    "message",
]
