"""Trusts: which ones count, what they give, and which may follow from which (keystone's `trust/core.py`).

A trust counts until it is deleted, its time is over or its uses are used up, and as long as its trustor has every role that it
gives. One that follows from another gives no more than that one, and counts only while each trust before it does.
"""

from itertools import pairwise

import attrs

from actors.errors import BadRequest, Forbidden
from actors.ids import UserId
from actors.keystone.errors import TrustNotFound, TrustUseLimitReached
from actors.keystone.models import Role, Trust, TrustId
from actors.keystone.store import Store


def usable(store: Store, trust_id: TrustId, now: float) -> Trust:
    """Find a trust that counts at *now*, seconds since 1970; one still does at the very instant of its `expires_at`.

    Raises:
        TrustNotFound: if it, or one before it, is deleted, over or used up.
        Forbidden: if one before it does not allow it any more, or has a trustee who is disabled.
    """
    chain = pedigree(store, trust_id, now)
    for child, parent in pairwise(chain):
        check_redelegation(parent, child)
        agent = store.users.get(parent.trustee_user_id)
        if agent is None or not agent.enabled:
            raise Forbidden("One of the trust agents is disabled or deleted")
    return chain[0]


def pedigree(store: Store, trust_id: TrustId, now: float) -> list[Trust]:
    """A trust, the one that it follows from, and so on to the first."""
    chain = [_row(store, trust_id, now)]
    while (parent_id := chain[-1].redelegated_trust_id) is not None:
        chain.append(_row(store, parent_id, now))
    return chain


def _row(store: Store, trust_id: TrustId, now: float) -> Trust:
    trust = store.trusts.get(trust_id)
    if trust is None or trust.deleted_at is not None:
        raise TrustNotFound(f"Could not find trust: {trust_id}.")
    if trust.expires_at is not None and now > trust.expires_at:
        raise TrustNotFound(f"Could not find trust: {trust_id}: it ended at {trust.expires_at}, and it is {now}.")
    if trust.remaining_uses is not None and trust.remaining_uses <= 0:
        raise TrustNotFound(f"Could not find trust: {trust_id}: it has no uses left.")
    return trust


def delegated_roles(store: Store, trust: Trust, now: float) -> tuple[Role, ...]:
    """The roles that a trust gives.

    Raises:
        Forbidden: if its trustor, or that of the first trust before it, does not have all of them any more.
    """
    for trustor in (trust.trustor_user_id, pedigree(store, trust.id, now)[-1].trustor_user_id):
        if not set(trust.roles) <= held_roles(store, trustor, trust.project_id):
            raise Forbidden("Trustee has no delegated roles.")
    return tuple(store.roles[role_id] for role_id in trust.roles)


def held_roles(store: Store, user_id: UserId, project_id: str | None) -> set[str]:
    """Ids of the roles that a user has on a project; none on no project."""
    return set() if project_id is None else {role.id for role in store.roles_on(user_id, project_id)}


def consume_use(store: Store, trust_id: TrustId) -> None:
    """Take one use of a trust, once a token was made from it.

    Raises:
        TrustNotFound: if it was deleted in the meantime.
        TrustUseLimitReached: if its last use was taken in the meantime.
    """
    trust = store.trusts[trust_id]
    if trust.deleted_at is not None:
        raise TrustNotFound(f"Could not find trust: {trust_id}.")
    if trust.remaining_uses is None:
        return
    if trust.remaining_uses <= 0:
        raise TrustUseLimitReached(f"No remaining uses for trust: {trust_id}.")
    store.trusts[trust_id] = attrs.evolve(trust, remaining_uses=trust.remaining_uses - 1)


def redelegation_count(
    *, allowed: bool, requested: int | None, remaining_uses: int | None, parent: Trust | None, most: int
) -> int:
    """How many trusts may follow from a new one, one from the other.

    Args:
        allowed: whether any may.
        requested: how many its trustor wants; None for as many as there may be.
        remaining_uses: of the new trust.
        parent: the trust that the new one follows from.
        most: `[trust] max_redelegation_count`.
    """
    if not allowed or requested == 0:
        return 0
    if remaining_uses is not None:
        raise BadRequest(f"remaining_uses={remaining_uses} must not be set if redelegation is allowed")
    if requested is not None and requested > most:
        raise Forbidden(f"Requested redelegation depth of {requested} is greater than allowed {most}")
    left = most if parent is None else parent.redelegation_count - 1
    if parent is not None and requested is not None and requested != left:
        raise Forbidden(f'Modifying "redelegation_count" to {requested} upon redelegation is forbidden: leave it out')
    return left if requested is None else requested


def check_redelegation(parent: Trust, child: Trust) -> None:
    """Check that *parent* lets *child* follow from it.

    Raises:
        Forbidden: if it does not.
    """
    if parent.redelegation_count <= 0:
        raise Forbidden(f"Remaining redelegation depth of {parent.redelegation_count} must be 1 or more")
    if child.remaining_uses is not None:
        raise Forbidden(f"remaining_uses={child.remaining_uses} must not be set in order to redelegate a trust")
    if parent.expires_at is not None and (child.expires_at is None or child.expires_at > parent.expires_at):
        raise Forbidden(f"Requested expiration time is more than redelegated trust can provide: {parent.expires_at}")
    if not set(child.roles) <= set(parent.roles):
        raise Forbidden("Some of requested roles are not in redelegated trust")
    if child.impersonation and not parent.impersonation:
        raise Forbidden(f"Impersonation is not allowed because trust {parent.id} does not specify impersonation")
