"""JWS tokens: the claims as JSON, signed with ES256, readable by everybody; stored nowhere.

As keystone's `token/providers/jws/core.py`. Which algorithm signed is never taken from the token: ES256 is tried and
nothing else. Who signs has `private.pem`; to verify, every file in a folder of public keys is tried in order of name,
and one that holds no key is an error only when its turn comes.

The expiry is not looked at here, as for Fernet. The time of issue is: a verifier whose clock is behind by more than the
fraction of a second that was cut off fails with a server error, an oddity that Fernet does not have.
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias, final

from attrs import asdict, field, frozen
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from actors.keystone.tokens import base64url
from actors.keystone.tokens.body import audit_ids, group_ids, text, texts
from actors.keystone.tokens.claims import TokenClaims
from actors.keystone.tokens.directory import Cached, Directory
from actors.keystone.tokens.errors import (
    ClaimsInexpressible,
    KeyMalformed,
    PayloadMalformed,
    TokenFromTheFuture,
    TokenNotFound,
)
from actors.keystone.tokens.lifetime import whole_second
from actors.keystone.tokens.randomness import Randomness

PRIVATE_KEY: Final = "private.pem"
"""The only file that signs."""
NAMES: Final = {
    "user_id": "sub",
    "issued_at": "iat",
    "expires_at": "exp",
    "methods": "openstack_methods",
    "audit_ids": "openstack_audit_ids",
    "system": "openstack_system",
    "domain_id": "openstack_domain_id",
    "project_id": "openstack_project_id",
    "trust_id": "openstack_trust_id",
    "federated_group_ids": "openstack_group_ids",
    "identity_provider_id": "openstack_idp_id",
    "protocol_id": "openstack_protocol_id",
    "access_token_id": "openstack_access_token_id",
    "app_cred_id": "openstack_app_cred_id",
    "thumbprint": "openstack_thumbprint",
}
"""What each claim is called in the token, in the order in which they stand there."""

_HEADER: Final = base64url.encode(b'{"alg":"ES256","typ":"JWT"}')
_CURVE: Final = ec.SECP256R1()
_CURVE_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ES256: Final = ec.ECDSA(SHA256(), deterministic_signing=True)
_NUMBER_BYTES: Final = 32

_READERS: Final[dict[str, Callable[[Any], object]]] = {
    "issued_at": whole_second,
    "expires_at": whole_second,
    "methods": texts,
    "audit_ids": audit_ids,
    "federated_group_ids": group_ids,
}


@frozen
class KeyPair:
    """The two PEM files of a signer."""

    private: str = field(repr=False)
    """For `private.pem` of the node that signs."""
    public: str
    """For the folder of public keys of every node."""


def create_key_pair(randomness: Randomness) -> KeyPair:
    """Make a key pair, as `keystone-manage create_jws_keypair` does."""
    number = int.from_bytes(randomness(2 * _NUMBER_BYTES)) % (_CURVE_ORDER - 1) + 1
    key = ec.derive_private_key(number, _CURVE)
    return KeyPair(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii"),
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii"),
    )


@final
class JwsProvider:
    """Issues and reads JWS tokens with the keys of one node."""

    def __init__(self, *, private: Directory, public: Directory) -> None:
        """Sign with the key in the folder *private*, and trust those in the folder *public*."""
        self._private = Cached(private, _read_private_key)
        self._public = Cached(public, _read_public_keys)

    def issue(self, claims: TokenClaims, _body: str = "", /) -> str:
        """Sign a token. The same claims give the same token, for the signature is the deterministic one of RFC 6979."""
        payload = json.dumps(_to_json(claims), separators=(",", ":")).encode()
        signed = f"{_HEADER}.{base64url.encode(payload)}"
        r, s = decode_dss_signature(self._private.get().sign(signed.encode("ascii"), _ES256))
        return f"{signed}.{base64url.encode(r.to_bytes(_NUMBER_BYTES) + s.to_bytes(_NUMBER_BYTES))}"

    def read(self, token: str, now: float, /) -> TokenClaims:
        """Verify a token's signature and time of issue, and read it."""
        payload = self._public.use(partial(_verify, token))
        try:
            named: dict[str, Any] = json.loads(payload)
            claims = _from_json(named)
        except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
            raise PayloadMalformed(
                f"the token is authentic, but its payload of {len(payload)} bytes is none of Keystone's: {error}"
            ) from error
        if claims.issued_at > now:
            raise TokenFromTheFuture(
                f"the token was issued at {claims.issued_at}, but here it is {now}; the clocks of two nodes disagree"
            )
        return claims

    def revoke(self, _token: str, /) -> None:
        """Do nothing: no token is stored."""


_PublicKeys: TypeAlias = list[ec.EllipticCurvePublicKey | KeyMalformed]


def _verify(token: str, keys: _PublicKeys) -> bytes:
    """Return the payload that one of *keys* signed."""
    signed, _, signature = token.rpartition(".")
    header, _, payload = signed.partition(".")
    try:
        authentic = _is_signed(signed.encode(), base64url.decode(signature), keys)
        if authentic and json.loads(base64url.decode(header))["alg"] == "ES256":
            return base64url.decode(payload)
    except (ValueError, TypeError, LookupError, RecursionError):
        pass
    raise TokenNotFound(f"Could not find token: {len(token)} characters that no trusted key signed with ES256")


def _is_signed(signed: bytes, signature: bytes, keys: _PublicKeys) -> bool:
    if len(signature) != 2 * _NUMBER_BYTES:
        return False
    numbers = signature[:_NUMBER_BYTES], signature[_NUMBER_BYTES:]
    encoded = encode_dss_signature(*map(int.from_bytes, numbers))
    for key in keys:
        if isinstance(key, KeyMalformed):
            raise key
        try:
            key.verify(encoded, signed, _ES256)
        except InvalidSignature:
            continue
        return True
    return False


def _to_json(claims: TokenClaims) -> dict[str, Any]:
    values = asdict(claims, recurse=False)
    try:
        values |= {time: whole_second(values[time]) for time in ("issued_at", "expires_at")}
    except (ValueError, OverflowError) as error:
        raise ClaimsInexpressible(f"a JWS token holds whole seconds of the calendar: {error}") from error
    if claims.federated_group_ids is not None:
        values["federated_group_ids"] = [{"id": group} for group in claims.federated_group_ids]
    return {name: values[claim] for claim, name in NAMES.items() if values[claim] is not None}


def _from_json(payload: dict[str, Any]) -> TokenClaims:
    values: dict[str, Any] = {
        claim: _READERS.get(claim, text)(payload[name])
        for claim, name in NAMES.items()
        if name in payload and payload[name] is not None
    }
    return TokenClaims(**values)


def _read_private_key(directory: Directory) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(directory.read(PRIVATE_KEY).encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyMalformed(f"{PRIVATE_KEY} is no unencrypted P-256 key in PEM; make a new key pair")
    return key


def _read_public_keys(directory: Directory) -> _PublicKeys:
    return [_parse_public_key(name, directory.read(name)) for name in directory.names()]


def _parse_public_key(name: str, pem: str) -> ec.EllipticCurvePublicKey | KeyMalformed:
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        return KeyMalformed(f"the public key {name!r} is no P-256 key in PEM; remove it or copy it again")
    return key
