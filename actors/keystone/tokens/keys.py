"""The keys that seal and open Fernet tokens, as keystone's `common/fernet_utils.py` reads them from a folder.

A key is a file whose name is a whole number to Python's `int()`, so that `01` and `+7` are keys and `0.tmp` is none; of
two names for one number the later in alphabetical order counts. An empty file is passed over, as if it was not there;
any other file that holds no key makes every operation fail.

The highest number is the *primary* key, which seals; 0 is the *staged* one, which will be the next primary; the others
are *secondary*. All of them open tokens, and are tried from the highest number down.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from actors.keystone.tokens.cipher import Envelope, FernetKey
from actors.keystone.tokens.directory import Cached, Directory
from actors.keystone.tokens.errors import KeyMalformed, KeysNotFound, TokenNotRecognized

STAGED: Final = 0
"""The number of the key that will be the next primary."""


class Role(StrEnum):
    """What a key does. All of them open tokens."""

    PRIMARY = "primary"
    STAGED = "staged"
    SECONDARY = "secondary"


@frozen
class KeyRing:
    """The keys of one node at one moment."""

    keys: Mapping[int, FernetKey] = field(repr=False)
    """By number, highest first; never empty."""

    @classmethod
    def parse(cls, texts: Mapping[int, str]) -> "KeyRing":
        """Make keys of the texts of key files.

        Args:
            texts: By number. Who wants to see what a reader sees while a rotation is under way reads the files one by
                one and hands over what it found.

        Raises:
            KeysNotFound: There is no key.
            KeyMalformed: A text is not a key.
        """
        if not texts:
            raise KeysNotFound("the key repository holds no key; set it up, or copy it from another node")
        return cls({number: _parse_key(number, texts[number]) for number in sorted(texts, reverse=True)})

    @property
    def primary(self) -> int:
        """The number of the key that seals."""
        return next(iter(self.keys))

    def seal(self, payload: bytes, timestamp: int, iv: bytes) -> str:
        """Make a token of *payload* with the primary key; see `FernetKey.seal`."""
        return self.keys[self.primary].seal(payload, timestamp, iv)

    def open(self, envelope: Envelope) -> tuple[int, bytes]:
        """Open a token with the first key that can.

        Returns:
            The number of that key, and the payload.

        Raises:
            TokenNotRecognized: No key can.
        """
        for number, key in self.keys.items():
            payload = key.open(envelope)
            if payload is not None:
                return number, payload
        raise TokenNotRecognized(f"Could not recognize Fernet token: none of the keys {list(self.keys)} opens it")


class KeyRepository:
    """The keys in a folder, as they are at each moment."""

    def __init__(self, directory: Directory) -> None:
        """Read the keys in *directory*, now and whenever it changed."""
        self._ring = Cached(directory, read_key_ring)

    def ring(self) -> KeyRing:
        """Return the keys as they are now.

        Raises:
            KeysUnusable: One of its children; no token can be issued or read until an operator mends it.
        """
        return self._ring.get()

    def open(self, token: str) -> tuple[Envelope, bytes]:
        """Take a token apart and open it with the first key that can; a broken repository counts before a bad token.

        Returns:
            The envelope, and the payload.

        Raises:
            KeysUnusable: One of its children, as for `ring`.
            TokenNotRecognized: It is no Fernet token, or no key can.
        """
        return self._ring.use(lambda ring: _open(token, ring))


def read_key_ring(directory: Directory) -> KeyRing:
    """Read all keys in *directory*; a rotation between two files is not noticed, as in Keystone."""
    return KeyRing.parse({number: text for number, (_, text) in read_key_files(directory).items()})


def read_key_files(directory: Directory) -> dict[int, tuple[str, str]]:
    """Read name and text of each key file that is not empty, by number."""
    files: dict[int, tuple[str, str]] = {}
    for name in directory.names():
        number = key_number(name)
        if number is not None and (text := directory.read(name)):
            files[number] = name, text
    return files


def role(number: int, primary: int) -> Role:
    """Tell what a key does; a staged key that is alone is the primary one."""
    if number == primary:
        return Role.PRIMARY
    return Role.STAGED if number == STAGED else Role.SECONDARY


def key_number(name: str) -> int | None:
    """Read the number of a key from the name of its file; None if the file is no key."""
    try:
        return int(name)
    except ValueError:
        return None


def _open(token: str, ring: KeyRing) -> tuple[Envelope, bytes]:
    envelope = Envelope.parse(token)
    return envelope, ring.open(envelope)[1]


def _parse_key(number: int, text: str) -> FernetKey:
    try:
        return FernetKey(text)
    except ValueError:
        pass  # it may quote the key
    raise KeyMalformed(
        f"key file {number} of {len(text)} characters is no Fernet key, which has 44 of URL-safe base64; "
        "copy it from another node, or remove it"
    )
