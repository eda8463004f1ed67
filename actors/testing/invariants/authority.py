"""S1 to S9: what tokens are good for. Heard at the guards, judged by `truth`."""

from typing import ClassVar

from actors.context import Credentials
from actors.errors import InternalError, NotFound
from actors.keystone.messages import TOPIC as KEYSTONE
from actors.keystone.messages import (
    Authenticate,
    ChangeKeyFile,
    CheckToken,
    CreateApplicationCredential,
    CreateTrust,
    RotateKeys,
    ValidateToken,
)
from actors.keystone.tokens.errors import TokenError
from actors.keystone.tokens.fernet import FernetProvider
from actors.testing.invariants.base import Invariant
from actors.testing.invariants.hearing import Answer, Decision
from actors.testing.invariants.truth import Issued, Truth


class _Admissions(Invariant):
    """Base of those that judge each decision of a guard."""

    truth: Truth

    def observe(self) -> None:
        self.truth = self.watch.truth
        self.watch.hear_decisions(self.decided)
        self.watch.hear_answers(self._asked_keystone, ValidateToken, CheckToken)

    def decided(self, decision: Decision) -> None:
        """Judge a decision."""
        raise NotImplementedError

    def _asked_keystone(self, answer: Answer) -> None:
        """What Keystone says of the token that it is asked about is a decision too; the window stands for a service token."""
        if answer.error is not None and not isinstance(answer.error, NotFound):
            return
        beside = answer.context.token if isinstance(answer.context, Credentials) else None
        credentials = Credentials(
            token=answer.message.subject, service_token=beside if answer.message.allow_expired else None
        )
        now = self.watch.now
        self.decided(Decision(answer.by, credentials, answer.error is None, None, now, now))


class NoExpiredAuthority(_Admissions):
    """S1."""

    name: ClassVar[str] = "S1"
    title: ClassVar[str] = "no expired authority"
    statement: ClassVar[str] = (
        "A token is accepted until it expires, or beside a valid service token until its window ends and no cache remembers it."
    )
    matters: ClassVar[str] = "A token that leaked, or was forgotten, works for longer than its life."

    def decided(self, decision: Decision) -> None:
        judged = self.truth.judge(decision.credentials)
        if judged.user is None:
            return
        exp = judged.user.token.expires_at
        if decision.decided <= exp or decision.decided <= exp + (skew := self.watch.skew):
            return
        window = self.truth.config.keystone.allow_expired_window + self.truth.staleness
        service = judged.service
        good = service is not None and judged.is_service and decision.asked <= service.token.expires_at + skew
        self.demand(
            not decision.accepted or (good and decision.decided <= exp + window + skew),
            f"{decision.service} accepted {judged.user.name} {decision.decided - exp:.6f} s after it expired, "
            f"{'with' if good else 'without'} a valid service token",
        )


class BoundedRevocationLag(_Admissions):
    """S2."""

    name: ClassVar[str] = "S2"
    title: ClassVar[str] = "bounded revocation lag"
    statement: ClassVar[str] = (
        "A token that was made void is refused once caches have ended (token_cache_time), and asking Keystone and skew are allowed for."
    )
    matters: ClassVar[str] = "Signing out, or a new password, does not lock out who has stolen a token."

    def decided(self, decision: Decision) -> None:
        judged = self.truth.judge(decision.credentials)
        if not self.truth.voidings or judged.user is None:
            return
        voiding = self.truth.void_since(judged.user)
        if voiding is None:
            return
        # Keystone itself remembers nothing; a token that was already on its way to it is none of its lag.
        lag = 0.0 if decision.service.startswith(f"{KEYSTONE}.") else self.truth.staleness
        allowed = voiding.at + lag + self.watch.resolution + self.watch.skew
        self.demand(
            not decision.accepted or decision.asked <= allowed,
            f"{decision.service} accepted {judged.user.name} {decision.asked - voiding.at:.6f} s after {voiding.what} had "
            f"made it void; allowed are {allowed - voiding.at:.6f} s",
        )


class NoFalseRejection(_Admissions):
    """S3."""

    name: ClassVar[str] = "S3"
    title: ClassVar[str] = "no false rejection"
    statement: ClassVar[str] = (
        "A token that has not expired (or is within its window beside a valid service token), is not void, and whose user, "
        "project and roles are as they were, is not answered 401."
    )
    matters: ClassVar[str] = (
        "Requests fail though nothing is wrong with them: boots end in ERROR, and their clean-up fails, too."
    )

    def decided(self, decision: Decision) -> None:
        judged = self.truth.judge(decision.credentials)
        if decision.accepted:
            self.exercised = True
        elif judged.user is not None and self._must_be_accepted(judged.user, decision):
            self.broken(
                f"{decision.service} refused {judged.user.name}, which was issued {decision.decided - judged.user.at:.6f} s "
                f"before, expires in {judged.user.token.expires_at - decision.decided:.6f} s, and is not void"
            )

    def _must_be_accepted(self, user: Issued, decision: Decision) -> bool:
        if self.truth.config.auth_token.delay_auth_decision:
            return False  # then an outage is answered 401 too
        judged = self.truth.judge(decision.credentials)
        service_token = decision.credentials.service_token
        if service_token is not None and (judged.service is None or not self._is_good(judged.service, decision)):
            return False
        if service_token is not None and not judged.is_service:
            return False
        window = self.truth.config.keystone.allow_expired_window if service_token is not None else 0
        return self._is_good(user, decision, window)

    def _is_good(self, one: Issued, decision: Decision, window: float = 0) -> bool:
        truth = self.truth
        return (
            decision.decided < one.token.expires_at + window - self.watch.skew
            and not truth.may_be_void(one, decision.decided)
            and truth.enabled(one, one.at, decision.decided)
            and truth.held_throughout(one, one.at, decision.decided)
        )


class ExpiryNeverGrows(Invariant):
    """S4."""

    name: ClassVar[str] = "S4"
    title: ClassVar[str] = "expiry never grows"
    statement: ClassVar[str] = (
        "A token that was exchanged for another, or made from a trust or an application credential, does not outlive it."
    )
    matters: ClassVar[str] = "Who once had a token has one for ever; an application credential that ended goes on."

    def observe(self) -> None:
        self._ends: dict[str, float | None] = {}  # of trusts and application credentials, also of those that are gone
        self.watch.hear_answers(self._made, CreateTrust, CreateApplicationCredential)
        self.watch.hear_answers(self._issued, Authenticate)

    def _made(self, answer: Answer) -> None:
        if answer.error is None:
            made = getattr(answer.result, "application_credential", answer.result)
            self._ends[made.id] = made.expires_at

    def _issued(self, answer: Answer) -> None:
        if answer.error is not None:
            return
        token = answer.result.token
        parent = self.watch.truth.issued.get(answer.message.token or "")
        limits = {"the token that it was exchanged for": None if parent is None else parent.token.expires_at}
        if token.trust is not None:
            limits["its trust"] = self._ends.get(token.trust.id)
        if token.application_credential is not None:
            limits["its application credential"] = self._ends.get(token.application_credential.id)
        for what, limit in limits.items():
            if limit is not None:
                late = token.expires_at - limit
                self.demand(late <= 0, f"token {token.audit_ids[0]} expires {late} s after {what}")


class DeathIsFinal(_Admissions):
    """S5."""

    name: ClassVar[str] = "S5"
    title: ClassVar[str] = "death is final"
    statement: ClassVar[str] = (
        "A token that Keystone once refused as void or expired is not accepted later, but from caches, or within its window."
    )
    matters: ClassVar[str] = "A revoked token comes back to life, with a restart or when its revocation is forgotten."

    def observe(self) -> None:
        super().observe()
        self._died: dict[str, float] = {}

    def decided(self, decision: Decision) -> None:
        one = self.truth.judge(decision.credentials).user
        if not self.truth.voidings or one is None:
            return
        void = self.truth.void_since(one)
        if decision.service.startswith(f"{KEYSTONE}.") and not decision.accepted and void is not None:
            self._died.setdefault(one.text, decision.decided)
        died = self._died.get(one.text)
        if died is not None and decision.decided > died + self.truth.staleness:
            self.demand(
                not decision.accepted,
                f"{decision.service} accepted {one.name} {decision.decided - died:.6f} s after Keystone had refused it",
            )


class RevocationIsScoped(Invariant):
    """S6."""

    name: ClassVar[str] = "S6"
    title: ClassVar[str] = "revocation is scoped"
    statement: ClassVar[str] = (
        "What makes tokens void makes those void that it is about and that were issued before it, and no others."
    )
    matters: ClassVar[str] = "To take a role away in one project kills what the user has under way in another."

    def observe(self) -> None:
        self._truth = self.watch.truth
        self.watch.hear_answers(self._validated, ValidateToken)

    def _validated(self, answer: Answer) -> None:
        one, now = self._truth.issued.get(answer.message.subject), self.watch.now
        if one is None or not self._truth.voidings or isinstance(answer.error, InternalError):
            return
        alive = now < one.token.expires_at - self.watch.skew and not self._truth.may_be_void(one, now)
        if alive and self._truth.enabled(one, one.at, now) and self._truth.held_throughout(one, one.at, now):
            last = self._truth.voidings[-1].what
            self.demand(
                not isinstance(answer.error, NotFound),
                f"{answer.by} calls {one.name} invalid, which no request has made void; the last that made any void was {last}",
            )


class KeyCoverage(Invariant):
    """S7."""

    name: ClassVar[str] = "S7"
    title: ClassVar[str] = "key coverage"
    statement: ClassVar[str] = (
        "Every Keystone can read every token until its window ends, whichever of them made it and however often keys were rotated."
    )
    matters: ClassVar[str] = (
        "After a rotation some tokens are refused by some nodes: (max_active_keys - 2) rotations must take longer than "
        "expiration + allow_expired_window, and keys must be distributed before the next one."
    )

    def observe(self) -> None:
        self._truth = self.watch.truth
        self._newest: dict[tuple[str, int], Issued] = {}  # by maker, and how often that had rotated
        self._rotations: dict[str, int] = {}
        self.watch.hear_answers(self._issued, Authenticate)
        self.watch.hear_answers(self._keys_changed, RotateKeys, ChangeKeyFile)

    def _issued(self, answer: Answer) -> None:
        if answer.error is None:
            text = answer.result.id
            self._newest[answer.by, self._rotations.get(answer.by, 0)] = self._truth.issued[text]

    def _keys_changed(self, answer: Answer) -> None:
        if answer.error is not None:
            return
        if isinstance(answer.message, RotateKeys):
            self._rotations[answer.by] = self._rotations.get(answer.by, 0) + 1
        window, now = self._truth.config.keystone.allow_expired_window, self.watch.now
        for place, one in tuple(self._newest.items()):
            if now >= one.token.expires_at + window:
                del self._newest[place]
                continue
            for node, keystone in self.watch.actors(KEYSTONE).items():
                if isinstance(keystone.provider, FernetProvider):
                    self.demand(_can_read(keystone.provider, one.text, now), self._text(node, one, answer, now))

    def _text(self, node: str, one: Issued, answer: Answer, now: float) -> str:
        left = one.token.expires_at - now
        life = f"expires in {left:.0f} s" if left > 0 else f"is in its window, having expired {-left:.0f} s ago"
        return f"after {type(answer.message).__name__} at {answer.by}, {node} has no key for {one.name}, which {life}"


def _can_read(provider: FernetProvider, text: str, now: float) -> bool:
    try:
        provider.read(text, now)
    except TokenError:
        return False
    return True


class NoStaleAuthority(_Admissions):
    """S8."""

    name: ClassVar[str] = "S8"
    title: ClassVar[str] = "no stale authority"
    statement: ClassVar[str] = (
        "Roles that a call is let in with were held, and its user, project and domains enabled, at some time no longer ago than "
        "caches remember."
    )
    matters: ClassVar[str] = "Whoever was dismissed goes on."

    def decided(self, decision: Decision) -> None:
        one, context = self.truth.judge(decision.credentials).user, decision.context
        if context is None or one is None or not self.truth.lost_anything(one):
            return
        since = decision.asked - self.truth.staleness - self.watch.resolution
        off = self.truth.disabled_since(one)
        self.demand(
            off is None or off >= since,
            f"{decision.service} accepted {one.name} though its user, project or domain is not enabled any more",
        )
        for role in context.roles:
            self.demand(
                self.truth.held(one, role, since, decision.decided),
                f"{decision.service} let {one.name} in with the role {role!r}, which it has not had for "
                f"{self.truth.staleness:.0f} s",
            )


class IdentityIsolation(_Admissions):
    """S9."""

    name: ClassVar[str] = "S9"
    title: ClassVar[str] = "identity isolation"
    statement: ClassVar[str] = "A request is worked on in the name of whoever made it, and of nobody else."
    matters: ClassVar[str] = "One customer acts, or is logged, as another."

    def decided(self, decision: Decision) -> None:
        one, context = self.truth.judge(decision.credentials).user, decision.context
        if context is None or one is None:
            return
        token, project = one.token, one.token.project
        own = (token.user.id, None if project is None else project.id, decision.credentials.request_id)
        self.demand(
            (context.user_id, context.project_id, context.request_id) == own
            and context.token == decision.credentials.token,
            f"{decision.service} works on a call with {one.name} as user {context.user_id} of project {context.project_id}",
        )


AUTHORITY = (
    NoExpiredAuthority, BoundedRevocationLag, NoFalseRejection, ExpiryNeverGrows, DeathIsFinal, RevocationIsScoped, KeyCoverage,
    NoStaleAuthority, IdentityIsolation,
)  # fmt: skip
