"""PKI and PKIZ tokens: the whole body signed, so that each service can verify it alone.

As keystone's `token/providers/pki.py` and `pkiz.py` with keystoneclient's `common/cms.py`. The two texts are:

* PKI: the base64 of the message, with `-` for `/`. It is known by its start `MII`, which only messages of 256 to 16383
  bytes have; a longer one is taken for a UUID.
* PKIZ: `PKIZ_`, then the URL-safe base64 of the compressed PEM. (Compressing the DER would be shorter; it was meant.)

Keystone stores these tokens too, under a hash of their text, and looks them up rather than verify its own signature.
Services verify, and refuse what a signed revocation list names.
"""

import hashlib
import json
import re
import zlib
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from typing import Final, final

from attrs import field, frozen

from actors.keystone.tokens import body as bodies
from actors.keystone.tokens.authority import Authority
from actors.keystone.tokens.claims import TokenClaims
from actors.keystone.tokens.cms import Trust
from actors.keystone.tokens.errors import PayloadMalformed, TokenNotFound
from actors.keystone.tokens.store import StoredToken, TokenStore
from actors.keystone.tokens.uuid import stored

PKI_PREFIX: Final = "MII"
PKIZ_PREFIX: Final = "PKIZ_"
MAX_PEM_BYTES: Final = 1 << 20
"""A compressed token that grows beyond this is refused; Keystone knew no limit, and so no defence either."""
_COMPRESSION_LEVEL: Final = 6
_PEM: Final = re.compile(r"\s*-----BEGIN CMS-----\s([A-Za-z0-9+/=\s]*)-----END CMS-----\s*")


@final
@frozen(kw_only=True)
class PkiProvider:
    """Issues PKI or PKIZ tokens, and looks them up."""

    store: TokenStore
    authority: Authority
    compress: bool = False
    """Whether to issue PKIZ tokens; both are read."""
    hash_algorithm: str = "md5"
    """`[token] hash_algorithm`: what names a token in the store."""

    def issue(self, claims: TokenClaims, body: str, /) -> str:
        """Sign the body and store it. The same body gives the same token, which is then stored once."""
        write = write_pkiz if self.compress else write_pki
        token = write(self.authority.sign(body.encode()))
        self.store.insert(stored(token_id(token, self.hash_algorithm), claims, body))
        return token

    def read(self, token: str, _now: float = 0, /) -> TokenClaims:
        """Look a token up; its signature is not verified, and whether it has expired is for the caller to judge."""
        return bodies.read(self.store.get(token_id(token, self.hash_algorithm)).body)

    def revoke(self, token: str, /) -> None:
        """Flag the token's row, so that the revocation list names it until it expires."""
        self.store.revoke(token_id(token, self.hash_algorithm))


def verify(token: str, trust: Trust, now: float) -> str:
    """Return the body of a PKI or PKIZ token, as a service does without asking Keystone.

    Expiry and revocation are for the caller to judge.

    Args:
        token: A text that somebody sent.
        trust: The certificates that were fetched.
        now: Seconds since the epoch.

    Raises:
        TokenNotFound: It is neither, or the trusted certificate did not sign it.
    """
    return _decode(trust.verify(read_message(token), now))


def token_id(token: str, hash_algorithm: str = "md5") -> str:
    """Name a token in the store and on the revocation list: by a hash if it is a PKI or PKIZ token, else by itself."""
    if not token.startswith((PKI_PREFIX, PKIZ_PREFIX)):
        return token
    return hashlib.new(hash_algorithm, token.encode(errors="replace"), usedforsecurity=False).hexdigest()


def write_pki(message: bytes) -> str:
    """Write a signed message as the text of a PKI token."""
    return b64encode(message, b"+-").decode("ascii")


def write_pkiz(message: bytes) -> str:
    """Write a signed message as the text of a PKIZ token."""
    compressed = zlib.compress(write_pem(message).encode("ascii"), _COMPRESSION_LEVEL)
    return PKIZ_PREFIX + urlsafe_b64encode(compressed).decode("ascii")


def write_pem(message: bytes) -> str:
    """Write a signed message as OpenSSL does."""
    text = b64encode(message).decode("ascii")
    lines = (text[start : start + 64] for start in range(0, len(text), 64))
    return "\n".join(("-----BEGIN CMS-----", *lines, "-----END CMS-----", ""))


def read_message(token: str) -> bytes:
    """Read the signed message, not yet verified, from the text of a PKI or PKIZ token.

    Raises:
        TokenNotFound: It is neither.
    """
    try:
        if token.startswith(PKIZ_PREFIX):
            return _read_pem(_decompress(urlsafe_b64decode(token.removeprefix(PKIZ_PREFIX).encode("ascii"))))
        if token.startswith(PKI_PREFIX):
            return b64decode(token, b"+-", validate=True)
    except (ValueError, zlib.error):
        pass
    raise TokenNotFound(f"{len(token)} characters that are neither a PKI nor a PKIZ token")


def sign_revocation_list(revoked: Iterable[StoredToken], authority: Authority) -> str:
    """Sign the list of revoked tokens, as `GET /v3/auth/tokens/OS-PKI/revoked` answers it under `signed`."""
    entries = [
        {
            "id": token.id,
            "expires": bodies.format_time(token.expires),
            "audit_id": bodies.read(token.body).audit_id,
        }
        for token in revoked
    ]
    return write_pem(authority.sign(json.dumps({"revoked": entries}).encode()))


@frozen(kw_only=True)
class RevokedToken:
    """An entry of the revocation list."""

    id: str = field(repr=False)
    """The `token_id`: of a PKI token a hash, of a UUID token the token itself."""
    expires: int
    """Seconds since the epoch."""
    audit_id: str | None = None


def read_revocation_list(signed: str, trust: Trust, now: float) -> tuple[RevokedToken, ...]:
    """Verify and read a revocation list.

    Args:
        signed: What Keystone answered under `signed`.
        trust: The certificates that were fetched.
        now: Seconds since the epoch.

    Raises:
        TokenNotFound: The trusted certificate did not sign it.
        PayloadMalformed: It did, but that is no revocation list.
    """
    try:
        message = _read_pem(signed.encode("ascii"))
    except ValueError as error:
        raise TokenNotFound(f"{len(signed)} characters that are no signed revocation list") from error
    text = _decode(trust.verify(message, now))
    try:
        return tuple(
            RevokedToken(
                id=bodies.text(entry["id"]),
                expires=bodies.parse_time(entry["expires"]),
                audit_id=None if entry.get("audit_id") is None else bodies.text(entry["audit_id"]),
            )
            for entry in json.loads(text)["revoked"]
        )
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise PayloadMalformed(f"{len(text)} signed characters that are no revocation list: {error}") from error


def _decode(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise PayloadMalformed(f"{len(content)} signed bytes are not text: {error.reason}") from None


def _read_pem(pem: bytes) -> bytes:
    found = _PEM.fullmatch(pem.decode("ascii"))
    if not found:
        raise ValueError("not a CMS message in PEM")
    return b64decode("".join(found[1].split()), validate=True)


def _decompress(compressed: bytes) -> bytes:
    inflater = zlib.decompressobj()
    pem = inflater.decompress(compressed, MAX_PEM_BYTES)
    if not inflater.eof:
        raise ValueError(f"cut off, or more than {MAX_PEM_BYTES} bytes")
    return pem
