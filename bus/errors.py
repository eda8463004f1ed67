"""Every error of the bus, split by what the reader can do about it.

::

    BusError
    ├── UsageError            you used the library wrongly: change the program
    │   ├── InvalidTarget     an address that cannot be asked this way
    │   ├── InvalidSubject    a subject or pattern that is not one
    │   └── NotRunning        the bus or the actor is not there (any more) to act
    ├── Undeliverable         the message was not, and never will be, handled
    │   ├── NoListener        nobody is registered at that address
    │   ├── Unhandled         the actor is there, but has no handler for it
    │   ├── MailboxFull       the mailbox rejects what does not fit
    │   └── ActorStopped      the actor ended before it could handle it
    ├── AskTimeout            no answer (or no heartbeat) in time; also a TimeoutError
    ├── ActorKilled           the reason of an actor that was crashed on purpose
    └── GaveUp                a supervisor restarted too often and escalated

What a handler raises is not wrapped: it arrives at the asker as it was raised, with a note that says where.
Errors of simulated time are in `bus.sim.errors`.
"""


class BusError(Exception):
    """Base of every error that the bus itself raises. Never raised as such."""


class UsageError(BusError):
    """The library was used wrongly. Not a failure of an actor: the caller's code must change."""


class InvalidTarget(UsageError):
    """An address that does not fit the verb, such as an `ask` of everybody."""


class InvalidSubject(UsageError):
    """A subject or a pattern with an empty word, or a wildcard where none may stand."""


class NotRunning(UsageError):
    """The bus is not open, the address is not known, or the sending actor has ended."""


class Undeliverable(BusError):
    """The message was not handled and never will be. Not a timeout: it is known at once."""


class NoListener(Undeliverable):
    """Nobody is registered at the address. Not `ActorStopped`: there was nobody to begin with."""


class Unhandled(Undeliverable):
    """The actor runs, but its class has no handler for this message."""


class MailboxFull(Undeliverable):
    """The mailbox was full and its overflow rule is to reject. Trying later may succeed."""


class ActorStopped(Undeliverable):
    """The actor ended with this message still in its mailbox or in its hands."""


class AskTimeout(BusError, TimeoutError):
    """No answer in time. The request may still be handled, now or later: the answer is then a dead letter."""


class ActorKilled(BusError):
    """Why an actor ended that was crashed from outside (a fault, not a bug of the actor)."""


class GaveUp(BusError):
    """A supervisor had to restart more often than its intensity allows, and escalated."""
