"""Revocation events: which tokens they hit, to the second, and what a check costs."""

import math
import random

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.keystone.tokens.claims import TokenClaims
from actors.keystone.tokens.revocation import (
    RevocableToken,
    RevocationEvent,
    RevocationList,
    revoke_token,
)

NOW = 1_700_000_000
OWN, ROOT, OTHER = "A" * 22, "B" * 22, "C" * 22


def token(issued_at: float = NOW, *, audit_ids=(OWN,), roles=(), **more) -> RevocableToken:
    looked_up = {name: more.pop(name) for name in list(more) if name in LOOKED_UP}
    claims = TokenClaims(
        **(
            {"user_id": "user", "methods": (), "audit_ids": audit_ids, "issued_at": issued_at, "expires_at": NOW + 3600}
            | more
        )
    )
    return RevocableToken(claims=claims, role_ids=frozenset(roles), **looked_up)


LOOKED_UP = ("identity_domain_id", "trustor_id", "trustee_id", "consumer_id")


def hit(event: RevocationEvent, subject: RevocableToken) -> bool:
    return RevocationList([event]).hits(subject)


def event(**more) -> RevocationEvent:
    return RevocationEvent(**({"revoked_at": NOW} | more))


@pytest.mark.parametrize(
    ("conditions", "met_by", "not_met_by"),
    [
        ({"user_id": "user"}, {}, {"user_id": "other"}),
        ({"user_id": "x"}, {"trustor_id": "x"}, {"consumer_id": "x"}),
        ({"user_id": "x"}, {"trustee_id": "x"}, {"project_id": "x"}),
        ({"project_id": "x"}, {"project_id": "x"}, {}),
        ({"domain_id": "x"}, {"identity_domain_id": "x"}, {"identity_domain_id": "y"}),
        ({"domain_id": "x"}, {"domain_id": "x"}, {"domain_id": "y"}),
        ({"domain_id": "x", "expires_at": NOW + 3600}, {"domain_id": "x"}, {"identity_domain_id": "x"}),
        ({"expires_at": NOW + 3600}, {}, {"expires_at": NOW + 3601}),
        ({"expires_at": NOW + 3600.9}, {"expires_at": NOW + 3600.1}, {"expires_at": NOW + 3599.9}),
        ({"role_id": "x"}, {"roles": ("y", "x")}, {"roles": ("y",)}),
        ({"trust_id": "x"}, {"trust_id": "x"}, {}),
        ({"consumer_id": "x"}, {"consumer_id": "x"}, {}),
        ({"audit_id": OWN}, {}, {"audit_ids": (OTHER, OWN)}),
        ({"audit_chain_id": ROOT}, {"audit_ids": (OWN, ROOT)}, {"audit_ids": (ROOT,)}),
        ({"access_token_id": "x"}, {}, {"issued_at": NOW + 1}),
        ({}, {}, {"issued_at": NOW + 1}),
        ({"user_id": "user", "project_id": "x"}, {"project_id": "x"}, {"project_id": "y"}),
        (
            {"user_id": "user", "role_id": "x", "project_id": "p"},
            {"project_id": "p", "roles": ("x",)},
            {"roles": ("x",)},
        ),
    ],
)
def test_an_event_hits_the_tokens_that_meet_all_its_conditions(conditions, met_by, not_met_by):
    assert hit(event(**conditions), token(**met_by))
    assert not hit(event(**conditions), token(**not_met_by))


def test_a_domain_event_hits_tokens_of_a_project_only_through_their_user():
    """Keystone looks up the project's domain, and then forgets it."""
    assert not hit(event(domain_id="x"), token(project_id="p", domain_id="x"))
    assert hit(event(domain_id="x"), token(project_id="p", identity_domain_id="x"))


@pytest.mark.parametrize(
    ("revoked_at", "issued_at", "is_hit"),
    [
        (NOW, NOW - 1, True),
        (NOW, NOW, True),
        (NOW + 0.1, NOW + 0.5, True),
        (NOW + 0.999, NOW, True),
        (NOW + 0.999, NOW + 1, False),
        (NOW, NOW + 0.999, True),
    ],
)
def test_both_times_are_cut_to_the_second_and_equal_ones_hit(revoked_at, issued_at, is_hit):
    """A token issued after the event, but within its second, is void for ever."""
    assert is_hit == hit(event(revoked_at=revoked_at, user_id="user"), token(issued_at))


def test_an_event_may_say_before_which_second_tokens_are_hit():
    """As for a change of federated groups, which so spares tokens issued earlier in the same second."""
    spared = event(user_id="user", issued_before=NOW - 1)
    assert (spared.issued_before, spared.revoked_at) == (NOW - 1, NOW)
    assert not hit(spared, token(NOW))
    assert hit(spared, token(NOW - 1))


def test_events_record_whole_seconds():
    assert event(revoked_at=NOW + 0.9, expires_at=NOW + 1.9) == event(expires_at=NOW + 1)


class TestChains:
    """Revoking one token of a chain: a root, its child, and the child's child, which points at the root too."""

    root = token(audit_ids=(ROOT,))
    child = token(audit_ids=(OWN, ROOT))
    grandchild = token(audit_ids=(OTHER, ROOT))

    def survivors(self, revoked: RevocableToken, *, cascade: bool = True) -> list[str]:
        events = RevocationList(revoke_token(revoked.claims, NOW, cascade=cascade))
        return [name for name in ("root", "child", "grandchild") if not events.hits(getattr(self, name))]

    def test_the_root_takes_all_with_it(self):
        assert self.survivors(self.root) == []

    def test_a_child_goes_alone_and_its_own_child_survives(self):
        assert self.survivors(self.child) == ["root", "grandchild"]

    def test_without_cascade_the_root_goes_alone(self):
        assert self.survivors(self.root, cascade=False) == ["child", "grandchild"]


class TestPruning:
    """Forgetting, which happens only when something is revoked."""

    def test_an_event_is_forgotten_when_it_is_older_than_a_token_and_the_buffer(self):
        events = RevocationList([event(user_id="user")])
        events.revoke(event(user_id="b"), NOW + 5400)
        assert events.hits(token())
        events.revoke(event(user_id="c"), NOW + 5400.000_1)
        assert not events.hits(token())

    def test_the_event_that_is_added_may_be_forgotten_at_once(self):
        events = RevocationList()
        events.revoke(event(user_id="user"), NOW + 6000)
        assert len(events) == 0

    def test_nothing_is_forgotten_by_the_passing_of_time_alone(self):
        events = RevocationList([event(user_id="user")])
        assert events.hits(token())
        assert [event(user_id="user")] == list(events)

    def test_the_window_for_expired_tokens_is_not_thought_of(self):
        """So a token that was revoked is good again beside a service token, once its event is forgotten."""
        events = RevocationList([event(user_id="user")])
        events.revoke(event(user_id="other"), NOW + 5401, expiration=3600, buffer=1800)
        assert not events.hits(token(expires_at=NOW + 3600))

    def test_of_equal_events_the_others_still_hit_when_one_is_forgotten(self):
        late, early = event(user_id="user", revoked_at=NOW + 10), event(user_id="user", issued_before=NOW + 5)
        events = RevocationList([late, early, event(user_id="user")])
        events.prune(NOW + 5)
        assert [late] == list(events)
        assert events.hits(token(NOW + 10))

    def test_of_equal_events_the_latest_decides_in_whatever_order_they_came(self):
        early, late = event(user_id="user"), event(user_id="user", revoked_at=NOW + 10)
        for order in ([early, late], [late, early]):
            assert RevocationList(order).hits(token(NOW + 10))
            assert not RevocationList(order).hits(token(NOW + 11))

    def test_events_are_listed_by_age(self):
        old, new = event(revoked_at=NOW), event(revoked_at=NOW + 5)
        assert [old, new] == list(RevocationList([new, old]))


def naive_hit(revocation: RevocationEvent, subject: RevocableToken) -> bool:
    """Keystone's own two steps: what the database filters, then what Python filters."""
    claims = subject.claims
    in_database = (
        revocation.issued_before >= math.floor(claims.issued_at)
        and revocation.user_id in (None, claims.user_id, subject.trustor_id, subject.trustee_id)
        and revocation.project_id in (None, claims.project_id)
        and revocation.audit_id in (None, claims.audit_ids[0])
        and revocation.trust_id in (None, claims.trust_id)
    )
    domain_scoped = revocation.expires_at is not None
    domain_id = None if domain_scoped else revocation.domain_id
    domain_scope_id = revocation.domain_id if domain_scoped else None
    chain = claims.audit_ids[1] if len(claims.audit_ids) > 1 else None
    is_domain = claims.trust_id is None and claims.project_id is None
    assignment = claims.domain_id if is_domain else None
    return (
        in_database
        and (domain_id is None or domain_id in (subject.identity_domain_id, assignment))
        and (domain_scope_id is None or domain_scope_id == assignment)
        and (revocation.expires_at is None or revocation.expires_at == math.floor(claims.expires_at))
        and (revocation.consumer_id is None or revocation.consumer_id == subject.consumer_id)
        and (revocation.audit_chain_id is None or revocation.audit_chain_id == chain)
        and (revocation.role_id is None or revocation.role_id in subject.role_ids)
    )


names = st.sampled_from("ab")
maybe = st.none() | names
instants = st.integers(0, 4)
events_drawn = st.builds(
    RevocationEvent,
    revoked_at=instants,
    issued_before=instants,
    expires_at=st.none() | st.integers(8, 9),
    **dict.fromkeys(
        (
            "domain_id",
            "project_id",
            "user_id",
            "role_id",
            "trust_id",
            "consumer_id",
            "access_token_id",
            "audit_id",
            "audit_chain_id",
        ),
        st.one_of(st.none(), st.none(), names),
    ),
)
tokens_drawn = st.builds(
    RevocableToken,
    claims=st.builds(
        TokenClaims,
        user_id=names,
        methods=st.just(()),
        audit_ids=st.lists(names, min_size=1, max_size=2).map(tuple),
        issued_at=st.floats(0, 4.9),
        expires_at=st.floats(8, 9.9),
        project_id=maybe,
        domain_id=maybe,
        trust_id=maybe,
    ),
    identity_domain_id=maybe,
    role_ids=st.frozensets(names),
    trustor_id=maybe,
    trustee_id=maybe,
    consumer_id=maybe,
)


@settings(max_examples=200)
@given(st.lists(events_drawn, max_size=12), st.lists(tokens_drawn, max_size=8))
def test_the_index_hits_whom_trying_every_event_hits(events, tokens):
    index = RevocationList(events)
    for subject in tokens:
        assert any(naive_hit(one, subject) for one in events) == index.hits(subject)


@given(
    st.lists(st.tuples(events_drawn, st.floats(0, 6)), max_size=10),
    st.integers(0, 4),
    st.lists(tokens_drawn, min_size=1, max_size=4),
)
def test_after_any_history_the_index_is_what_is_left_of_it(history, kept_for, tokens):
    index, kept = RevocationList(), []
    for added, now in history:
        index.revoke(added, now, expiration=kept_for, buffer=0)
        kept = [one for one in [*kept, added] if not one.revoked_at < now - kept_for]
        assert len(kept) == len(index)
        for subject in tokens:
            assert any(naive_hit(one, subject) for one in kept) == index.hits(subject)
    assert sorted(map(repr, kept)) == sorted(map(repr, index))


def test_a_restart_keeps_all_events():
    events = RevocationList([event(user_id="user"), event(audit_id=OWN)])
    assert list(events) == list(RevocationList(events))


def test_a_check_looks_at_no_more_entries_when_there_are_many_events(monkeypatch):
    """Counted, not timed: the look-ups of one check after ten events and after ten thousand of the same kinds."""
    chance = random.Random(0)

    def lookups(amount: int) -> int:
        events = RevocationList()
        for number in range(amount):
            events.add(event(audit_id=f"{number}", revoked_at=NOW - chance.randrange(1000)))
            events.add(event(user_id=f"{number}", project_id="p"))
            events.add(event(role_id="often", revoked_at=NOW - 1 - number))
        count = 0

        class Counting(dict):
            def get(self, key, default=None):
                nonlocal count
                count += 1
                return super().get(key, default)

        for shape in events._index:
            events._index[shape] = Counting(events._index[shape])
        assert not events.hits(evolve(token(NOW), role_ids=frozenset({"often", "x"})))
        return count

    assert lookups(10) == lookups(10_000) <= 10
