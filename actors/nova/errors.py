"""What Nova says when it cannot, with the names of nova's `exception.py`."""

from actors.errors import Conflict


class UnexpectedTaskState(Conflict):
    """Somebody else changed what is being done to the server: 409."""


class UnexpectedDeletingTaskState(UnexpectedTaskState):
    """Somebody deletes the server."""
