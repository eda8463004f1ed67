"""Faults: rules that are asked about each message, and answer with a verdict.

A rule lives inside a ``with`` block. Rules are asked in the order in which they were added, and the first verdict counts;
a message that no rule minds passes. What a message's promise forbids does not come to be: a message that is to be delivered
at least once and is dropped is sent again later, and one that is to be delivered at most once is not handled twice.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any

import attrs


class Action(Enum):
    """What may happen to a message."""

    DELAY = "delay"
    DROP = "drop"
    DUPLICATE = "duplicate"


@attrs.frozen
class Verdict:
    """What happens to one message.

    Attributes:
        action: delay it, drop it, or deliver it twice.
        seconds: how much longer it takes, if delayed.
    """

    action: Action
    seconds: float = 0.0


@attrs.frozen
class Packet:
    """What a rule sees of a message.

    Attributes:
        sender: address; empty outside of actors.
        receiver: address.
        message: the message; for an answer, the request that it answers.
        answer: whether it is an answer (or a heartbeat) on its way back.
    """

    sender: str
    receiver: str
    message: Any
    answer: bool


@attrs.frozen
class Rule:
    """Says what happens to the messages that it fits.

    Attributes:
        name: shown in traces and schedules.
        verdict: what happens to a message that fits and is struck.
        sender: address of the sender, with shell wildcards.
        receiver: address of the receiver, likewise.
        message: this type alone; None for every type.
        answers: True for answers alone, False for what is no answer, None for both.
        probability: of striking. Below 1 the calm run is never struck.
        first: strikes only as many of the messages that fit; None for all.
        condition: more to ask of a packet.
    """

    name: str
    verdict: Verdict
    sender: str = "*"
    receiver: str = "*"
    message: type | None = None
    answers: bool | None = None
    probability: float = attrs.field(default=1.0, validator=[attrs.validators.ge(0), attrs.validators.le(1)])
    first: int | None = None
    condition: Callable[[Packet], bool] | None = attrs.field(default=None, repr=False)

    def fits(self, packet: Packet) -> bool:
        """Whether it minds *packet*."""
        return (
            (self.message is None or isinstance(packet.message, self.message))
            and (self.answers is None or self.answers == packet.answer)
            and fnmatchcase(packet.sender, self.sender)
            and fnmatchcase(packet.receiver, self.receiver)
            and (self.condition is None or self.condition(packet))
        )


class _Live:
    __slots__ = ("rule", "struck")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.struck = 0


class Faults:
    """The rules of a world that are in force.

    Args:
        strikes: asked, with the rule's name, how often rules of that name had been asked, and the probability, whether it
            strikes.
    """

    def __init__(self, strikes: Callable[[str, int, float], bool]) -> None:
        self._strikes = strikes
        self._asked: dict[str, int] = {}
        self.live: list[_Live] = []
        self.on_change: Callable[[], None] = _nothing
        """Called when a rule comes or goes."""

    @contextmanager
    def rule(self, rule: Rule) -> Generator[Rule]:
        """Have *rule* in force inside the block."""
        live = _Live(rule)
        self.live.append(live)
        self.on_change()
        try:
            yield rule
        finally:
            self.live.remove(live)
            self.on_change()

    def drop(self, name: str = "drop", **which: Any) -> Any:
        """Lose the messages that fit, inside a ``with`` block; *which* are fields of `Rule`."""
        return self.rule(Rule(name, Verdict(Action.DROP), **which))

    def delay(self, seconds: float, name: str = "delay", **which: Any) -> Any:
        """Deliver the messages that fit *seconds* later, inside a ``with`` block; *which* are fields of `Rule`."""
        return self.rule(Rule(name, Verdict(Action.DELAY, seconds), **which))

    def duplicate(self, name: str = "duplicate", **which: Any) -> Any:
        """Deliver the messages that fit twice, inside a ``with`` block; *which* are fields of `Rule`."""
        return self.rule(Rule(name, Verdict(Action.DUPLICATE), **which))

    def partition(self, one: str, other: str, name: str = "partition") -> Any:
        """Let nothing through between the addresses that fit *one* and those that fit *other*, inside a ``with`` block."""

        def across(packet: Packet) -> bool:
            ends = (packet.sender, packet.receiver)
            return any(fnmatchcase(a, one) and fnmatchcase(b, other) for a, b in (ends, ends[::-1]))

        return self.rule(Rule(name, Verdict(Action.DROP), condition=across))

    def verdict(self, packet: Packet) -> tuple[str, Verdict] | None:
        """The first verdict on *packet*, with its rule's name; None if it passes."""
        for live in self.live:
            rule = live.rule
            if (rule.first is not None and live.struck >= rule.first) or not rule.fits(packet):
                continue
            asked = self._asked[rule.name] = self._asked.get(rule.name, 0) + 1
            if self._strikes(rule.name, asked, rule.probability):
                live.struck += 1
                return rule.name, rule.verdict
        return None


def _nothing() -> None:
    pass
