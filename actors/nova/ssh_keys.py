"""Keys in OpenSSH's formats (nova's `crypto.py`).

A new private key is written out here, and not by cryptography, whose serializer draws from the machine's chance: a run must be
a function of its seed.
"""

import base64
import hashlib
from random import Random
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from actors.nova.errors import InvalidKeypair

KIND: Final = b"ssh-ed25519"
COMMENT: Final = "Generated-by-Nova"
BLOCK: Final = 8
"""The private part is filled up to a multiple of so many bytes (OpenSSH's `PROTOCOL.key`)."""


def fingerprint(public_key: str) -> str:
    """MD5 of a public key, in pairs of hexadecimal digits.

    Raises:
        InvalidKeypair: if it is no public key.
    """
    try:
        load_ssh_public_key(public_key.encode())
        blob = base64.b64decode(public_key.split(" ")[1])
    except (ValueError, IndexError, NotImplementedError, UnsupportedAlgorithm) as error:
        raise InvalidKeypair("Keypair data is invalid: failed to generate fingerprint") from error
    return hashlib.md5(blob, usedforsecurity=False).digest().hex(":")


def generate(chance: Random) -> tuple[str, str]:
    """A new Ed25519 key, its private and its public half. Nova's are RSA, which take far longer to find."""
    seed, check = chance.randbytes(32), chance.randbytes(4)
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    blob = _string(KIND) + _string(public)
    private = check + check + blob + _string(seed + public) + _string(COMMENT.encode())
    private += bytes(range(1, -len(private) % BLOCK + 1))
    key = b"openssh-key-v1\0" + _string(b"none") * 2 + _string(b"") + (1).to_bytes(4) + _string(blob) + _string(private)
    text = base64.encodebytes(key).decode()
    pem = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}-----END OPENSSH PRIVATE KEY-----\n"
    return pem, f"{KIND.decode()} {base64.b64encode(blob).decode()} {COMMENT}"


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4) + data
