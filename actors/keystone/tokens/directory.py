"""A folder of small files, in memory or on disk, and what is made of them.

Keystone reads its key files anew on every operation, so that a rotation counts at once. `Cached` gives the same answers
without the reading: it keeps what was made of the files for as long as a watch on the folder sees no change. What is
seen when, see `watch`.
"""

import os
import shutil
import stat
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from attrs import define, field

from actors.keystone.tokens.errors import KeyFileMissing, KeysNotFound, KeysUnusable, TokenError
from actors.keystone.tokens.watch import DiskWatch, Watch

T = TypeVar("T")
R = TypeVar("R")


class Directory(Protocol):
    """A folder of small text files.

    Each operation is atomic except `replace`, but no two of them together are. Each raises `KeysNotFound` if the folder
    is missing or closed to us, `KeyFileMissing` if a file is not there, and `KeysUnusable` for other trouble.
    """

    def create(self) -> None:
        """Make the folder, for its owner alone, unless it is there."""
        ...

    def names(self) -> list[str]:
        """List the regular files, sorted."""
        ...

    def read(self, name: str) -> str:
        """Read a file; a byte that is not ASCII becomes a character that is not."""
        ...

    def write(self, name: str, text: str) -> None:
        """Create a file, for its owner alone, or replace its text."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Rename a file, over another one if need be."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file."""
        ...

    def replace(self, files: Mapping[str, str]) -> None:
        """Put a whole other folder, with the texts of *files* by name, in the place of this one."""
        ...

    def is_exposed(self) -> bool:
        """Tell whether every user of the machine may look into the folder, of which Keystone only warns."""
        ...

    def watch(self) -> Watch | None:
        """Begin to watch; None if the folder changed too recently for every further change to be told."""
        ...


class Cached(Generic[T]):
    """What `build` makes of a folder, made anew only when the folder may have changed."""

    _kept: T

    def __init__(self, directory: Directory, build: Callable[[Directory], T]) -> None:
        """Keep what *build* makes of *directory*, but no error that it raises."""
        self._directory = directory
        self._build = build
        self._watch: Watch | None = None

    def get(self, *, thorough: bool = False) -> T:
        """Return what *build* makes of the folder as it is now.

        Args:
            thorough: Look at every file; without it, one that was written in place may be seen a little later.
        """
        if self._watch is None or self._watch(thorough=thorough):
            self._watch = None
            watch = self._directory.watch()
            self._kept = self._build(self._directory)
            self._watch = watch
        return self._kept

    def use(self, use: Callable[[T], R]) -> R:
        """Return what *use* makes of it; a failure counts only after every file was looked at."""
        kept = self.get()
        try:
            return use(kept)
        except TokenError:
            fresh = self.get(thorough=True)
            if fresh is kept:
                raise
        return use(fresh)


@define(eq=False)
class MemoryDirectory:
    """A folder in memory, with the failures that a folder on disk can have."""

    _files: dict[str, str] = field(factory=dict[str, str], repr=False)
    exists: bool = True
    readable: bool = True
    writable: bool = True
    exposed: bool = False
    _changes: int = field(default=0, init=False)

    def create(self) -> None:
        """Make the folder unless it is there."""
        self.exists = True

    def names(self) -> list[str]:
        """List the files, sorted."""
        self._demand(may=self.readable)
        return sorted(self._files)

    def read(self, name: str) -> str:
        """Read a file."""
        self._demand(name, may=self.readable)
        return self._files[name]

    def write(self, name: str, text: str) -> None:
        """Create a file or replace its text."""
        self._demand(may=self.writable)
        self._files[name] = text
        self._changes += 1

    def rename(self, old: str, new: str) -> None:
        """Rename a file, over another one if need be."""
        self._demand(old, may=self.writable)
        self._files[new] = self._files.pop(old)
        self._changes += 1

    def remove(self, name: str) -> None:
        """Remove a file."""
        self._demand(name, may=self.writable)
        del self._files[name]
        self._changes += 1

    def replace(self, files: Mapping[str, str]) -> None:
        """Exchange all files at once."""
        self._files = dict(files)
        self._changes += 1

    def is_exposed(self) -> bool:
        """Tell whether every user of the machine may look into the folder."""
        return self.exposed

    def watch(self) -> Watch:
        """Begin to watch."""
        return partial(self._changed, self._state())

    def _changed(self, seen: tuple[int, bool, bool], *, thorough: bool = False) -> bool:
        return self._state() != seen

    def _state(self) -> tuple[int, bool, bool]:
        return self._changes, self.exists, self.readable

    def _demand(self, name: str | None = None, *, may: bool) -> None:
        if not self.exists or not may:
            raise KeysNotFound("the key repository in memory is missing or closed; create it, or open it to its reader")
        if name is not None and name not in self._files:
            raise _missing(name)


class DiskDirectory:
    """A folder on disk."""

    def __init__(self, path: Path, file_clock: Callable[[], int] | None = None) -> None:
        """Use the folder at *path*.

        Args:
            path: The folder; it need not exist yet.
            file_clock: Nanoseconds since the epoch of the clock that stamps the files, `time.time_ns` for a local disk.
                Without it files are read on every operation, as they must be on a disk of the network, which may answer
                with times that are no longer so.
        """
        self._path = path
        self._file_clock = file_clock

    def create(self) -> None:
        """Make the folder, with mode 0700, unless it is there."""
        with _as_typed_errors(str(self._path)):
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def names(self) -> list[str]:
        """List the regular files, sorted."""
        if not os.access(self._path, os.R_OK | os.X_OK):
            raise KeysNotFound(
                f"the key repository {self._path} does not exist or may not be read and entered; "
                "set it up, or give its owner the permissions r and x"
            )
        with _as_typed_errors(str(self._path)), os.scandir(self._path) as entries:
            return sorted(entry.name for entry in entries if entry.is_file())

    def read(self, name: str) -> str:
        """Read a file."""
        with _as_typed_errors(name):
            return (self._path / name).read_text(encoding="latin-1")

    def write(self, name: str, text: str) -> None:
        """Create a file with mode 0600, or replace its text; if the disk is full, nothing of it stays behind."""
        path = self._path / name
        with _as_typed_errors(name):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                with os.fdopen(descriptor, "w", encoding="latin-1") as file:
                    file.write(text)
            except OSError:
                path.unlink()
                raise

    def rename(self, old: str, new: str) -> None:
        """Rename a file, over another one if need be."""
        with _as_typed_errors(old):
            (self._path / old).replace(self._path / new)

    def remove(self, name: str) -> None:
        """Remove a file."""
        with _as_typed_errors(name):
            (self._path / name).unlink()

    def replace(self, files: Mapping[str, str]) -> None:
        """Write a new folder beside this one and rename it into place; between two renamings there is none."""
        new, old = (self._path.with_name(self._path.name + suffix) for suffix in (".new", ".old"))
        for leftover in (new, old):
            shutil.rmtree(leftover, ignore_errors=True)
        staging = DiskDirectory(new)
        staging.create()
        for name, text in files.items():
            staging.write(name, text)
        with _as_typed_errors(str(self._path)):
            self._path.rename(old)
            new.rename(self._path)
            shutil.rmtree(old)

    def is_exposed(self) -> bool:
        """Tell whether every user of the machine may look into the folder."""
        with _as_typed_errors(str(self._path)):
            return bool(self._path.stat().st_mode & (stat.S_IROTH | stat.S_IXOTH))

    def watch(self) -> Watch | None:
        """Begin to watch the folder and its files; None if one of them is too fresh, or the folder cannot be read."""
        if self._file_clock is None:
            return None
        now = self._file_clock()
        try:
            watch = DiskWatch(str(self._path), self.names)
        except (OSError, KeysUnusable):
            return None
        return watch if watch.is_sure(now) else None


@contextmanager
def _as_typed_errors(name: str) -> Generator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise _missing(name) from error
    except OSError as error:
        raise KeysUnusable(f"the key repository's {name} cannot be used: {error.strerror}") from error


def _missing(name: str) -> KeyFileMissing:
    return KeyFileMissing(
        f"the key repository has no file {name!r}: a rotation was cut short or another one is under way; "
        "copy the repository from another node, or set it up again"
    )
