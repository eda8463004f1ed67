"""Keystone's own memory of tokens that it has read: dogpile's region ``tokens``, filled at issue and at validation.

What is remembered is what a token says and refers to. Whether it is expired or revoked, or its user disabled, is looked at each
time, and whatever changes what tokens give drops all that is remembered. What remains: a token whose key is gone is read, and a
trust whose uses are used up counts, for as long as they are remembered (keystone's `token/provider.py`).
"""

from actors.keystone.validation import Minted


class TokensRegion:
    """Tokens by their text. Members that are given the same one share it, as with memcached.

    Args:
        seconds: how long a token is remembered (`[cache] expiration_time`); 0 for not at all, as `dogpile.cache.null` does.
    """

    def __init__(self, seconds: float = 600) -> None:
        self._seconds = seconds
        self._entries: dict[str, tuple[float, Minted]] = {}

    def get(self, text: str, now: float) -> Minted | None:
        """What is remembered at *now*, in seconds since 1970."""
        while self._entries and (oldest := next(iter(self._entries.items())))[1][0] <= now:
            del self._entries[oldest[0]]
        entry = self._entries.get(text)
        return None if entry is None else entry[1]

    def put(self, text: str, minted: Minted, now: float) -> None:
        """Remember a token."""
        if self._seconds > 0:
            self._entries.pop(text, None)
            self._entries[text] = (now + self._seconds, minted)

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()
