"""Telling Nova what happens to its servers' ports, as neutron's `notifiers/nova.py`: in batches, with Neutron's own account.

Only ports count whose `device_id` is a server's and whose `device_owner` says so. An event that Nova refuses, or does not
answer, is logged and lost; while nobody is there to take it, sending is tried for one second.
"""

from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

import anyio

from actors.calls import ApiRequest
from actors.errors import CloudError
from actors.ids import ServerId
from actors.neutron.batches import Batches
from actors.neutron.config import NeutronConfig
from actors.neutron.models import COMPUTE_OWNER, Port
from actors.neutron.states import NOVA_EVENTS, NovaEvent, PortStatus
from actors.nova.external_events import CreateExternalEvents, ExternalEvent
from bus.actor import Actor
from bus.errors import BusError, NoListener

R = TypeVar("R")

GIVE_UP_AFTER: Final = 1.0
"""Seconds for which sending is tried while nobody listens."""


class Session(Protocol):
    """Calls the cloud with Neutron's own account: `actors.client.session.Session` in real clouds."""

    async def ask(self, request: ApiRequest[R]) -> R:
        """Send *request* with a token of this account, which is renewed when it must be.

        Raises:
            CloudError: what the service answers.
        """
        ...


class NovaNotifier:
    """Tells Nova.

    Args:
        actor: for whom.
        config: what is told, and how often.
        session: Neutron's account with Nova.
        log: a logger.
    """

    def __init__(self, actor: Actor, config: NeutronConfig, session: Session, log: Any) -> None:
        self._config = config
        self._session = session
        self._log = log
        self._batches: Batches[ExternalEvent] = Batches(actor.start_soon, config.send_events_interval, self._send)

    @property
    def is_telling(self) -> bool:
        """Whether there is something that Nova has not been told yet, or has just been told."""
        return self._batches.sending

    def status_changed(self, port: Port, previous: PortStatus) -> None:
        """Tell of a port whose status was *previous*, if Nova wants to know."""
        event = NOVA_EVENTS.get((previous, port.status))
        if event is not None and self._config.notify_nova_on_port_status_changes:
            self._queue(port, event)

    def plugged_elsewhere(self, port: Port) -> None:
        """Tell of a port that was wired on a host on which it is not bound, as in a live migration."""
        if self._config.notify_nova_on_port_status_changes:
            self._queue(port, NovaEvent("network-vif-plugged", "completed"))

    def updated(self, port: Port) -> None:
        """Tell of a port that was changed by somebody."""
        if self._config.notify_nova_on_port_data_changes:
            self._queue(port, NovaEvent("network-changed", "completed"))

    def deleted(self, port: Port) -> None:
        """Tell of a port that was deleted."""
        if self._config.notify_nova_on_port_data_changes:
            self._queue(port, NovaEvent("network-vif-deleted", "completed"))

    def _queue(self, port: Port, event: NovaEvent) -> None:
        if is_servers(port):
            server = ServerId(port.device_id)
            self._batches.queue(ExternalEvent(name=event.name, server_uuid=server, tag=port.id, status=event.status))

    async def _send(self, events: list[ExternalEvent]) -> None:
        request = CreateExternalEvents(events=tuple(events))
        waited, wait = 0.0, 0.01
        while True:
            try:
                results = await self._session.ask(request)
            except NoListener as error:
                if waited >= GIVE_UP_AFTER:
                    self._log.warning("nova could not be told", events=len(events), error=repr(error))
                    return
                await anyio.sleep(wait)
                waited, wait = waited + wait, min(2 * wait, GIVE_UP_AFTER)
            except (BusError, CloudError) as error:
                self._log.warning("nova could not be told", events=len(events), error=repr(error))
                return
            else:
                for result in results:
                    if result.code != 200:
                        self._log.info("nova did not take an event", what=repr(result.event), code=result.code)
                return


def is_servers(port: Port) -> bool:
    """Whether a port is a server's."""
    if not port.device_owner.startswith(COMPUTE_OWNER):
        return False
    try:
        UUID(port.device_id)
    except ValueError:
        return False
    return True
