"""Mistakes in Keystone, and in what stands in front of the services."""

import attrs

from actors.auth_token import AuthTokenConfig, guard
from actors.auth_token.cache import TokenCache
from actors.auth_token.guard import AuthToken
from actors.cloud import Members
from actors.keystone import authentication, validation
from actors.keystone.errors import TokenInvalid
from actors.keystone.service import keys, tokens
from actors.keystone.service.base import KeystonePart
from actors.keystone.tokens.revocation import RevocationList
from actors.keystone.tokens.store import TokenStore
from actors.testing.workloads import CloseProject, Exchange, Flush, LoseRole, NewPassword, Poll, Rotate, SignOut
from tests.quality.mistakes import BOOT, ONE_HOST, TOKENS, Mistake, answering, left_out

POLL = Poll(seconds=50, every=1)
LEAVE = SignOut(at=10, elsewhere=True)
FORGETFUL = attrs.evolve(ONE_HOST, auth_token=AuthTokenConfig(token_cache_time=5))
SHORT = attrs.evolve(ONE_HOST, keystone=attrs.evolve(TOKENS, expiration=30))
STORED = attrs.evolve(FORGETFUL, keystone=attrs.evolve(TOKENS, provider="uuid"))
STORED_SHORT = attrs.evolve(SHORT, keystone=attrs.evolve(TOKENS, provider="uuid", expiration=30))
TWO_NODES = attrs.evolve(FORGETFUL, members=Members(keystone=2))


def believed(right):
    async def check(self, token, *, allow_expired):
        return self._cache.get(token) or await right(self, token, allow_expired=allow_expired)

    return check


def lenient(right):
    async def check(self, token, *, allow_expired):
        return await right(self, token, allow_expired=True)

    return check


def last_context(right):
    return lambda user, service, credentials: user.context or right(user, service, credentials)


def remembered(right):
    return lambda self, name, known, _: right(self, name, known, 0)


def alone(right):
    return lambda claims, now, **_: right(claims, now, cascade=False)


def uncapped(right):
    return lambda now, expiration, **_: right(now, expiration, caps=())


def member_anyway(right):
    def roles(store, *args):
        try:
            return right(store, *args)
        except TokenInvalid:
            return tuple(role for role in store.roles.values() if role.name == "member")

    return roles


def too_many(right):
    return lambda self, now, limit: right(self, now + TOKENS.expiration, limit)


FOUND = (
    Mistake(
        "expiry-not-looked-at", "the expiry of a remembered token is looked at",
        AuthToken, "_check", believed, (POLL,), ("S1",), SHORT,
    ),
    Mistake(
        "window-for-all", "the window after expiry is for those beside a service token",
        AuthToken, "_check", lenient, (POLL,), ("S1",), SHORT,
    ),
    Mistake(
        "context-of-another-call", "a remembered context is used again for the same call alone",
        guard, "_context", last_context, (POLL, BOOT), ("S9",), FORGETFUL,
    ),
    Mistake(
        "remembered-for-ever", "the middleware forgets tokens in the end",
        TokenCache, "put", remembered, (POLL, LEAVE), ("S2", "S5"), FORGETFUL,
    ),
    Mistake(
        "revocation-ignored", "Keystone looks at revocation events",
        RevocationList, "hits", answering(False), (POLL, LEAVE), ("S2",), FORGETFUL,
    ),
    Mistake(
        "child-survives", "what a revoked token was exchanged for goes with it",
        tokens, "revoke_token", alone, (POLL, Exchange(at=5), LEAVE), ("S2",), FORGETFUL, runs=20,
    ),
    Mistake(
        "old-password-counts", "a new password makes tokens void",
        KeystonePart, "revoke", left_out, (POLL, NewPassword(at=10)), ("S2",), FORGETFUL,
    ),
    Mistake(
        "expiry-grows", "a token that is exchanged for another gives it its expiry",
        authentication, "expiry", uncapped, (POLL, Exchange(at=5)), ("S4",), FORGETFUL,
    ),
    Mistake(
        "closed-project-open", "Keystone looks whether a project is enabled",
        validation, "_enabled_project", lambda _: lambda store, key: store.projects[key],
        (POLL, CloseProject(at=10, seconds=30)), ("S8",), FORGETFUL,
    ),
    Mistake(
        "roles-stay", "Keystone looks which roles a user has today",
        validation, "_roles", member_anyway, (POLL, LoseRole(at=10, seconds=30)), ("S8",), FORGETFUL,
    ),
    Mistake(
        "flushed-alive", "only expired tokens are flushed",
        TokenStore, "_delete_expired", too_many, (POLL, Flush(at=10)), ("S3", "S6"), STORED,
    ),
    Mistake(
        "nothing-flushed", "expired tokens are flushed",
        TokenStore, "flush", answering(()), (POLL, Flush(at=45)), ("L10",), STORED_SHORT,
    ),
    Mistake(
        "keys-stay-at-home", "keys are distributed after a rotation",
        keys, "distribute", answering(()), (POLL, Rotate(at=10)), ("L5", "S3", "S7"), TWO_NODES,
    ),
)  # fmt: skip
