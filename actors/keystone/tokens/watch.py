"""Whether a folder on disk changed, told without reading its files.

A watch compares inode-change times, which every change moves on and which nobody can set back: the folder's
own, and those of `FILES_AT_ONCE` of its files, each time the next ones. So an operation costs the same however many
keys there are. What is seen when:

* A file that is created, renamed or removed, and another folder in the place of this one, changes the folder: the next
  operation sees it. That is how keys are rotated, and how rsync, Ansible, Puppet and Kubernetes bring them.
* A file that is written in place, as by `scp` or an editor, changes itself alone. Of at most `FILES_AT_ONCE` files
  the next operation sees that too, of n files one of the next n / `FILES_AT_ONCE`. Whatever fails before that is
  tried again with all files looked at (`Cached.use`): so nothing is refused for a change that was not seen yet; a key
  that was overwritten may be used for these few operations, which in Keystone it would not.

The times move in ticks, so a second change within the tick of the first would go unseen. Therefore a watch begins only
if all times were `GRANULARITY` old already, by the clock that stamps the files: a folder that changed more recently is
read anew on every operation, as Keystone does always. A watch begins before the reading, so a change in the midst of it
is a change.
"""

import os
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Final, Protocol

FILES_AT_ONCE: Final = 3
"""Files that an operation looks at, beside the folder itself; by default Keystone keeps three keys."""

GRANULARITY: Final = 2_000_000_000
"""Nanoseconds; no file system in use stamps its files more coarsely."""


class Watch(Protocol):
    """Tells whether a folder changed since the watch began, or may have: then it is of no use any more."""

    def __call__(self, *, thorough: bool = False) -> bool:
        """Look at the folder and a few files, or at all of them if *thorough*."""
        ...


class DiskWatch:
    """A watch on a folder on disk."""

    def __init__(self, folder: str, names: Callable[[], Sequence[str]]) -> None:
        """Begin to watch the folder, and the files in it that *names* lists; OSError if one cannot be looked at."""
        stat = os.stat
        status = stat(folder)
        self._folder = folder
        self._seen = status.st_ctime_ns, status.st_ino, status.st_dev
        self._files = [(path, stat(path).st_ctime_ns) for path in [f"{folder}/{name}" for name in names()]]
        starts = range(0, len(self._files), FILES_AT_ONCE)
        self._turns = cycle([self._files[start : start + FILES_AT_ONCE] for start in starts] or [[]])

    def is_sure(self, now: int) -> bool:
        """Tell whether every further change will be seen, *now* being nanoseconds by the clock that stamps the files."""
        return max([self._seen[0], *[time for _, time in self._files]]) <= now - GRANULARITY

    def __call__(self, *, thorough: bool = False) -> bool:
        """Look at the folder and the next few files, or at all of them if *thorough*."""
        stat = os.stat  # this is on the way of every token, so it calls nothing else
        try:
            folder = stat(self._folder)
            if (folder.st_ctime_ns, folder.st_ino, folder.st_dev) != self._seen:
                return True
            for path, time in self._files if thorough else next(self._turns):
                if stat(path).st_ctime_ns != time:
                    return True
        except OSError:
            return True
        return False
