"""Revocation events, and which tokens they hit, as keystone's `models/revoke_model.py` and `revoke/backends/sql.py`.

An event is a set of conditions, and hits each token that meets all of them and was issued no later than the event's
`issued_before`. Both times are whole seconds, so that a token issued after an event but within the same second is hit
too, and stays void for ever.

Keystone asks the database for events that may match and tries them one by one. Here events are grouped by *which*
conditions they have; of those there are only a handful, as only a handful of operations revoke. Within a group, events
are found by the values of their conditions, and of events with equal values only the latest `issued_before` counts. So
a check costs a few look-ups, however many events there are.
"""

import heapq
import math
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from itertools import count, product
from typing import Final, TypeAlias

from attrs import Factory, field, frozen
from attrs.converters import optional

from actors.keystone.tokens.claims import Scope, TokenClaims
from actors.keystone.tokens.lifetime import DEFAULT_EXPIRATION

DEFAULT_EXPIRATION_BUFFER: Final = 1800
"""`[revoke] expiration_buffer`, in seconds: how much longer than a token lives its revocation is remembered."""

_Value: TypeAlias = str | int


@frozen(kw_only=True)
class RevocationEvent:
    """Something that made tokens void. A condition that is None is met by every token."""

    revoked_at: int = field(converter=math.floor)
    """Seconds since the epoch, cut to the second; decides when the event is forgotten."""
    issued_before: int = field(converter=math.floor, default=Factory(lambda self: self.revoked_at, takes_self=True))
    """Seconds since the epoch; tokens issued later than this second are not hit. By default `revoked_at`."""
    domain_id: str | None = None
    """The user's domain or the domain that the token is for; together with `expires_at` only the latter."""
    project_id: str | None = None
    user_id: str | None = None
    """The user, or the trustor or trustee of the token's trust."""
    role_id: str | None = None
    trust_id: str | None = None
    consumer_id: str | None = None
    access_token_id: str | None = None
    """Recorded, but no condition any more."""
    expires_at: int | None = field(default=None, converter=optional(math.floor))
    """Seconds since the epoch: the token's own expiry."""
    audit_id: str | None = None
    audit_chain_id: str | None = None
    """Audit id of the first token of a chain; its children meet this condition, the first token itself does not."""

    @property
    def conditions(self) -> dict[str, _Value]:
        """The conditions that a token has to meet, by name."""
        domain = "domain_id" if self.expires_at is None else "domain_scope_id"
        conditions = {
            "user_id": self.user_id,
            "project_id": self.project_id,
            domain: self.domain_id,
            "expires_at": self.expires_at,
            "role_id": self.role_id,
            "trust_id": self.trust_id,
            "consumer_id": self.consumer_id,
            "audit_id": self.audit_id,
            "audit_chain_id": self.audit_chain_id,
        }
        return {name: value for name, value in conditions.items() if value is not None}


@frozen(kw_only=True)
class RevocableToken:
    """All that events can hit a token by; more than its claims, for some of it is looked up."""

    claims: TokenClaims
    identity_domain_id: str | None = None
    """The domain of the user."""
    role_ids: frozenset[str] = frozenset()
    trustor_id: str | None = None
    trustee_id: str | None = None
    consumer_id: str | None = None

    @property
    def assignment_domain_id(self) -> str | None:
        """The domain that the token is for; not that of its project, which Keystone means to take but then forgets."""
        return self.claims.domain_id if self.claims.scope is Scope.DOMAIN else None


OFFERS: Final[dict[str, Callable[[RevocableToken], Iterable[_Value | None]]]] = {
    "user_id": lambda token: (token.claims.user_id, token.trustor_id, token.trustee_id),
    "project_id": lambda token: (token.claims.project_id,),
    "domain_id": lambda token: (token.identity_domain_id, token.assignment_domain_id),
    "domain_scope_id": lambda token: (token.assignment_domain_id,),
    "expires_at": lambda token: (math.floor(token.claims.expires_at),),
    "role_id": lambda token: token.role_ids,
    "trust_id": lambda token: (token.claims.trust_id,),
    "consumer_id": lambda token: (token.consumer_id,),
    "audit_id": lambda token: (token.claims.audit_id,),
    "audit_chain_id": lambda token: (token.claims.parent_audit_id,),
}
"""What a token offers to each condition: it is met if one of these is the event's value."""


class RevocationList:
    """The events that are remembered, indexed."""

    def __init__(self, events: Iterable[RevocationEvent] = ()) -> None:
        """Start with *events*, as they were before a restart."""
        self._by_age: list[tuple[int, int, RevocationEvent]] = []
        self._numbers = count()
        self._index: dict[tuple[str, ...], dict[tuple[_Value | None, ...], list[int]]] = {}
        for event in events:
            self.add(event)

    def __iter__(self) -> Iterator[RevocationEvent]:
        """Go through all events, the oldest first."""
        return (event for _, _, event in sorted(self._by_age, key=lambda entry: entry[:2]))

    def __len__(self) -> int:
        """Count the events."""
        return len(self._by_age)

    def revoke(
        self,
        event: RevocationEvent,
        now: float,
        expiration: float = DEFAULT_EXPIRATION,
        buffer: float = DEFAULT_EXPIRATION_BUFFER,
    ) -> None:
        """Add an event, and forget those that every token they hit has outlived; the only time that Keystone does.

        Args:
            event: What happened.
            now: Seconds since the epoch.
            expiration: Seconds that tokens live.
            buffer: Seconds for which an event is remembered longer; the window for expired tokens is not thought of.
        """
        self.add(event)
        self.prune(now - (expiration + buffer))

    def add(self, event: RevocationEvent) -> None:
        """Add an event."""
        heapq.heappush(self._by_age, (event.revoked_at, next(self._numbers), event))
        conditions = event.conditions
        values = self._index.setdefault(tuple(conditions), {})
        insort(values.setdefault(tuple(conditions.values()), []), event.issued_before)

    def prune(self, before: float) -> None:
        """Forget the events that were revoked earlier than *before*, in seconds since the epoch."""
        while self._by_age and self._by_age[0][0] < before:
            event = heapq.heappop(self._by_age)[2]
            conditions = event.conditions
            shape, values = tuple(conditions), tuple(conditions.values())
            instants = self._index[shape][values]
            del instants[bisect_left(instants, event.issued_before)]
            if not instants:
                del self._index[shape][values]
            if not self._index[shape]:
                del self._index[shape]

    def hits(self, token: RevocableToken) -> bool:
        """Tell whether an event made this token void."""
        issued_at = math.floor(token.claims.issued_at)
        for shape, events in self._index.items():
            for values in product(*[OFFERS[name](token) for name in shape]):
                instants = events.get(values)
                if instants and instants[-1] >= issued_at:
                    return True
        return False


def revoke_token(claims: TokenClaims, now: float, *, cascade: bool = True) -> tuple[RevocationEvent, ...]:
    """Return the events that make one token void.

    Args:
        claims: What the token says.
        now: Seconds since the epoch.
        cascade: Whether tokens that it was exchanged for go with it. All tokens of a chain point at its first one: so
            the children of a child survive it. Before keystone 30 none ever went.
    """
    own = RevocationEvent(revoked_at=now, audit_id=claims.audit_id)
    children = RevocationEvent(revoked_at=now, audit_chain_id=claims.audit_id)
    return (own, children) if cascade else (own,)
