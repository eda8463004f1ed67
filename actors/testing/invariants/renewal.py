"""L4: who signs in gets in, and does so no more often than it takes."""

from typing import ClassVar

from actors.keystone.messages import Authenticate
from actors.keystone.models import IssuedToken
from actors.testing.invariants.base import Invariant
from actors.testing.invariants.hearing import Answer, Decision

RENEWED = 120.0
"""Seconds before its end in which a token may be renewed (keystoneauth's `MIN_TOKEN_LIFE_SECONDS`)."""
SERVICE = "service"
"""The role of services' own accounts."""


class Renewal(Invariant):
    """L4."""

    name: ClassVar[str] = "L4"
    title: ClassVar[str] = "renewal"
    statement: ClassVar[str] = (
        "Who is refused, signs in again and asks again, is let in, unless that token is made void, too; and a service signs in only if "
        "the token that it had was refused, or has two minutes to live."
    )
    matters: ClassVar[str] = (
        "Clients sign in over and over, and get nowhere; or whenever a token ends, Keystone is asked for as many as there are tasks."
    )

    def observe(self) -> None:
        self._truth = self.watch.truth
        self._refused: dict[tuple[str, str], float] = {}  # by service and user
        self._last: dict[tuple[str, int], tuple[Authenticate, IssuedToken]] = {}  # by who signed in, and with what
        self._useless: set[str] = set()  # tokens that were refused
        self.watch.hear_decisions(self._decided)
        self.watch.hear_answers(self._signed_in, Authenticate)

    def _signed_in(self, answer: Answer) -> None:
        """A session signs in with one object, which it may share with sessions of other actors."""
        if answer.error is not None or SERVICE not in answer.result.token.role_names:
            return
        place = (answer.sender, id(answer.message))
        _, last = self._last.get(place, (None, None))
        self._last[place] = (answer.message, answer.result)
        if last is not None and not self.watch.accidents:
            left = last.token.expires_at - self.watch.now - self.watch.skew
            self.demand(
                last.id in self._useless or left < RENEWED,
                f"{last.token.user.name} signed in again, with a token at hand that nobody had refused and that has {left:.3f} s to live",
            )

    def _decided(self, decision: Decision) -> None:
        if decision.accepted and not self._refused:
            return
        if not decision.accepted:
            sent = decision.credentials
            self._useless.update(token for token in (sent.token, sent.service_token) if token)
        one = self._truth.judge(decision.credentials).user
        if one is None or decision.credentials.service_token is not None:
            return
        place = (decision.service.partition(".")[0], one.token.user.id)
        before = self._refused.get(place)
        if not decision.accepted:
            self._refused[place] = decision.decided
        if before is None or one.at < before:
            return
        good = (
            decision.decided < one.token.expires_at - self.watch.skew
            and not self._truth.may_be_void(one, decision.decided)
            and self._truth.enabled(one, one.at, decision.decided)
            and self._truth.held_throughout(one, one.at, decision.decided)
        )
        if good:
            self.demand(
                decision.accepted, f"{decision.service} refused {one.name}, which its user got after the last refusal"
            )


RENEWAL = (Renewal,)
