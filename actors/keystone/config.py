"""Keystone's options, with the names and defaults of keystone 30.0.0 (`keystone/conf/`)."""

import attrs
from attrs.validators import ge, in_

from actors.keystone.tokens.lifetime import DEFAULT_ALLOW_EXPIRED_WINDOW, DEFAULT_EXPIRATION
from actors.keystone.tokens.methods import DEFAULT_METHODS
from actors.keystone.tokens.revocation import DEFAULT_EXPIRATION_BUFFER
from actors.keystone.tokens.rotation import DEFAULT_MAX_ACTIVE_KEYS

TOKEN_PROVIDERS = ("fernet", "jws", "uuid", "pki", "pkiz")
"""`[token] provider`; the last three are those of older releases."""


@attrs.frozen(kw_only=True)
class KeystoneConfig:
    """Keystone's options.

    Attributes:
        provider: `[token] provider`, the format of tokens.
        expiration: `[token] expiration`, seconds that a token lives.
        allow_expired_window: `[token] allow_expired_window`, seconds for which an expired token still counts beside a
            service token.
        allow_rescope_scoped_token: `[token] allow_rescope_scoped_token`, whether a scoped token may be exchanged.
        max_active_keys: `[fernet_tokens] max_active_keys`.
        expiration_buffer: `[revoke] expiration_buffer`, seconds.
        max_redelegation_count: `[trust] max_redelegation_count`, trusts that may follow one from the other.
        methods: `[auth] methods`, in order: Fernet tokens number them by their place.
        default_domain_id: `[identity] default_domain_id`.
        password_hash_rounds: rounds of PBKDF2 with SHA-256 for a password. Keystone's own bcrypt takes a quarter of a
            second on purpose; a simulation signs in too often for that.
    """

    provider: str = attrs.field(default="fernet", validator=in_(TOKEN_PROVIDERS))
    expiration: int = attrs.field(default=DEFAULT_EXPIRATION, validator=ge(0))
    allow_expired_window: int = attrs.field(default=DEFAULT_ALLOW_EXPIRED_WINDOW, validator=ge(0))
    allow_rescope_scoped_token: bool = attrs.field(default=True, validator=in_((True, False)))
    max_active_keys: int = attrs.field(default=DEFAULT_MAX_ACTIVE_KEYS, validator=ge(1))
    expiration_buffer: int = attrs.field(default=DEFAULT_EXPIRATION_BUFFER, validator=ge(0))
    max_redelegation_count: int = attrs.field(default=3, validator=ge(0))
    methods: tuple[str, ...] = DEFAULT_METHODS
    default_domain_id: str = "default"
    password_hash_rounds: int = attrs.field(default=100, validator=ge(1))
