"""The middleware's options, `[keystone_authtoken]`, with its names and defaults."""

import hashlib

import attrs
from attrs.validators import deep_iterable, ge, in_, min_len

HASH_ALGORITHMS = tuple(sorted(hashlib.algorithms_guaranteed - {"shake_128", "shake_256"}))
"""Those of Python's hashlib that say themselves how long a hash is."""


@attrs.frozen(kw_only=True)
class AuthTokenConfig:
    """Options of keystonemiddleware 13.0.1; the last three are of 4.4.1 (Mitaka), where it still verified PKI tokens.

    Attributes:
        token_cache_time: seconds for which a good token is remembered; 0 for ever, -1 to ask Keystone each time.
        service_token_roles: a service token needs one of these to make an expired token of a user count.
        service_token_roles_required: whether a service token without one spoils the request (true since 13.0.0).
        delay_auth_decision: whether the service decides about requests without a good token. All of this cloud then answer 401,
            also where the middleware would have answered 503, and pay no heed to a bad service token beside a good one.
        http_request_max_retries: how often a connection to Keystone that failed is tried again.
        revocation_cache_time: seconds for which the list of revoked PKI tokens is used before it is fetched anew.
        check_revocations_for_cached: whether that list is looked into for tokens that are remembered, too.
        hash_algorithms: what PKI tokens are named by on that list and in the cache; the first one is written, all are read.
    """

    token_cache_time: int = attrs.field(default=300, validator=ge(-1))
    service_token_roles: tuple[str, ...] = ("service",)
    service_token_roles_required: bool = True
    delay_auth_decision: bool = False
    http_request_max_retries: int = attrs.field(default=3, validator=ge(0))
    revocation_cache_time: float = attrs.field(default=10, validator=ge(0))
    check_revocations_for_cached: bool = False
    hash_algorithms: tuple[str, ...] = attrs.field(
        default=("md5",), validator=[min_len(1), deep_iterable(in_(HASH_ALGORITHMS))]
    )
