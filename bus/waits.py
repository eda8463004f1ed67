"""Finding circles of actors that wait for each other.

An actor is stuck when each message it has in hand waits for an answer. A message that finds its receiver busy closes a
circle when one follows, from that receiver on, what its messages in hand wait for, and comes back to the sender.
"""

from bus.cell import Cell
from bus.envelope import Envelope


def cycle_through(envelope: Envelope) -> str | None:
    """The circle that *envelope* closes, as text: who waits for whom to answer what; None if it closes none."""
    path: list[Envelope] = [envelope]
    seen: set[int] = {envelope.id}
    start = envelope.sender
    receiver = envelope.receiver
    while isinstance(receiver, Cell) and receiver is not start:
        waiting = [worker.asking for worker in receiver.workers if worker.envelope is not None]
        if len(waiting) < receiver.concurrency or not all(waiting):
            return None
        step = waiting[0]
        if step is None or step.id in seen:
            return None
        seen.add(step.id)
        path.append(step)
        receiver = step.receiver
    if receiver is not start or start is None or not _is_stuck(start, envelope):
        return None
    links = [
        f"{one.sender.name} waits for {one.address} to answer {type(one.message).__name__}"
        for one in path
        if one.sender
    ]
    return ", ".join(links)


def _is_stuck(cell: Cell, with_envelope: Envelope) -> bool:
    """Whether all hands of *cell* wait for answers, the newest being for *with_envelope*."""
    busy = [worker for worker in cell.workers if worker.envelope is not None]
    idle_hands = [worker for worker in busy if worker.asking is None and with_envelope.cause is not worker.envelope]
    return len(busy) >= cell.concurrency and not idle_hands
