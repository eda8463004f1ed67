"""Which nova-computes are down, known without a look at each of them."""

from collections.abc import Mapping
from math import inf

from actors.nova.models import ComputeService


class Reports:
    """When each nova-compute reported last.

    All that were up at the last look have reported between two instants. As long as both are near enough to now, they still are
    up, and those that were down are down, unless one of these has reported since. A cloud of ten thousand hosts is looked at
    about once a minute, not once for each server.
    """

    def __init__(self) -> None:
        self._latest: dict[str, float] = {}
        self._down: dict[str, float] = {}
        self._between = (inf, -inf)
        self._looked_at = -inf

    def note(self, service: ComputeService) -> None:
        """Take notice of a report, or of a change; one that is disabled counts as down."""
        at = -inf if service.disabled else service.last_seen_up
        if at != self._latest.get(service.host):
            self._latest[service.host] = at
            first, last = self._between
            self._between = (-inf if service.host in self._down else min(first, at), max(last, at))

    def down(self, now: float, service_down_time: float) -> Mapping[str, float]:
        """The hosts whose nova-compute is disabled or down, and when they reported (nova's `servicegroup/drivers/db.py`).

        Args:
            now: seconds since 1970.
            service_down_time: seconds without a report after which it is down; so it is if it reports from as far in the future.
        """
        earliest, latest = now - service_down_time, now + service_down_time
        first, last = self._between
        if now < self._looked_at or first < earliest or last > latest:
            self._down = {host: at for host, at in self._latest.items() if not earliest <= at <= latest}
            up = [at for host, at in self._latest.items() if host not in self._down]
            ahead = any(at > latest for at in self._down.values())  # these come up by waiting alone
            self._between = (min(up, default=inf), inf if ahead else max(up, default=-inf))
            self._looked_at = now
        return self._down
