"""The part of L4 that counts: who holds a good token has no reason to sign in."""

from typing import Any, ClassVar

from actors.keystone.messages import Authenticate
from actors.testing.invariants.base import Invariant
from actors.testing.invariants.hearing import Answer, Decision

MARGIN = 120.0
"""Seconds before its expiry in which a token may be renewed, as keystoneauth does."""


class SignIns(Invariant):
    """L4, second sentence."""

    name: ClassVar[str] = "L4"
    title: ClassVar[str] = "renewal"
    statement: ClassVar[str] = (
        "A session signs in if its last token was refused or has two minutes to live, and for no other reason."
    )
    matters: ClassVar[str] = (
        "Whenever a token ends, Keystone is asked for as many new ones as there are tasks, and slows down for all."
    )

    def observe(self) -> None:
        """Hear who signs in, by the object that says how, and which tokens are refused."""
        self._last: dict[int, tuple[Authenticate, Any]] = {}
        self._refused: set[str] = set()
        self.watch.hear_answers(self._signed_in, Authenticate)
        self.watch.hear_decisions(self._decided)

    def _decided(self, decision: Decision) -> None:
        if not decision.accepted:
            sent = decision.credentials
            self._refused.update(token for token in (sent.token, sent.service_token) if token)

    def _signed_in(self, answer: Answer) -> None:
        if answer.error is not None:
            return
        before = self._last.get(id(answer.message))
        self._last[id(answer.message)] = (answer.message, answer.result)
        if before is not None and not self.watch.accidents:
            last = before[1]
            left = last.token.expires_at - self.watch.now - self.watch.skew
            self.demand(
                last.id in self._refused or left < MARGIN,
                f"{last.token.user.name} signed in with a token at hand that nobody had refused, and that has {left:.3f} s to live",
            )
