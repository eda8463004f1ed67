"""nova-api: what other services tell of servers (nova's `compute/api.py: external_instance_event`)."""

from typing import Final

from actors.ids import ServerId
from actors.nova.external_events import CreateExternalEvents, ExternalEvent, ExternalEventResult
from actors.nova.models import Instance
from actors.nova.rpc import ExternalInstanceEvent, compute
from actors.nova.service.base import NovaService
from actors.nova.service.moves import under_way
from actors.nova.states import TaskState
from actors.service import request_context

KNOWN: Final = (
    "network-changed", "network-vif-plugged", "network-vif-unplugged", "network-vif-deleted", "volume-extended",
)  # fmt: skip


class ExternalEvents(NovaService):
    """Part of nova-api."""

    @CreateExternalEvents.handler
    async def create_external_events(self, msg: CreateExternalEvents) -> tuple[ExternalEventResult, ...]:
        """Judge each by itself, and pass on what is good, all of one host in one message."""
        for_host: dict[str, list[ExternalEvent]] = {}
        results: list[ExternalEventResult] = []
        for event in msg.events:
            hosts = self._hosts(event.server_uuid)
            code = 400 if event.name not in KNOWN else 404 if hosts is None else 422 if not hosts else 200
            results.append(ExternalEventResult(event=event, code=code))
            if code == 200 and hosts is not None:
                for host in hosts:
                    for_host.setdefault(host, []).append(event)
        for host, events in for_host.items():
            message = ExternalInstanceEvent(events=tuple(events))
            await self.bus.tell(message, to=compute(host), context=request_context())
        return tuple(results)

    def _hosts(self, server: ServerId) -> tuple[str, ...] | None:
        """The hosts that must hear of a server: none before it has one, both while it moves; None for no such server."""
        instance: Instance | None = self.store.instances.get(server)
        if instance is None:
            return () if server in self.store.build_requests else None
        if instance.host is None:
            return ()
        if instance.task_state is not TaskState.MIGRATING:
            return (instance.host,)
        others = (row.dest_compute for row in under_way(self, server) if row.dest_compute)
        return (instance.host, *others)
