"""Finding circles of actors that wait for each other.

A message that is in hand waits for whatever that hand has asked for; a message that found every hand of its receiver busy
waits for one of them to be free. If each thing that a message waits for, and each that those wait for, is a wait
in its turn, none of them will ever end but by a deadline; and if the message itself is among them, it closed the circle.
"""

from bus.cell import Cell
from bus.envelope import Envelope


def cycle_through(envelope: Envelope) -> str | None:
    """The circle that *envelope* closes, as text: who waits for whom to answer what; None if it closes none.

    It is noted on each message of the circle, as nobody knows whose deadline comes first.
    """
    came_from: dict[int, Envelope] = {envelope.id: envelope}
    found = [envelope]
    last: Envelope | None = None
    for one in found:
        awaited = _awaited(one, envelope)
        if awaited is None:
            return None
        for other in awaited:
            if other.id == envelope.id:
                last = last or one
            elif other.id not in came_from:
                came_from[other.id] = one
                found.append(other)
    if last is None:  # it waits for a circle that was found before
        return None
    path = [last]
    while path[-1] is not envelope:
        path.append(came_from[path[-1].id])
    path.reverse()
    links = [
        f"{one.sender.name} waits for {one.address} to answer {type(one.message).__name__}"
        for one in path
        if one.sender
    ]
    text = ", ".join(links)
    for one in path:
        one.cycle = text
    return text


def _awaited(envelope: Envelope, newest: Envelope) -> list[Envelope] | None:
    """What the hands ask for on which *envelope* depends; None if one of them asks nobody, or is free.

    Args:
        envelope: the message.
        newest: what was sent just now, and its sender may not have noted yet that it waits for it.
    """
    receiver = envelope.receiver
    if not isinstance(receiver, Cell):
        return None
    hands = [worker for worker in receiver.workers if worker.envelope is not None]
    mine = [worker for worker in hands if worker.envelope is not None and worker.envelope.id == envelope.id]
    if not mine and len(hands) < receiver.concurrency:
        return None
    awaited: list[Envelope] = []
    for worker in mine or hands:
        asked = worker.asking
        if asked is None and worker.envelope is not None and worker.envelope.id == newest.causation:
            asked = newest
        if asked is None:
            return None
        awaited.append(asked)
    return awaited
