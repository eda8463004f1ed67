"""Subjects: dotted words under which events are published, and the patterns that listen to them.

In a pattern `*` stands for exactly one word and `>`, as its last word, for one or more words (NATS's rules). Patterns live
in a tree with one level a word, so that a look-up walks the words of the subject, whatever the number of patterns; what it
found is remembered until the next change.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar

from bus.errors import InvalidSubject

T = TypeVar("T")

REMEMBERED = 10_000
"""Subjects whose matches are remembered at most; then all are forgotten and found again."""


def words_of(subject: str, *, pattern: bool) -> list[str]:
    """Split *subject* into its words.

    Raises:
        InvalidSubject: if a word is empty, `>` is not the last word, or a wildcard stands in a subject to publish to.
    """
    if not subject:
        msg = "an event needs a subject: set `subject` on its class, or pass `subject=`"
        raise InvalidSubject(msg)
    words = subject.split(".")
    if not all(words):
        msg = f"{subject!r} has an empty word: subjects are words with single dots between them"
        raise InvalidSubject(msg)
    if not pattern and ("*" in words or ">" in words):
        msg = f"cannot publish to {subject!r}: wildcards are for listeners"
        raise InvalidSubject(msg)
    if ">" in words[:-1]:
        msg = f"{subject!r}: '>' stands for all the rest, so it must be the last word"
        raise InvalidSubject(msg)
    return words


class _Node(Generic[T]):
    __slots__ = ("children", "values")

    def __init__(self) -> None:
        self.children: dict[str, _Node[T]] = {}
        self.values: list[T] = []


class Subjects(Generic[T]):
    """Values filed under patterns, found by subject, in the order in which they were filed."""

    def __init__(self) -> None:
        self._root: _Node[tuple[int, T]] = _Node()
        self._order = 0
        self._remembered: dict[str, tuple[T, ...]] = {}

    def add(self, pattern: str, value: T) -> None:
        """File *value* under *pattern*.

        Raises:
            InvalidSubject: if *pattern* is none.
        """
        node = self._root
        for word in words_of(pattern, pattern=True):
            node = node.children.setdefault(word, _Node())
        self._order += 1
        node.values.append((self._order, value))
        self._remembered.clear()

    def remove(self, pattern: str, value: T) -> None:
        """Take *value* away from *pattern*; the branches that held it alone go too."""
        path = [self._root]
        words = words_of(pattern, pattern=True)
        for word in words:
            path.append(path[-1].children[word])
        path[-1].values[:] = [filed for filed in path[-1].values if filed[1] is not value]
        for parent, word in zip(path[-2::-1], reversed(words), strict=True):
            child = parent.children[word]
            if child.values or child.children:
                break
            del parent.children[word]
        self._remembered.clear()

    def match(self, subject: str) -> tuple[T, ...]:
        """Find every value whose pattern matches *subject*, once, however many of its patterns do.

        Raises:
            InvalidSubject: if *subject* holds a wildcard or an empty word.
        """
        found = self._remembered.get(subject)
        if found is None:
            hits = sorted(self._walk(self._root, words_of(subject, pattern=False), 0), key=lambda hit: hit[0])
            found = tuple(dict.fromkeys(value for _, value in hits))
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            self._remembered[subject] = found
        return found

    def _walk(self, node: _Node[tuple[int, T]], words: list[str], depth: int) -> Iterator[tuple[int, T]]:
        if depth == len(words):
            yield from node.values
            return
        for word in (words[depth], "*"):
            if (child := node.children.get(word)) is not None:
                yield from self._walk(child, words, depth + 1)
        if (rest := node.children.get(">")) is not None:
            yield from rest.values
