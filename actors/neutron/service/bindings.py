"""Binding ports to hosts, and the further bindings that live migration makes.

An attempt to bind asks whether an L2 agent lives on the host that can wire the port. In ML2 that happens outside of the
transaction which changes the port, and its result is committed by compare-and-swap; here both are one step.
"""

from collections.abc import Mapping
from typing import Any, Final

import attrs

from actors.errors import BadRequest
from actors.ids import PortId
from actors.neutron.errors import (
    PortBindingAlreadyActive,
    PortBindingAlreadyExists,
    PortBindingError,
    PortBindingNotFound,
)
from actors.neutron.messages import (
    ActivatePortBinding,
    CreatePortBinding,
    DeletePortBinding,
    ListPortBindings,
    ShowPortBinding,
    UpdatePortBinding,
)
from actors.neutron.models import COMPUTE_OWNER, NETWORK_OWNER, Port, PortBinding, frozen
from actors.neutron.service.base import NeutronPart
from actors.neutron.states import BINDABLE_VNIC_TYPES, BindingStatus, Cause, Entity, PortStatus, VifType, bound_type
from actors.rows import evolved
from actors.service import request_context

VIF_DETAILS: Final[Mapping[str, Any]] = frozen(
    {
        "port_filter": True,
        "connectivity": "l2",
        "bridge_name": "br-int",
        "datapath_type": "system",
        "ovs_hybrid_plug": False,
        "bound_drivers": frozen({"0": "openvswitch"}),
    }
)
"""What the openvswitch mechanism driver tells the hypervisor."""


class Bindings(NeutronPart):
    """The calls about bindings, and what they share with those about ports."""

    # -- binding -------------------------------------------------------------------------------------------------------

    def attempt(self, binding: PortBinding) -> PortBinding:
        """Try to bind where *binding* says."""
        agent = self.l2_agent_on(binding.host)
        alive = agent is not None and agent.admin_state_up and self.agent_alive(agent)
        vif_type = bound_type(binding.vnic_type, agent_alive=alive)
        return attrs.evolve(binding, vif_type=vif_type, vif_details=VIF_DETAILS if vif_type is VifType.OVS else {})

    def bound(self, port: Port, binding: PortBinding) -> Port:
        """A port with a new active binding, which it cannot use before the host's L2 agent, if there is one, has wired it."""
        port = evolved(port, binding=self.attempt(binding))
        if (
            self.l2_agent_on(binding.host) is not None
            and port.status is not PortStatus.ACTIVE
            and binding.vnic_type in BINDABLE_VNIC_TYPES
            and not port.device_owner.startswith(NETWORK_OWNER)
        ):
            self.store.blocks.setdefault(port.id, {})[Entity.L2] = None
        return port

    def rebind(self, port: Port, asked: PortBinding) -> Port:
        """Give a port the binding that is *asked* for, and store it.

        A change takes the port down; a binding that failed is tried again also without one.
        """
        changed = asked != port.binding
        if changed:
            port = evolved(port, binding=attrs.evolve(asked, vif_type=VifType.UNBOUND, vif_details={}))
            self.store.put_port(port)
            port = self.set_status(port, Cause.REBOUND)
        if asked.host and not port.binding.bound:
            port = self.bound(port, port.binding)
            self.store.put_port(port)
        return port

    def retry_failed(self, host: str) -> list[Port]:
        """Bind again what could not be bound on *host*; for an agent that is back (`_retry_binding_revived_agents`)."""
        failed = [self.store.ports[port_id] for port_id in self.store.ports_by_host.get(host, ())]
        failed = [port for port in failed if port.binding.vif_type == VifType.BINDING_FAILED]
        return [self.rebind(port, port.binding) for port in failed]

    # -- further bindings ----------------------------------------------------------------------------------------------

    def _servers_port(self, port_id: PortId) -> Port:
        port = self.port_for(request_context(), port_id)
        if not port.device_owner.startswith(COMPUTE_OWNER):
            raise BadRequest(f"invalid port {port_id}: operation only valid on compute ports")
        return port

    def _binding_on(self, port: Port, host: str) -> PortBinding | None:
        return next((one for one in self.store.bindings(port) if one.host == host), None)

    def _existing(self, port: Port, host: str) -> PortBinding:
        binding = self._binding_on(port, host)
        if binding is None:
            raise PortBindingNotFound(f"binding for port {port.id} for host {host} could not be found")
        return binding

    def _attempt_or_refuse(self, port: Port, binding: PortBinding) -> PortBinding:
        result = self.attempt(binding)
        if not result.bound:
            raise PortBindingError(
                f"binding for port {port.id} on host {binding.host} could not be created: "
                f"no L2 agent that lives there wires a port of type {binding.vnic_type}"
            )
        return result

    def _replace_inactive(self, port: Port, host: str, *bindings: PortBinding) -> None:
        others = tuple(one for one in self.store.inactive.get(port.id, ()) if one.host != host)
        self.store.inactive[port.id] = (*others, *bindings)

    @CreatePortBinding.handler
    async def create_port_binding(self, msg: CreatePortBinding) -> PortBinding:
        port = self._servers_port(msg.port_id)
        if self._binding_on(port, msg.host) is not None:
            raise PortBindingAlreadyExists(f"binding for port {port.id} on host {msg.host} already exists")
        asked = PortBinding(host=msg.host, vnic_type=msg.vnic_type, profile=msg.profile)
        binding = self._attempt_or_refuse(port, asked)
        if not port.binding.host:
            port = self.rebind(port, asked)
            await self.refresh(port, msg.host)
            return port.binding
        binding = attrs.evolve(binding, status=BindingStatus.INACTIVE)
        self._replace_inactive(port, msg.host, binding)
        return binding

    @ShowPortBinding.handler
    async def show_port_binding(self, msg: ShowPortBinding) -> PortBinding:
        return self._existing(self._servers_port(msg.port_id), msg.host)

    @ListPortBindings.handler
    async def list_port_bindings(self, msg: ListPortBindings) -> tuple[PortBinding, ...]:
        port = self._servers_port(msg.port_id)
        return tuple(
            one
            for one in self.store.bindings(port)
            if (not msg.host or one.host in msg.host)
            and (not msg.status or one.status in msg.status)
            and (not msg.vif_type or one.vif_type in msg.vif_type)
        )

    @UpdatePortBinding.handler
    async def update_port_binding(self, msg: UpdatePortBinding) -> PortBinding:
        port = self._servers_port(msg.port_id)
        old = self._existing(port, msg.host)
        asked = attrs.evolve(
            old,
            vnic_type=old.vnic_type if msg.vnic_type is None else msg.vnic_type,
            profile=old.profile if msg.profile is None else msg.profile,
        )
        binding = self._attempt_or_refuse(port, asked)
        if old.status is BindingStatus.ACTIVE:
            port = self.rebind(port, asked)
            await self.refresh(port, msg.host)
            return port.binding
        self._replace_inactive(port, msg.host, binding)
        return binding

    @ActivatePortBinding.handler
    async def activate_port_binding(self, msg: ActivatePortBinding) -> PortBinding:
        port = self._servers_port(msg.port_id)
        new, old = self._existing(port, msg.host), port.binding
        if new.status is BindingStatus.ACTIVE:
            raise PortBindingAlreadyActive(f"binding for port {port.id} on host {msg.host} is already active")
        left = attrs.evolve(old, vif_type=VifType.UNBOUND, vif_details={}, status=BindingStatus.INACTIVE)
        self._replace_inactive(port, msg.host, *((left,) if old.host else ()))
        self.store.put_port(self.touched(port, binding=attrs.evolve(new, status=BindingStatus.ACTIVE)))
        port = self.set_status(self.store.ports[port.id], Cause.REBOUND)
        self.store.blocks.setdefault(port.id, {})[Entity.L2] = None
        await self.refresh(port, old.host, new.host)
        return port.binding

    @DeletePortBinding.handler
    async def delete_port_binding(self, msg: DeletePortBinding) -> None:
        port = self._servers_port(msg.port_id)
        if self._existing(port, msg.host).status is BindingStatus.ACTIVE:
            port = self.rebind(port, PortBinding(vnic_type=port.binding.vnic_type))
        else:
            self._replace_inactive(port, msg.host)
        await self.refresh(port, msg.host)
