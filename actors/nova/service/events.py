"""Waiting for what happens to a server outside of Nova (nova's `compute/manager.py: InstanceEvents`).

Who waits must say so before the thing can happen: an event for which nobody waits is thrown away.
"""

import anyio
import attrs

from actors.ids import ServerId

Key = tuple[str, str | None]
"""Name and tag of an event."""


@attrs.define(eq=False)
class Expected:
    """An event that somebody waits for."""

    happened: anyio.Event = attrs.field(factory=anyio.Event)
    status: str | None = None
    """What it said; None if it was given up, because the server is deleted."""


class InstanceEvents:
    """Who waits for what, in the memory of one nova-compute."""

    def __init__(self) -> None:
        self._expected: dict[ServerId, dict[Key, Expected]] = {}

    def expect(self, server: ServerId, keys: list[Key]) -> list[Expected]:
        """Wait for these from now on."""
        mine = self._expected.setdefault(server, {})
        for key in keys:
            mine[key] = Expected()
        return [mine[key] for key in keys]

    def forget(self, server: ServerId, keys: list[Key]) -> None:
        """Wait for them no longer."""
        mine = self._expected.get(server, {})
        for key in keys:
            mine.pop(key, None)
        if not mine:
            self._expected.pop(server, None)

    def happened(self, server: ServerId, key: Key, status: str) -> bool:
        """Tell who waits for it. False if nobody does."""
        expected = self._expected.get(server, {}).pop(key, None)
        if expected is None:
            return False
        expected.status = status
        expected.happened.set()
        return True

    def give_up(self, server: ServerId) -> None:
        """Let all who wait for something of a server go on, in vain."""
        for expected in self._expected.pop(server, {}).values():
            expected.happened.set()
