"""The ports of a server that is being built, as something to wait for."""

from collections.abc import Awaitable, Callable

import anyio

from actors.errors import CloudError
from actors.nova.models import Vif
from bus.errors import BusError


class NetworkTask:
    """The allocation of a server's ports, going on beside the making of its disks (nova's `NetworkInfoAsyncWrapper`).

    Attributes:
        allocated: whether there are ports, which an attempt on another host would find.
    """

    def __init__(self, *, allocated: bool) -> None:
        self.allocated = allocated
        self._done = anyio.Event()
        self._vifs: tuple[Vif, ...] = ()
        self._error: CloudError | BusError | None = None

    async def run(self, allocate: Callable[[], Awaitable[tuple[Vif, ...]]]) -> None:
        """Do it."""
        try:
            self._vifs = await allocate()
            self.allocated = True
        except (CloudError, BusError) as error:
            self._error = error
        finally:
            self._done.set()

    def finish(self, vifs: tuple[Vif, ...]) -> None:
        """It is done already."""
        self._vifs = vifs
        self._done.set()

    async def wait(self) -> tuple[Vif, ...]:
        """The ports, or what went wrong, as soon as it is over."""
        await self._done.wait()
        if self._error is not None:
            raise self._error
        return self._vifs

    async def settled(self) -> tuple[Vif, ...]:
        """The ports as soon as it is over; none if it went wrong."""
        await self._done.wait()
        return self._vifs
