"""Who may do what at which true instant, whatever Keystone's events, its tables of tokens and everybody's caches say.

It is learnt from what Keystone was asked and has done: tokens that were issued, requests that make tokens void, users, projects and
domains that were disabled, roles that were taken away. Times are true seconds since 1970.

A token is *void* from the instant at which the first request that covers it has been carried out. The request covers what was issued
before it; what was issued within the same `Watch.resolution` after it may be void too, as Keystone's times are whole seconds. What is
deleted takes with it whatever rests on it, also what is issued later.
"""

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import attrs

from actors.context import Credentials
from actors.ids import UserId
from actors.keystone.messages import (
    Authenticate,
    ChangePassword,
    DeleteApplicationCredential,
    DeleteDomain,
    DeleteProject,
    DeleteRole,
    DeleteTrust,
    DeleteUser,
    RevokeToken,
    RevokeUserTokens,
    UpdateUser,
)
from actors.keystone.models import Token
from actors.keystone.store import SYSTEM, Grant
from actors.testing.invariants.hearing import Answer, Decision

if TYPE_CHECKING:
    from actors.testing.invariants.watch import Watch


@attrs.frozen
class Issued:
    """A token that Keystone has made.

    Attributes:
        text: the token.
        token: what Keystone said of it then.
        at: when it was made.
        by: address of the Keystone that made it.
    """

    text: str = attrs.field(repr=False)
    token: Token
    at: float
    by: str

    @property
    def name(self) -> str:
        """Its audit id, which is no secret."""
        return f"token {self.token.audit_ids[0]} of {self.token.user.name}"

    @property
    def users(self) -> tuple[UserId, ...]:
        """Those whose tokens it is one of."""
        trust = self.token.trust
        return (self.token.user.id, *(() if trust is None else (trust.trustor_user_id, trust.trustee_user_id)))

    @property
    def target(self) -> str | None:
        """What it gives roles on, as grants name it."""
        token = self.token
        if token.project is not None:
            return token.project.id
        if token.domain is not None:
            return token.domain.id
        return SYSTEM if token.system else None


@attrs.frozen
class Voiding:
    """A request that made tokens void.

    Attributes:
        at: when it had been carried out.
        what: the message's class.
        covers: whether a token is one of those it is about, whenever that was issued.
        is_deletion: whether tokens are void that are issued after it, too.
    """

    at: float
    what: str
    covers: Callable[[Issued], bool]
    is_deletion: bool


@attrs.frozen
class Judgement:
    """What is true of the tokens that a call carried.

    Attributes:
        user: the user's token; None if Keystone never made it.
        service: the service's token, likewise.
        is_service: whether that has a role with which expired tokens count.
    """

    user: Issued | None
    service: Issued | None
    is_service: bool


class Truth:
    """The oracle of one run.

    Args:
        watch: what it hears through.
    """

    def __init__(self, watch: "Watch") -> None:
        self.watch = watch
        self.config = watch.cloud.config
        self.issued: dict[str, Issued] = {}
        """By text."""
        self.voidings: list[Voiding] = []
        self.asking = 0.0
        """Seconds that a decision took at most."""
        self._store = watch.cloud.stores.keystone
        self._off: dict[str, float] = {}  # users, projects and domains that are not enabled, since when
        self._on_again: dict[str, float] = {}  # when they last came back
        self._lost: dict[Grant, float] = {}  # grants that were taken away, and when
        self._gained: dict[Grant, float] = {}
        self._grants: dict[Grant, None] = {}
        self._judged = (Credentials(), Judgement(None, None, is_service=False))  # the last, as many ask about it
        watch.hear_answers(self._heard_issue, Authenticate)
        watch.hear_answers(self._heard_voiding, *VOIDS)
        watch.hear_answers(self._look_at_grants, DeleteUser, DeleteProject, DeleteDomain, DeleteRole)
        watch.hear_decisions(self._heard_decision)
        for table in ("users", "projects", "domains"):
            watch.hear_table(self._store, table, self._row_changed)
        watch.hear_table(self._store, "grants", self._grant_changed)

    # -- what is true ----------------------------------------------------------------------------------------------------

    @property
    def staleness(self) -> float:
        """Seconds for which a service may not know, by its configuration and by the time that asking Keystone took."""
        config = self.config.auth_token
        cache = {0: math.inf, -1: 0.0}.get(config.token_cache_time, float(config.token_cache_time))
        listed = config.revocation_cache_time if self.config.keystone.provider in ("pki", "pkiz") else 0.0
        return cache + listed + self.asking + self.watch.skew

    def judge(self, credentials: Credentials) -> Judgement:
        """What is known of the tokens of a call."""
        asked, judgement = self._judged
        if asked is credentials:
            return judgement
        user = self.issued.get((credentials.token or "").strip())
        service = self.issued.get((credentials.service_token or "").strip())
        roles = self.config.auth_token.service_token_roles
        is_service = service is not None and any(one in roles for one in service.token.role_names)
        judgement = Judgement(user, service, is_service)
        self._judged = (credentials, judgement)
        return judgement

    def void_since(self, one: Issued) -> Voiding | None:
        """The first request that made a token void; a revocation within the skew of clocks after the token was issued is left out."""
        for voiding in self.voidings:
            if (voiding.is_deletion or one.at <= voiding.at - self.watch.skew) and voiding.covers(one):
                return voiding
        return None

    def may_be_void(self, one: Issued, at: float) -> bool:
        """Whether a request that was carried out about then, or in the same whole second as the token, may have made it void."""
        skew, unit = self.watch.skew, self.watch.resolution or 1e-6
        return any(
            voiding.at <= at + SLACK + skew
            and (voiding.is_deletion or (one.at - skew) // unit <= (voiding.at + skew) // unit)
            and voiding.covers(one)
            for voiding in self.voidings
        )

    def enabled(self, one: Issued, since: float, until: float) -> bool:
        """Whether the user, the project and the domains of a token were enabled all the time."""
        return not any(self._was_off(name, since, until) for name in self._subjects(one))

    def disabled_since(self, one: Issued) -> float | None:
        """Since when the user, the project or a domain of a token is not enabled, or gone; None if all are."""
        return min((self._off[name] for name in self._subjects(one) if name in self._off), default=None)

    def lost_anything(self, one: Issued) -> bool:
        """Whether anything that a token rests on was ever taken away."""
        if not (self._lost or self._off or self._on_again):
            return False
        return any(grant.user_id in one.users for grant in self._lost) or any(
            name in self._off or name in self._on_again for name in self._subjects(one)
        )

    def ended(self, one: Issued) -> bool:
        """Whether a token is good for nothing any more, or for less, for another reason than its age."""
        return self.lost_anything(one) or any(voiding.covers(one) for voiding in self.voidings)

    def held(self, one: Issued, role: str, since: float, until: float) -> bool:
        """Whether a role that a token gives was really held at some time between two instants."""
        return any(self._had(grant, since, until) for grant in self._grants_behind(one, role))

    def held_throughout(self, one: Issued, since: float, until: float) -> bool:
        """Whether nothing was taken away, or given, of the roles behind a token between two instants."""
        target = one.target
        touched = (*self._lost.items(), *self._gained.items())
        return not any(
            grant.user_id in one.users and grant.target == target and since - SLACK <= at <= until
            for grant, at in touched
        ) and (target is None or any(grant.user_id in one.users and grant.target == target for grant in self._grants))

    # -- how it learns ---------------------------------------------------------------------------------------------------

    def _heard_issue(self, answer: Answer) -> None:
        if answer.error is None:
            text = answer.result.id
            self.issued[text] = Issued(text, answer.result.token, self.watch.now, answer.by)

    def _heard_voiding(self, answer: Answer) -> None:
        if answer.error is not None:
            return
        covers = VOIDS[type(answer.message)](self, answer)
        if covers is not None:
            what, is_deletion = type(answer.message).__name__, isinstance(answer.message, DELETIONS)
            self.voidings.append(Voiding(self.watch.now, what, covers, is_deletion))

    def _heard_decision(self, decision: Decision) -> None:
        took = decision.decided - decision.asked
        if took > self.asking:
            self.asking = took

    def _row_changed(self, key: str, old: Any, new: Any) -> None:
        if new is None or not new.enabled:
            self._off.setdefault(key, self.watch.now)
        elif key in self._off:
            del self._off[key]
            self._on_again[key] = self.watch.now

    def _grant_changed(self, grant: Grant, old: None, new: None) -> None:
        self._look_at_grants()

    def _look_at_grants(self, _: Answer | None = None) -> None:
        """Compare the grants with those that were known; the store may have put another table in the place of ours."""
        now, there = self.watch.now, self._store.grants
        for grant in [one for one in self._grants if one not in there]:
            del self._grants[grant]
            self._lost[grant] = now
        for grant in there:
            if grant not in self._grants:
                self._grants[grant] = None
                self._gained[grant] = now
        if type(there) is dict:
            self.watch.hear_table(self._store, "grants", self._grant_changed)

    # -- small things ----------------------------------------------------------------------------------------------------

    def _subjects(self, one: Issued) -> Iterable[str]:
        token = one.token
        rows = (token.user, token.user_domain, token.project, token.project_domain, token.domain)
        return (*one.users, *(row.id for row in rows if row is not None))

    def _was_off(self, name: str, since: float, until: float) -> bool:
        return self._off.get(name, math.inf) <= until or self._on_again.get(name, -math.inf) >= since

    def _grants_behind(self, one: Issued, role: str) -> list[Grant]:
        ids = [other.id for other in one.token.roles if other.name == role]
        ids += [known.id for known in self._store.roles.values() if known.name == role]
        target = one.target or ""
        return [Grant(user, target, role_id) for user in dict.fromkeys(one.users) for role_id in dict.fromkeys(ids)]

    def _had(self, grant: Grant, since: float, until: float) -> bool:
        if grant in self._grants:
            return self._gained.get(grant, -math.inf) <= until or self._lost.get(grant, -math.inf) >= since
        return self._lost.get(grant, -math.inf) >= since


SLACK = 1.0
"""Seconds that a request that makes tokens void may be under way before it is answered."""

Covers = Callable[[Issued], bool]


def _of_user(user_id: str) -> Covers:
    return lambda one: user_id in one.users


def _revoke_token(truth: Truth, answer: Answer) -> Covers | None:
    subject = truth.issued.get(answer.message.subject)
    if subject is None:
        return None
    own = subject.token.audit_ids[0]
    cascade = answer.message.cascade
    return lambda one: one.token.audit_ids[0] == own or (cascade and own in one.token.audit_ids[1:])


def _change_password(truth: Truth, answer: Answer) -> Covers | None:
    caller = truth.issued.get(answer.context.token or "") if isinstance(answer.context, Credentials) else None
    return None if caller is None else _of_user(caller.token.user.id)


def _update_user(_: Truth, answer: Answer) -> Covers | None:
    message = answer.message
    return _of_user(message.user_id) if message.password is not None or message.enabled is False else None


def _delete_project(_: Truth, answer: Answer) -> Covers:
    project = answer.message.project_id
    return lambda one: one.token.project is not None and one.token.project.id == project


def _delete_trust(_: Truth, answer: Answer) -> Covers:
    trust = answer.message.trust_id
    return lambda one: one.token.trust is not None and one.token.trust.id == trust


def _delete_credential(_: Truth, answer: Answer) -> Covers:
    credential = answer.message.application_credential_id
    return lambda one: (
        one.token.application_credential is not None and one.token.application_credential.id == credential
    )


VOIDS: dict[type, Callable[[Truth, Answer], Covers | None]] = {
    RevokeToken: _revoke_token,
    RevokeUserTokens: lambda _, answer: _of_user(answer.message.user_id),
    ChangePassword: _change_password,
    UpdateUser: _update_user,
    DeleteUser: lambda _, answer: _of_user(answer.message.user_id),
    DeleteProject: _delete_project,
    DeleteTrust: _delete_trust,
    DeleteApplicationCredential: _delete_credential,
}
"""Requests that make tokens void, and which."""
DELETIONS = (DeleteUser, DeleteProject, DeleteTrust, DeleteApplicationCredential)
"""Those of them after which nobody can get such a token any more."""
