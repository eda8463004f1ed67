"""nova-api: Nova's own services and hypervisors (nova's `services.py` and `hypervisors.py` in `api/openstack/compute`)."""

from typing import Final

import attrs

from actors.nova.errors import ComputeHostNotFound, HostBinaryNotFound, InvalidInput
from actors.nova.listing import page
from actors.nova.messages.services import ListHypervisors, ListServices, ShowHypervisor, UpdateService
from actors.nova.models import ComputeNode, ComputeService, Hypervisor, HypervisorServer, ServiceStatus
from actors.nova.rpc import COMPUTE
from actors.nova.service.part import NovaPart

API_SERVICES: Final = ("nova-api", "nova-metadata")
"""Not listed: a real one reports to nobody."""


class ComputeServices(NovaPart):
    """The handlers."""

    @ListServices.handler
    async def list_services(self, msg: ListServices) -> tuple[ServiceStatus, ...]:
        return tuple(
            self._status(row)
            for row in self.store.services.values()
            if row.binary not in API_SERVICES and msg.binary in {None, row.binary} and msg.host in {None, row.host}
        )

    @UpdateService.handler
    async def update_service(self, msg: UpdateService) -> ServiceStatus:
        row = self.store.services.get((msg.binary, msg.host))
        if row is None:
            raise HostBinaryNotFound(f"Could not find binary {msg.binary} on host {msg.host}.")
        if msg.binary != COMPUTE:
            raise InvalidInput(
                f"Updating a {msg.binary} service is not supported. Only nova-compute services can be updated."
            )
        if msg.status not in {"enabled", "disabled"}:
            raise InvalidInput(f"Invalid input received: status {msg.status!r} is neither 'enabled' nor 'disabled'")
        disabled = msg.status == "disabled"
        if not disabled and msg.disabled_reason:
            raise InvalidInput("Specifying 'disabled_reason' with status 'enabled' is invalid.")
        changed = attrs.evolve(row, disabled=disabled, disabled_reason=msg.disabled_reason)
        self.store.save_service(changed)
        if row.disabled != disabled:
            await self.service_disabled_changed(changed)
        return self._status(changed)

    async def service_disabled_changed(self, row: ComputeService) -> None:
        """Whoever puts the API together tells the host here, which sets or removes its trait COMPUTE_STATUS_DISABLED."""

    @ListHypervisors.handler
    async def list_hypervisors(self, msg: ListHypervisors) -> tuple[Hypervisor, ...]:
        pattern = msg.hypervisor_hostname_pattern
        if pattern is not None and not (msg.limit is None and msg.marker is None):
            raise InvalidInput(
                "Paging over hypervisors with the hypervisor_hostname_pattern query parameter is not supported."
            )
        found = page(
            self.store.compute_nodes.values(), name=lambda node: node.uuid, marker=msg.marker, limit=msg.limit,
            most=self.config.max_limit if pattern is None else len(self.store.compute_nodes),
            fits=lambda node: pattern is None or pattern in node.host,
        )  # fmt: skip
        if pattern is not None and not found:
            raise ComputeHostNotFound(f"No hypervisor matching '{pattern}' could be found.")
        shown = (self._hypervisor(node, with_servers=msg.with_servers) for node in found)
        return tuple(one for one in shown if one is not None)

    @ShowHypervisor.handler
    async def show_hypervisor(self, msg: ShowHypervisor) -> Hypervisor:
        node = next((one for one in self.store.compute_nodes.values() if one.uuid == msg.hypervisor_id), None)
        shown = None if node is None else self._hypervisor(node, with_servers=msg.with_servers)
        if shown is None:
            raise ComputeHostNotFound(f"Hypervisor with ID '{msg.hypervisor_id}' could not be found.")
        return shown

    def _status(self, row: ComputeService) -> ServiceStatus:
        return ServiceStatus(
            binary=row.binary, host=row.host, zone=row.zone, status="disabled" if row.disabled else "enabled",
            state="up" if row.is_up(self.now, self.config.service_down_time) else "down",
            updated_at=row.last_seen_up, disabled_reason=row.disabled_reason,
        )  # fmt: skip

    def _hypervisor(self, node: ComputeNode, *, with_servers: bool) -> Hypervisor | None:
        """What the API shows of a node; None if its service is gone, and the node about to follow."""
        service = self.store.services.get((COMPUTE, node.host))
        if service is None:
            return None
        servers = tuple(HypervisorServer(uuid=one.uuid, name=one.display_name) for one in self.store.on_host(node.host))
        return Hypervisor(
            id=node.uuid, hypervisor_hostname=node.host, service=self._status(service), vcpus=node.vcpus,
            vcpus_used=node.vcpus_used, memory_mb=node.memory_mb, memory_mb_used=node.memory_mb_used,
            local_gb=node.local_gb, local_gb_used=node.local_gb_used, running_vms=node.running_vms,
            hypervisor_version=node.hypervisor_version, servers=servers if with_servers else None,
        )  # fmt: skip
