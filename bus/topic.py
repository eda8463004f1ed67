"""Where a message goes: one member of a topic, one server of it, or all of them.

The words are oslo.messaging's: a *topic* is what a service listens on, a *server* is one member of it, *fanout* means
every member. `Target("compute")` reaches one member, `Target("compute", server="host1")` that one,
`Target("compute", fanout=True)` all.
"""

import attrs

from bus.errors import InvalidTarget


@attrs.frozen
class Target:
    """An address on the bus.

    Attributes:
        topic: the name that the members of a service share.
        server: the name of one member; None for any one of them.
        fanout: every member gets a copy. Excludes *server*.
    """

    topic: str
    server: str | None = None
    fanout: bool = False

    def __attrs_post_init__(self) -> None:
        if not self.topic:
            msg = "a target needs a topic: set `topic` on the message class, or pass `to=`"
            raise InvalidTarget(msg)
        if self.fanout and self.server is not None:
            msg = f"fanout reaches every member of {self.topic!r}: leave out server={self.server!r}"
            raise InvalidTarget(msg)

    def __str__(self) -> str:
        if self.fanout:
            return f"{self.topic}.*"
        return self.topic if self.server is None else f"{self.topic}.{self.server}"
