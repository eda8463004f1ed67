"""Writes down what another scheduler answered, as deviations from the calm run that lead to exactly the same run."""

from collections.abc import Callable, Sequence
from random import Random

from bus.sim.handle import Entry
from bus.sim.schedule import Deviation
from bus.sim.scheduler import Scheduler

DRAWS = 20


class Record:
    """Passes every question on to *inner* and keeps the answers."""

    calm = False

    def __init__(self, inner: Scheduler) -> None:
        self.longest: dict[tuple[str, int], int] = {}
        """By how many microseconds each message might at most have been late, as far as some draws show."""
        self._chance = Random("longest")
        self._inner = inner
        self._answers: list[Deviation] = []
        self._steps = 0
        self._arrivals: list[tuple[str, int, int]] = []  # lane, its count, and the steps gone when it became ready
        self._went: dict[int, int] = {}  # arrival -> the step at which it went
        self._waiting: dict[int, int] = {}  # id of a entry that is ready -> its arrival

    def push(self, entry: Entry) -> None:
        """Note that the step is ready."""
        lane = entry[3]
        lane.count += 1
        self._waiting[id(entry)] = len(self._arrivals)
        self._arrivals.append((lane.label, lane.count, self._steps))
        self._inner.push(entry)

    def pop(self) -> Entry:
        """Note that the step goes."""
        self._steps += 1
        entry = self._inner.pop()
        self._went[self._waiting.pop(id(entry))] = self._steps
        return entry

    def __len__(self) -> int:
        return len(self._inner)

    def late(self, lane: str, n: int, nominal: int, draw: Callable[[Random], int] | None, aims: Sequence[int]) -> int:
        """Note how late."""
        value = self._note("late", lane, n, self._inner.late(lane, n, nominal, draw, aims))
        if draw is not None:
            self.longest[lane, n] = max(value, *(draw(self._chance) - nominal for _ in range(DRAWS)))
        return value

    def pick(self, lane: str, n: int, count: int) -> int:
        """Note which member."""
        return self._note("pick", lane, n, self._inner.pick(lane, n, count))

    def fault(self, lane: str, n: int, probability: float) -> bool:
        """Note whether it struck, unless that was certain."""
        struck = self._inner.fault(lane, n, probability)
        if probability < 1:
            self._note("fault", lane, n, int(struck))
        return struck

    def deviations(self) -> tuple[Deviation, ...]:
        """All answers so far that were not the calm ones.

        A step that another one overtook, which had become ready later, was held for as many steps as it took to go. Steps
        that never went were held past the end.
        """
        found = list(self._answers)
        end = self._steps + 1
        earliest = end
        holds: list[Deviation] = []
        for arrival in range(len(self._arrivals) - 1, -1, -1):
            lane, count, ready = self._arrivals[arrival]
            went = self._went.get(arrival, end)
            if went > earliest:
                holds.append(Deviation("hold", lane, count, went - ready))
            earliest = min(earliest, went)
        return (*reversed(holds), *found)

    def _note(self, kind: str, lane: str, n: int, value: int) -> int:
        if value:
            self._answers.append(Deviation(kind, lane, n, value))
        return value
