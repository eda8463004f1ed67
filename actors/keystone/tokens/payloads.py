"""The eleven layouts inside a Fernet token, byte for byte as keystone's `token/token_formatters.py` packs them.

A payload is one msgpack array: the version, then the fields of that version in a fixed order. `LAYOUTS` is that order,
and each `Field` knows how one claim is packed. What must be kept, because tokens made by Keystone rely on it:

* An id that reads as a UUID becomes 16 bytes, in whatever notation it was given, and comes back as bare lower-case hex;
  any other id stays text. Which of both is said beside it, except for the domain of version 1 and the trust.
* The expiry is a float with all its digits; only reading cuts it to the second.
* Fields after the last known one are ignored, and whole numbers are taken for floats.
* Payloads of msgpack before 1.0 hold ids as raw bytes where text is now; they are read in raw mode.

A claim that the chosen layout has no field for is left out without a word, as in Keystone.
"""

import uuid
from base64 import urlsafe_b64decode
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgpack
from attrs import frozen

from actors.keystone.tokens import base64url
from actors.keystone.tokens.claims import TokenClaims
from actors.keystone.tokens.errors import ClaimsInexpressible, PayloadMalformed, TokenNotRecognized
from actors.keystone.tokens.lifetime import whole_second
from actors.keystone.tokens.methods import Methods

_msgpack: Any = msgpack  # it has no types of its own


@frozen(kw_only=True)
class Payloads:
    """Packs claims into payloads and reads them back, under one node's configuration."""

    methods: Methods = Methods()
    default_domain_id: str = "default"
    """`[identity] default_domain_id`, the only domain id of version 1 that need not be a UUID."""

    def pack(self, claims: TokenClaims) -> bytes:
        """Pack *claims* in the layout that Keystone chooses for them.

        Raises:
            ClaimsInexpressible: An id or a time has a form that the layout cannot hold.
        """
        version = choose_version(claims)
        try:
            values = [field.pack(getattr(claims, field.claim), self) for field in LAYOUTS[version]]
            packed: bytes = _msgpack.packb([version, *values])
        except (ValueError, OverflowError) as error:
            raise ClaimsInexpressible(f"payload version {version} cannot hold these claims: {error}") from error
        return packed

    def unpack(self, payload: bytes, issued_at: float) -> TokenClaims:
        """Read a payload back.

        Args:
            payload: What the Fernet token carried.
            issued_at: Seconds since the epoch; the envelope knows, the payload does not.

        Raises:
            TokenNotRecognized: There is no layout of that version.
            PayloadMalformed: It is not msgpack, or not of its version's shape.
        """
        try:
            array = _read_array(payload)
            version, values = array[0], array[1:]
            layout = _layout(version)
            claims: dict[str, Any] = {
                field.claim: field.unpack(value, self) for field, value in zip(layout, values, strict=False)
            }
            if len(claims) < len(layout):
                raise ValueError(f"version {version} needs {len(layout)} fields, but only {len(claims)} came")
        except (ValueError, TypeError, LookupError, OverflowError) as error:
            raise PayloadMalformed(
                f"the token is authentic, but its payload of {len(payload)} bytes is none of Keystone's: {error}"
            ) from error
        return TokenClaims(issued_at=issued_at, **claims)


@frozen
class Field:
    """One claim in a payload. Both codecs raise ValueError, TypeError or OverflowError for what they cannot take."""

    claim: str
    pack: Callable[[Any, Payloads], object]
    unpack: Callable[[Any, Payloads], object]


def choose_version(claims: TokenClaims) -> int:
    """Choose the layout: the first that fits, in the order of keystone's `token/providers/fernet/core.py`."""
    if claims.access_token_id is not None:
        return 7
    if claims.trust_id is not None:
        return 3
    if claims.is_federated:
        return 5 if claims.project_id is not None else 6 if claims.domain_id is not None else 4
    if claims.app_cred_id is not None:
        return 9
    if claims.thumbprint is not None:
        return 10
    if claims.project_id is not None:
        return 2
    if claims.domain_id is not None:
        return 1
    return 0 if claims.system is None else 8


def _read_array(payload: bytes) -> Any:
    try:
        return _msgpack.unpackb(payload)
    except UnicodeDecodeError:
        return _msgpack.unpackb(payload, raw=True)


def _layout(version: object) -> tuple[Field, ...]:
    layout = LAYOUTS.get(version) if isinstance(version, int) else None
    if layout is None:
        raise TokenNotRecognized(
            f"This is not a recognized Fernet payload version; known are {min(LAYOUTS)} to {max(LAYOUTS)}"
        )
    return layout


def _uuid_bytes(text: str) -> bytes:
    try:
        packed = bytes.fromhex(text)
    except ValueError:
        packed = b""
    if len(packed) == 16 and len(text) == 32:
        return packed
    try:
        return uuid.UUID(text).bytes  # slower, but takes all that Keystone takes
    except ValueError:
        raise ValueError(f"{text!r} is not a UUID") from None


def _uuid_hex(packed: object) -> str:
    if not isinstance(packed, bytes) or len(packed) != 16:
        raise ValueError(f"a UUID is 16 bytes, not {type(packed).__name__}")
    return packed.hex()


def _text(packed: object) -> str:
    if isinstance(packed, bytes):
        return packed.decode()
    if not isinstance(packed, str):
        raise TypeError(f"text is needed, not {type(packed).__name__}")
    return packed


def _pack_id(text: str | None, _: object = None) -> tuple[bool, bytes | str | None]:
    if text is None:
        return False, None
    try:
        return True, _uuid_bytes(text)
    except ValueError:
        return False, text


def _unpack_id(pair: Any, _: object = None) -> str | None:
    is_uuid, packed = pair
    if is_uuid:
        return _uuid_hex(packed)
    return None if packed is None else _text(packed)


def _unpack_needed_id(pair: Any, _: object = None) -> str:
    return _text(_unpack_id(pair))


def _pack_domain(domain_id: str, payloads: Payloads) -> bytes | str:
    try:
        return _uuid_bytes(domain_id)
    except ValueError:
        if domain_id != payloads.default_domain_id:
            raise
        return domain_id


def _unpack_domain(packed: Any, payloads: Payloads) -> str:
    if isinstance(packed, bytes) and len(packed) == 16:
        return packed.hex()
    if _text(packed) != payloads.default_domain_id:
        raise ValueError(f"a domain that is no UUID must be the default domain, {payloads.default_domain_id!r}")
    return payloads.default_domain_id


def _unpack_expiry(packed: Any, _: object) -> int:
    return whole_second(packed + 0.000_000_5)  # Keystone rounds to the microsecond before it cuts


def _pack_audit_ids(audit_ids: Sequence[str], _: object) -> list[bytes]:
    return [urlsafe_b64decode(audit_id + "==") for audit_id in audit_ids]


def _unpack_audit_ids(packed: Any, _: object) -> tuple[str, ...]:
    if not packed:
        raise ValueError("a token needs an audit id")
    return tuple([base64url.encode(audit_id) for audit_id in packed])


USER = Field("user_id", _pack_id, _unpack_needed_id)
METHODS = Field("methods", lambda names, to: to.methods.pack(names), lambda mask, to: to.methods.unpack(mask))
EXPIRY = Field("expires_at", lambda seconds, _: float(seconds), _unpack_expiry)
AUDIT = Field("audit_ids", _pack_audit_ids, _unpack_audit_ids)
PROJECT = Field("project_id", _pack_id, _unpack_id)
DOMAIN = Field("domain_id", _pack_id, _unpack_id)
BARE_DOMAIN = Field("domain_id", _pack_domain, _unpack_domain)
TRUST = Field("trust_id", lambda text, _: _uuid_bytes(text), lambda packed, _: _uuid_hex(packed))
GROUPS = Field(
    "federated_group_ids",
    lambda groups, _: [_pack_id(group) for group in groups or ()],
    lambda pairs, _: tuple(_unpack_needed_id(pair) for pair in pairs),
)
PROVIDER = Field("identity_provider_id", _pack_id, _unpack_id)
PROTOCOL = Field("protocol_id", lambda text, _: text, lambda text, _: _text(text))
ACCESS = Field("access_token_id", _pack_id, _unpack_id)
SYSTEM = Field("system", lambda text, _: text, lambda text, _: _text(text))
CREDENTIAL = Field("app_cred_id", _pack_id, _unpack_id)
THUMBPRINT = Field("thumbprint", lambda text, _: (False, text), _unpack_id)

LAYOUTS: Final = {
    0: (USER, METHODS, EXPIRY, AUDIT),
    1: (USER, METHODS, BARE_DOMAIN, EXPIRY, AUDIT),
    2: (USER, METHODS, PROJECT, EXPIRY, AUDIT),
    3: (USER, METHODS, PROJECT, EXPIRY, AUDIT, TRUST),
    4: (USER, METHODS, GROUPS, PROVIDER, PROTOCOL, EXPIRY, AUDIT),
    5: (USER, METHODS, PROJECT, GROUPS, PROVIDER, PROTOCOL, EXPIRY, AUDIT),
    6: (USER, METHODS, DOMAIN, GROUPS, PROVIDER, PROTOCOL, EXPIRY, AUDIT),
    7: (USER, METHODS, PROJECT, ACCESS, EXPIRY, AUDIT),
    8: (USER, METHODS, SYSTEM, EXPIRY, AUDIT),
    9: (USER, METHODS, PROJECT, EXPIRY, AUDIT, CREDENTIAL),
    10: (USER, METHODS, PROJECT, DOMAIN, EXPIRY, AUDIT, THUMBPRINT),
}
"""The fields after the version. 0 to 4 came with Kilo, 5 and 6 Liberty, 7 Mitaka, 8 and 9 Queens, 10 with 2023.1."""
