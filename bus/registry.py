"""Who is registered on a bus, under which address, and who listens to what."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bus.errors import InvalidTarget, NoListener, NotRunning, UsageError
from bus.message import Event
from bus.subject import Subjects, words_of
from bus.topic import Target

if TYPE_CHECKING:
    from bus.cell import Cell

SHOWN = 10
"""Names that an error message lists at most."""


class Members:
    """The actors that share a topic, or the receivers that share a group; they take turns."""

    __slots__ = ("cells", "name", "numbered", "turn")

    def __init__(self, name: str, *cells: "Cell") -> None:
        self.name = name
        self.cells: list[Cell] = list(cells)
        self.turn = -1
        self.numbered = 0


class Registry:
    """Actors by address and topic, and listeners by subject.

    Args:
        choose: which of so many members of a topic or group takes the next message, counted from whose turn it is.
    """

    def __init__(self, choose: "Callable[[str, int], int] | None") -> None:
        self.cells: dict[str, Cell] = {}
        self._choose = choose
        self._topics: dict[str, Members] = {}
        self._subjects: Subjects[Members] = Subjects()
        self._groups: dict[tuple[str, str], Members] = {}
        self._subscriptions: dict[Cell, list[tuple[str, Members]]] = {}

    # -- coming and going ----------------------------------------------------------------------------------------------

    def address(self, topic: str, server: str | None) -> Target:
        """A free address in *topic*: with the next number for a name, if *server* is None.

        Raises:
            UsageError: if the address is taken.
        """
        members = self._topics.get(topic)
        if members is None:
            members = self._topics[topic] = Members(topic)
        if server is None:
            members.numbered += 1
            while f"{topic}.{members.numbered}" in self.cells:
                members.numbered += 1
            server = str(members.numbered)
        target = Target(topic, server)
        if str(target) in self.cells:
            msg = f"{target} is taken: start it under another server name, or stop the other one first"
            raise UsageError(msg)
        return target

    def add(self, cell: "Cell", group: str | None) -> None:
        """Register *cell* under its address, and subscribe it to the events that it handles.

        Raises:
            InvalidSubject: if an event's subject is none; nothing is changed then.
        """
        patterns: dict[str, None] = {}
        for kind, handler in cell.handlers.items():
            if issubclass(kind, Event) and kind.subject and not handler.inherited:
                words_of(kind.subject, pattern=True)
                patterns[kind.subject] = None
        self.cells[cell.name] = cell
        self._topics[cell.target.topic].cells.append(cell)
        own = Members(cell.name, cell)
        for pattern in patterns:
            members = own
            if group is not None:
                members = self._groups.setdefault((group, pattern), Members(group))
                members.cells.append(cell)
            if len(members.cells) == 1:
                self._subjects.add(pattern, members)
            self._subscriptions.setdefault(cell, []).append((pattern, members))

    def remove(self, cell: "Cell") -> bool:
        """Forget *cell*. False if it was not registered."""
        if self.cells.pop(cell.name, None) is None:
            return False
        _take_out(self._topics[cell.target.topic].cells, cell)
        for pattern, members in self._subscriptions.pop(cell, ()):
            if len(members.cells) > 1:
                _take_out(members.cells, cell)
            else:
                members.cells.clear()
                self._subjects.remove(pattern, members)
        return True

    def listen(self, pattern: str, listener: Any) -> Members:
        """Have *listener* get a copy of every event that matches *pattern*; what is returned ends it, given to `unlisten`."""
        members = Members(pattern, listener)
        self._subjects.add(pattern, members)
        return members

    def unlisten(self, members: Members) -> None:
        """End what `listen` began."""
        self._subjects.remove(members.name, members)

    # -- finding -------------------------------------------------------------------------------------------------------

    def cell(self, target: Target) -> "Cell":
        """The actor at *target*.

        Raises:
            NotRunning: if there is none.
        """
        try:
            return self.cells[str(target)]
        except KeyError:
            msg = f"no actor at {target}; members of {target.topic!r}: {self._names(target.topic)}"
            raise NotRunning(msg) from None

    def members(self, topic: str) -> "tuple[Cell, ...]":
        """The members of *topic*, in the order in which they were started."""
        members = self._topics.get(topic)
        return () if members is None else tuple(members.cells)

    def receiver(self, message: Any, to: Target | str | None) -> "Cell":
        """The one actor that gets *message*.

        Raises:
            NoListener: if there is none.
            InvalidTarget: if *to* means everybody, or neither it nor the message names a topic.
        """
        if isinstance(to, Target):
            if to.server is not None:
                return self._server(to)
            if to.fanout:
                msg = f"cannot ask everybody: tell {to}, or ask one member"
                raise InvalidTarget(msg)
            to = to.topic
        topic: str = getattr(message, "topic", "") if to is None else to
        members = self._topics.get(topic)
        if members is None or not members.cells:
            if not topic:
                msg = f"{type(message).__name__} has no topic: pass `to=`, or set `topic` on the class of a request"
                raise InvalidTarget(msg)
            msg = f"nobody listens on {topic!r} for {type(message).__name__}; topics in use: {self._names(None)}"
            if topic in self.cells:
                msg += f"; for that one actor, send it to {self.cells[topic].target!r}"
            raise NoListener(msg)
        return members.cells[0] if len(members.cells) == 1 else self.choose(members)

    def listeners(self, subject: str) -> tuple[Members, ...]:
        """The groups, and the single listeners, that get a copy of what is published to *subject*."""
        return self._subjects.match(subject)

    def choose(self, members: Members) -> "Cell":
        """Whose turn it is among those that are up (or, if none is, among all: its mailbox keeps the message)."""
        cells = [cell for cell in members.cells if cell.is_up] or members.cells
        members.turn += 1
        offset = 0 if self._choose is None else self._choose(members.name, len(cells))
        return cells[(members.turn + offset) % len(cells)]

    def _server(self, target: Target) -> "Cell":
        cell = self.cells.get(str(target))
        if cell is None:
            msg = f"nobody is registered as {target}; members of {target.topic!r}: {self._names(target.topic)}"
            raise NoListener(msg)
        return cell

    def _names(self, topic: str | None) -> str:
        if topic is None:
            names = [name for name, members in self._topics.items() if members.cells]
        else:
            names = [cell.name for cell in self.members(topic)]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        return (", ".join(names[:SHOWN]) + more) or "none"


def _take_out(cells: "list[Cell]", cell: "Cell") -> None:
    """Remove *cell*; a bus that closes ends the last one first, and then this takes no search."""
    if cells[-1] is cell:
        cells.pop()
    else:
        cells.remove(cell)
