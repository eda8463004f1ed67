"""Each decoder of what strangers send or leave in a folder, with an endless supply of hostile input.

The input is a function of a `Random`, so that Hypothesis can shrink it and a hunt can replay it from one number.
"""

import hashlib
import hmac
import json
import random as chance
import re
from collections.abc import Callable
from random import Random
from typing import Any

import msgpack
from attrs import evolve, fields, frozen
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from actors.keystone.tokens import base64url, pki, unverified
from actors.keystone.tokens import body as bodies
from actors.keystone.tokens.authority import create_authority
from actors.keystone.tokens.cipher import FernetKey
from actors.keystone.tokens.claims import TokenClaims
from actors.keystone.tokens.directory import MemoryDirectory
from actors.keystone.tokens.errors import (
    KeysUnusable,
    PayloadMalformed,
    TokenError,
    TokenFromTheFuture,
    TokenNotFound,
    TokenNotRecognized,
)
from actors.keystone.tokens.fernet import FernetProvider
from actors.keystone.tokens.jws import JwsProvider, create_key_pair
from actors.keystone.tokens.keys import KeyRepository
from actors.keystone.tokens.payloads import Payloads
from actors.keystone.tokens.store import TokenStore
from actors.keystone.tokens.uuid import UuidProvider
from tests.actors.keystone.tokens.mangling import (
    ODD_TEXTS,
    mangle_base64,
    mangle_bytes,
    mangle_text,
    mangle_value,
    nonsense,
    odd_value,
)


@frozen
class Decoder:
    """A way in.

    Attributes:
        draw: makes an input.
        decode: takes it.
        refusals: what may be raised.
        truths: what may come out; None for anything that is well formed.
    """

    draw: Callable[[Random], Any]
    decode: Callable[[Any], Any]
    refusals: tuple[type[TokenError], ...]
    truths: frozenset | None = None

    def assert_sound(self, random: Random) -> bool:
        """One input is refused without a word of it, or read as what somebody issued. Tell whether it was taken."""
        given = self.draw(random)
        try:
            found = self.decode(given)
        except self.refusals as error:
            assert_silent(error, given)
            return False
        assert self.truths is None or found in self.truths, given
        if isinstance(found, TokenClaims):
            assert_well_formed(found)
        return True


def assert_silent(error: BaseException | None, given: Any) -> None:
    """No error, nor what caused it, quotes a token or a key; a key's number, which is the name of its file, may be as long as one."""
    texts = given.values() if isinstance(given, dict) else [given] if isinstance(given, str) else []
    while error is not None:
        said = re.sub(r"key file \d+", "key file", str(error))
        assert not any(len(text) > 24 and text[:24] in said for text in texts), error
        error = error.__cause__ or error.__context__


def assert_well_formed(claims: TokenClaims) -> None:
    for name in ("user_id", *(field.name for field in fields(TokenClaims) if field.default is None)):
        value = getattr(claims, name)
        if name == "federated_group_ids":
            assert value is None or all(isinstance(group, str) for group in value)
        else:
            assert isinstance(value, str) or (value is None and name != "user_id"), (name, value)
    assert all(isinstance(text, str) for text in (*claims.methods, *claims.audit_ids))
    assert claims.audit_ids
    assert all(isinstance(time, int) for time in (claims.issued_at, claims.expires_at))


NOW = 1_700_000_000
LATE = 4e9
_PLAIN = TokenClaims(
    user_id="0123456789abcdef" * 2,
    methods=("password",),
    audit_ids=("AAECAwQFBgcICQoLDA0ODw",),
    issued_at=NOW,
    expires_at=NOW + 3600,
)
_FEDERATED = {"federated_group_ids": ("a" * 32, "group"), "identity_provider_id": "idp", "protocol_id": "saml2"}
CLAIMS = [
    evolve(_PLAIN, **more)
    for more in (
        {},
        {"domain_id": "default"},
        {"project_id": "f" * 32, "user_id": "ldap-é"},
        {"project_id": "f" * 32, "trust_id": "a" * 32},
        _FEDERATED,
        {"project_id": "f" * 32, **_FEDERATED},
        {"domain_id": "d" * 32, **_FEDERATED},
        {"access_token_id": "a" * 32, "project_id": "f" * 32},
        {"system": "all"},
        {"app_cred_id": "a" * 32, "project_id": "f" * 32},
        {"thumbprint": "x", "project_id": "f" * 32},
    )
]
"""One for each layout of Fernet's payloads."""


def pick(
    tokens: list[str], forge: Callable[[Random], str], recode: Callable[[Random, str], str]
) -> Callable[[Random], str]:
    """Make a supply of texts: spoilt tokens, in the text or within, two tokens in one, forgeries, nonsense."""

    def draw(random: Random) -> str:
        token = random.choice(tokens)
        match random.randrange(9):
            case 0 | 1 | 2:
                return mangle_text(random, token)
            case 3 | 4 | 5:
                return recode(random, token)
            case 6:
                other = random.choice(tokens)
                return token[: random.randrange(len(token))] + other[random.randrange(len(other)) :]
            case 7:
                return forge(random)
            case _:
                return token[:5] + nonsense(random) if random.randrange(2) else nonsense(random)

    return draw


# Fernet

_KEYS = {str(number): "ABCD"[number] * 43 + "=" for number in range(3)}
_FERNET = FernetProvider(keys=KeyRepository(MemoryDirectory(_KEYS)), randomness=chance.Random(1).randbytes)
_FOREIGN_KEY = FernetKey("D" * 43 + "=")
_FERNET_TOKENS = [_FERNET.issue(claims) for claims in CLAIMS]
_PAYLOADS = [Payloads().pack(claims) for claims in CLAIMS]


def forge_fernet(random: Random) -> str:
    return _FOREIGN_KEY.seal(random.choice(_PAYLOADS), NOW, random.randbytes(16))


def draw_payload(random: Random) -> bytes:
    payload = random.choice(_PAYLOADS)
    if random.randrange(2):
        return mangle_bytes(random, payload)
    fields = msgpack.unpackb(payload)
    if random.randrange(8) == 0:
        fields = [random.randrange(12), *[odd_value(random) for _ in range(random.randrange(9))]]
    spoilt = msgpack.packb(mangle_value(random, fields), use_bin_type=random.random() < 0.9)
    bomb = random.choice((b"\x91" * 3000, b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff"))
    return spoilt[:3] + bomb if random.randrange(20) == 0 else spoilt


def draw_key_files(random: Random) -> dict[str, str]:
    files = dict(_KEYS)
    for _ in range(random.choice((1, 1, 2, 5))):
        name = random.choice(("0", "1", "2", "02", "-1", "0.tmp", "9" * 30, nonsense(random)))
        text = random.choice((*_KEYS.values(), "", nonsense(random), _KEYS["1"] + "\n"))
        files[name] = text if random.randrange(2) else mangle_text(random, text)
    return files


def read_with_key_files(files: dict[str, str]) -> TokenClaims:
    repository = KeyRepository(MemoryDirectory(files))
    return FernetProvider(keys=repository, randomness=bytes).read(_FERNET_TOKENS[0])


# JWS

_PAIR, _OTHER_PAIR = (create_key_pair(chance.Random(seed).randbytes) for seed in (1, 2))
_KEY, _FOREIGN_JWS_KEY = (load_pem_private_key(pair.private.encode(), None) for pair in (_PAIR, _OTHER_PAIR))
_TRUSTED = {"a.pem": _PAIR.public}


def jws_provider(private: str = _PAIR.private, public: dict[str, str] | None = None) -> JwsProvider:
    trusted = _TRUSTED if public is None else public
    return JwsProvider(private=MemoryDirectory({"private.pem": private}), public=MemoryDirectory(trusted))


_JWS = jws_provider()
_JWS_TOKENS = [_JWS.issue(claims) for claims in CLAIMS]


def sign_jws(payload: bytes, header: bytes = b'{"alg":"ES256","typ":"JWT"}', key: Any = _KEY) -> str:
    signed = f"{base64url.encode(header)}.{base64url.encode(payload)}"
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(SHA256(), deterministic_signing=True)))
    return f"{signed}.{base64url.encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def mangle_jws(random: Random, token: str) -> str:
    parts = token.split(".")
    which = random.randrange(3)
    parts[which] = mangle_base64(random, parts[which]).rstrip("=")
    return ".".join(parts)


def forge_jws(random: Random) -> str:
    """Name an algorithm in the token, and sign by it, by another one, or not at all; a few headers are rather odd."""
    algorithm = random.choice(("none", "None", "", "HS256", "RS256", "ES384", "ES512", "PS256", "EdDSA", None, [], 7))
    header = json.dumps({"alg": algorithm, "typ": "JWT", "kid": "../a.pem", "jwk": {}}).encode()
    payload = base64url.decode(random.choice(_JWS_TOKENS).split(".")[1])
    signed = f"{base64url.encode(header)}.{base64url.encode(payload)}"
    match random.randrange(6):
        case 0:
            return signed + "."
        case 1:
            return f"{signed}.{base64url.encode(hmac.digest(_PAIR.public.encode(), signed.encode(), hashlib.sha256))}"
        case 2:
            signature = AUTHORITY.key.sign(signed.encode(), padding.PKCS1v15(), SHA256())
            return f"{signed}.{base64url.encode(signature)}"
        case 3:
            return sign_jws(payload, key=_FOREIGN_JWS_KEY)
        case 4:
            return sign_jws(payload, random.choice((b"", b"[]", b"{}", b"7", b"\xff", b"[" * 20_000)))
        case _:
            return sign_jws(payload, header)


def draw_jws_payload(random: Random) -> str:
    payload = base64url.decode(random.choice(_JWS_TOKENS).split(".")[1])
    return sign_jws(spoil_json(random, payload))


def spoil_json(random: Random, text: bytes) -> bytes:
    """Spoil JSON as a text, or what it says."""
    match random.randrange(12):
        case 0 | 1 | 2:
            return mangle_bytes(random, text)
        case 3:
            return random.choice((b"[" * 5000, b'{"token":' * 3000, b"1" * 6000, b"\xff\xfe", b"", b'"\\ud800"'))
        case _:
            return json.dumps(mangle_value(random, json.loads(text))).encode()


def draw_pem(random: Random, pem: str) -> str:
    lines = pem.splitlines()
    if random.randrange(2):
        return mangle_text(random, pem)
    body = mangle_base64(random, "".join(lines[1:-1]), altchars=b"+/")
    label = random.choice(("PUBLIC KEY", "PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "CERTIFICATE", "X"))
    ends = (lines[0], lines[-1]) if random.randrange(2) else (f"-----BEGIN {label}-----", f"-----END {label}-----")
    return "\n".join((ends[0], body, ends[1], ""))


def read_with_public_keys(pem: str) -> TokenClaims:
    return jws_provider(public={"a.pem": pem, "b.pem": _PAIR.public}).read(_JWS_TOKENS[0], LATE)


def issue_with_private_key(pem: str) -> bool:
    return bool(jws_provider(private=pem).issue(CLAIMS[0]))


# UUID, PKI and PKIZ

# Short keys, as Folsom had them, sign four times as fast.
AUTHORITY, _FOREIGN_AUTHORITY = (create_authority(chance.Random(seed).randbytes, NOW, key_size=1024) for seed in (4, 5))
_BODIES = [json.dumps(bodies.render(claims)) for claims in CLAIMS]


def issue_all(provider: Any) -> list[str]:
    return [provider.issue(claims, body) for claims, body in zip(CLAIMS, _BODIES, strict=True)]


_UUID = UuidProvider(store=TokenStore(), randomness=chance.Random(1).randbytes)
_PKI, _PKIZ = (
    pki.PkiProvider(store=TokenStore(), authority=AUTHORITY, compress=compress) for compress in (False, True)
)
_UUID_TOKENS, _PKI_TOKENS, _PKIZ_TOKENS = map(issue_all, (_UUID, _PKI, _PKIZ))


def forge_with(write: Callable[[bytes], str]) -> Callable[[Random], str]:
    """Sign with a foreign key, or let a good signature stand under another body."""

    def forge(random: Random) -> str:
        body = random.choice(_BODIES).encode()
        if random.randrange(4) == 0:
            return write(_FOREIGN_AUTHORITY.sign(body))
        message = pki.read_message(random.choice(_PKI_TOKENS))
        return write(message.replace(b'"password"', b'"external"').replace(b"0123", b"3210"))

    return forge


def mangle_pki(random: Random, token: str) -> str:
    return mangle_base64(random, token, altchars=b"+-")


def mangle_pkiz(random: Random, token: str) -> str:
    """Spoil the compressed bytes, the PEM within, or the message within that."""
    match random.randrange(3):
        case 0:
            return mangle_base64(random, token, prefix=pki.PKIZ_PREFIX)
        case 1:
            return pki.write_pkiz(mangle_bytes(random, pki.read_message(token)))
        case _:
            return mangle_text(random, token)


def mangle_uuid(random: Random, token: str) -> str:
    return random.choice((token.upper(), f"{{{token}}}", token + random.choice(ODD_TEXTS), mangle_text(random, token)))


def verify(token: str) -> str:
    return pki.verify(token, AUTHORITY.trust, NOW)


# The revocation list

_REVOKED = [{"id": "a" * 32, "expires": "2023-11-14T23:13:20Z", "audit_id": "A" * 22}]
_REVOKED_JSON = json.dumps({"revoked": _REVOKED}).encode()
_LIST = pki.write_pem(AUTHORITY.sign(_REVOKED_JSON))
_FORGED_LIST = pki.write_pem(_FOREIGN_AUTHORITY.sign(_REVOKED_JSON))


def read_list(signed: str) -> tuple[pki.RevokedToken, ...]:
    entries = pki.read_revocation_list(signed, AUTHORITY.trust, NOW)
    for entry in entries:
        assert isinstance(entry.id, str)
        assert isinstance(entry.expires, int)
        assert entry.audit_id is None or isinstance(entry.audit_id, str)
    return entries


def draw_list(random: Random) -> str:
    match random.randrange(8):
        case 0:
            return _FORGED_LIST
        case 1 | 2:
            return pki.write_pem(mangle_bytes(random, AUTHORITY.sign(_REVOKED_JSON)))
        case _:
            return mangle_text(random, _LIST)


def draw_signed_list(random: Random) -> str:
    return pki.write_pem(AUTHORITY.sign(spoil_json(random, _REVOKED_JSON)))


# What people look into without validating it

_ALL_TOKENS = [*_FERNET_TOKENS, *_JWS_TOKENS, *_UUID_TOKENS, *_PKI_TOKENS[:2], *_PKIZ_TOKENS[:2]]


def look_into(token: str) -> bool:
    match unverified.recognize(token):
        case unverified.Format.JWS:
            unverified.read_jws(token)
        case unverified.Format.PKI | unverified.Format.PKIZ:
            unverified.read_signed_body(token)
    return True


def forge_anything(random: Random) -> str:
    return random.choice((forge_fernet, forge_jws, forge_with(pki.write_pki), forge_with(pki.write_pkiz)))(random)


_TRUE_CLAIMS = frozenset(CLAIMS)
DECODERS = {
    "fernet-token": Decoder(
        pick(_FERNET_TOKENS, forge_fernet, mangle_base64), _FERNET.read, (TokenNotRecognized,), _TRUE_CLAIMS
    ),
    "fernet-payload": Decoder(
        draw_payload, lambda payload: Payloads().unpack(payload, NOW), (TokenNotRecognized, PayloadMalformed)
    ),
    # A key whose first half alone is right vouches for a token, and may then open it to nonsense: 500, as in Keystone.
    "fernet-keys": Decoder(
        draw_key_files,
        read_with_key_files,
        (KeysUnusable, TokenNotRecognized, PayloadMalformed),
        frozenset(CLAIMS[:1]),
    ),
    "jws-token": Decoder(
        pick(_JWS_TOKENS, forge_jws, mangle_jws), lambda token: _JWS.read(token, LATE), (TokenNotFound,), _TRUE_CLAIMS
    ),
    "jws-payload": Decoder(
        draw_jws_payload, lambda token: _JWS.read(token, LATE), (PayloadMalformed, TokenFromTheFuture)
    ),
    "jws-public-key": Decoder(
        lambda random: draw_pem(random, _PAIR.public), read_with_public_keys, (KeysUnusable,), frozenset(CLAIMS[:1])
    ),
    "jws-private-key": Decoder(lambda random: draw_pem(random, _PAIR.private), issue_with_private_key, (KeysUnusable,)),
    "uuid-token": Decoder(pick(_UUID_TOKENS, nonsense, mangle_uuid), _UUID.read, (TokenNotFound,), _TRUE_CLAIMS),
    "pki-token": Decoder(
        pick(_PKI_TOKENS, forge_with(pki.write_pki), mangle_pki), verify, (TokenNotFound,), frozenset(_BODIES)
    ),
    "pkiz-token": Decoder(
        pick(_PKIZ_TOKENS, forge_with(pki.write_pkiz), mangle_pkiz), verify, (TokenNotFound,), frozenset(_BODIES)
    ),
    "pki-look-up": Decoder(
        pick(_PKI_TOKENS, forge_with(pki.write_pki), mangle_pki), _PKI.read, (TokenNotFound,), _TRUE_CLAIMS
    ),
    "body": Decoder(
        lambda random: spoil_json(random, random.choice(_BODIES).encode()), bodies.read, (PayloadMalformed,)
    ),
    "revocation-list": Decoder(draw_list, read_list, (TokenNotFound,), frozenset({read_list(_LIST)})),
    "signed-revocation-list": Decoder(draw_signed_list, read_list, (PayloadMalformed,)),
    "unverified": Decoder(
        pick(_ALL_TOKENS, forge_anything, lambda random, token: mangle_text(random, token)), look_into, (TokenNotFound,)
    ),
}
