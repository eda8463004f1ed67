"""Setting up, rotating and distributing a repository of Fernet keys, one file operation at a time.

Each function here yields the file operations in the order in which keystone's `common/fernet_utils.py` does them.
Nothing happens until the caller applies a step, and the next step is decided only then: so a simulation can let other
nodes work, or this one die, between any two steps, and `run` simply does them all.

A rotation lists the keys, then

1. writes a new key to `0.tmp`,
2. renames `0` to the number above the highest: what was staged is now the primary key,
3. renames `0.tmp` to `0`,
4. removes the lowest numbers until `max_active_keys` files are left.

One that dies between 2 and 3 leaves no staged key, and the next one fails at 2. One that finds an empty staged file
promotes it all the same, and dies before 3.
"""

from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final, TypeAlias

from attrs import field, frozen

from actors.keystone.tokens.cipher import KEY_BYTES
from actors.keystone.tokens.directory import Directory
from actors.keystone.tokens.errors import KeysNotFound
from actors.keystone.tokens.keys import STAGED, key_number, read_key_files
from actors.keystone.tokens.randomness import Randomness

DEFAULT_MAX_ACTIVE_KEYS: Final = 3
"""`[fernet_tokens] max_active_keys`."""
_NEW: Final = "0.tmp"


class PushOrder(StrEnum):
    """In which order key files are copied to another node."""

    PRIMARY_FIRST = "primary_first"
    """Highest number first, as keystone's FAQ asks for: the other node can open all tokens at every moment."""
    ASCENDING = "ascending"
    """Staged key first: until the new primary arrives, the other node knows it under no name."""
    ATOMIC = "atomic"
    """A whole folder, moved into place."""


@frozen
class Write:
    """Create a file or replace its text."""

    name: str
    text: str = field(repr=False)

    def apply(self, directory: Directory) -> None:
        """Do it."""
        directory.write(self.name, self.text)


@frozen
class Rename:
    """Rename a file, over another one if need be."""

    old: str
    new: str

    def apply(self, directory: Directory) -> None:
        """Do it."""
        directory.rename(self.old, self.new)


@frozen
class Remove:
    """Remove a file."""

    name: str

    def apply(self, directory: Directory) -> None:
        """Do it."""
        directory.remove(self.name)


@frozen
class Replace:
    """Put a whole other folder in the place of this one."""

    files: Mapping[str, str] = field(repr=False)

    def apply(self, directory: Directory) -> None:
        """Do it."""
        directory.replace(self.files)


Step: TypeAlias = Write | Rename | Remove | Replace


def run(steps: Iterable[Step], directory: Directory) -> None:
    """Apply all *steps* to *directory*, with nothing in between."""
    for step in steps:
        step.apply(directory)


def new_key(randomness: Randomness) -> str:
    """Make the text of a key file: 44 characters, no newline."""
    return urlsafe_b64encode(randomness(KEY_BYTES)).decode("ascii")


def set_up(
    directory: Directory, randomness: Randomness, max_active_keys: int = DEFAULT_MAX_ACTIVE_KEYS
) -> Iterator[Step]:
    """Fill a new repository with a staged and a primary key; do nothing if there is a staged one."""
    directory.create()
    if str(STAGED) not in directory.names():
        yield Write(_NEW, new_key(randomness))
        yield Rename(_NEW, str(STAGED))
        yield from rotate(directory, randomness, max_active_keys)


def rotate(
    directory: Directory, randomness: Randomness, max_active_keys: int = DEFAULT_MAX_ACTIVE_KEYS
) -> Iterator[Step]:
    """Make the staged key the primary one, stage a new key, and drop the oldest.

    Args:
        directory: The repository; the steps must be applied to it as they come.
        randomness: Where the new key comes from.
        max_active_keys: How many files to keep, 1 or more; with 1, every rotation ends all tokens.

    Raises:
        KeysUnusable: One of its children: nothing to rotate, or a file is in the way; what was done by then stays done.
    """
    if max_active_keys < 1:
        raise ValueError(
            f"max_active_keys is {max_active_keys}; it must be 1 or more, and 3 or more for tokens to live"
        )
    names = {number: name for number, (name, _) in read_key_files(directory).items()}
    yield Write(_NEW, new_key(randomness))
    if not names:
        raise KeysNotFound("the key repository holds no key to rotate; set it up, or copy it from another node")
    primary = max(names) + 1
    yield Rename(str(STAGED), str(primary))
    if names.pop(STAGED, None) is None:
        raise KeysNotFound(
            f"the staged key was an empty file and is now key {primary}; remove it and rename {_NEW!r} to '0'"
        )
    names[primary] = str(primary)
    yield Rename(_NEW, str(STAGED))
    for number in sorted(names)[: max(0, len(names) + 1 - max_active_keys)]:
        yield Remove(names[number])


def distribute(source: Directory, target_names: Collection[str], order: PushOrder) -> Iterator[Step]:
    """Copy the key files of one node to another, file by file.

    Args:
        source: The repository that was rotated; each file is read when its turn comes.
        target_names: The names of the files that the other node has; those that the source lacks are removed last.
        order: Which file goes first.
    """
    names = {number: name for number, (name, _) in read_key_files(source).items()}
    if order is PushOrder.ATOMIC:
        yield Replace({name: source.read(name) for name in names.values()})
        return
    for number in sorted(names, reverse=order is PushOrder.PRIMARY_FIRST):
        yield Write(names[number], source.read(names[number]))
    for name in sorted(target_names):
        if key_number(name) is not None and name not in names.values():
            yield Remove(name)
