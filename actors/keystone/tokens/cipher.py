"""One Fernet key, and tokens sealed and opened with it.

The envelope is that of cryptography's `fernet.py`, with the trailing `=` cut off as keystone's
`token/token_formatters.py` does:

    0x80 | timestamp (8 bytes, big endian, unsigned seconds) | iv (16) | AES-128-CBC, PKCS7 padded | HMAC-SHA256 (32)

It is built here from the same primitives, because Fernet draws its initialization vector itself, reads it from no
argument, and takes a token's text apart again for each key that is tried.
"""

from base64 import urlsafe_b64decode
from hmac import compare_digest
from typing import Final, final

from attrs import field, frozen
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from actors.keystone.tokens import base64url
from actors.keystone.tokens.errors import TokenNotRecognized

IV_BYTES: Final = 16
KEY_BYTES: Final = 32
_VERSION: Final = b"\x80"
_TIMESTAMP: Final = slice(1, 9)
_IV: Final = slice(9, 25)
_CIPHERTEXT: Final = slice(25, -32)
_SIGNED: Final = slice(-32)
_SIGNATURE: Final = slice(-32, None)
_PADDINGS: Final = [bytes([length]) * length for length in range(IV_BYTES + 1)]


@frozen
class Envelope:
    """A token's text taken apart, not yet verified."""

    data: bytes = field(repr=False)

    @classmethod
    def parse(cls, token: str) -> "Envelope":
        """Take *token* apart, as leniently as Keystone does.

        Padding may be there or not, and characters that are no base64 are passed over: so many texts are one token.

        Raises:
            TokenNotRecognized: It is not base64, or not Fernet's.
        """
        try:
            data = base64url.decode(token)
        except ValueError:
            data = b""
        if data[:1] != _VERSION:
            raise TokenNotRecognized(
                f"Could not recognize Fernet token: {len(token)} characters that are no Fernet envelope"
            )
        return cls(data)

    @property
    def timestamp(self) -> int:
        """Seconds since the epoch at which the token was sealed; Keystone's `issued_at`."""
        return int.from_bytes(self.data[_TIMESTAMP])


@final
class FernetKey:
    """A key that seals payloads into tokens and opens them; it never shows itself."""

    __slots__ = ("_aes", "_signer")

    def __init__(self, text: str) -> None:
        """Read a key as Fernet does.

        Args:
            text: 32 bytes in URL-safe base64; characters outside its alphabet, such as a newline, are passed over.

        Raises:
            ValueError: It is anything else.
        """
        key = urlsafe_b64decode(text)
        if len(key) != KEY_BYTES:
            raise ValueError(f"a Fernet key is {KEY_BYTES} bytes in URL-safe base64, not {len(key)}")
        self._signer = HMAC(key[:16], SHA256())  # copied for each token, which is faster than a new one
        self._aes = algorithms.AES(key[16:])

    def seal(self, payload: bytes, timestamp: int, iv: bytes) -> str:
        """Encrypt and sign *payload*.

        Args:
            payload: Any bytes.
            timestamp: Seconds since the epoch, 0 or later.
            iv: 16 bytes that were never used with this key before.
        """
        padded = payload + _PADDINGS[IV_BYTES - len(payload) % IV_BYTES]
        encryptor = Cipher(self._aes, modes.CBC(iv)).encryptor()
        signed = _VERSION + timestamp.to_bytes(8) + iv + encryptor.update(padded) + encryptor.finalize()
        return base64url.encode(signed + self._sign(signed))

    def open(self, envelope: Envelope) -> bytes | None:
        """Decrypt what this key sealed, or return None if another key did (or none at all)."""
        data = envelope.data
        if not compare_digest(self._sign(data[_SIGNED]), data[_SIGNATURE]):
            return None
        decryptor = Cipher(self._aes, modes.CBC(data[_IV])).decryptor()
        try:
            padded = decryptor.update(data[_CIPHERTEXT]) + decryptor.finalize()
        except ValueError:
            return None  # not a whole number of blocks
        padding = padded[-1] if padded else 0
        if not 1 <= padding <= IV_BYTES or not padded.endswith(_PADDINGS[padding]):
            return None
        return padded[:-padding]

    def _sign(self, signed: bytes) -> bytes:
        signer = self._signer.copy()
        signer.update(signed)
        return signer.finalize()
