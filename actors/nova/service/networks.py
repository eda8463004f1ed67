"""Nova's side of Neutron: ports for a server, and away with them (nova's `network/neutron.py`).

Whose credentials a call takes is written at each: the user's (`as_user`) to create, list and delete ports, Nova's own
(`as_nova`) to bind them and to look at them.
"""

from collections.abc import Iterable

import attrs

from actors.context import RequestContext
from actors.errors import CloudError, NotFound
from actors.ids import NetworkId, PortId, ProjectId, SecurityGroupId
from actors.neutron.errors import IpAddressGenerationFailure
from actors.neutron.errors import OverQuota as NeutronOverQuota
from actors.neutron.messages import (
    CreatePort,
    DeletePort,
    ListNetworks,
    ListPorts,
    ListSecurityGroups,
    ShowPort,
    UpdatePort,
)
from actors.neutron.models import COMPUTE_OWNER, FixedIpRequest, Network, Port
from actors.neutron.states import PortStatus, VifType
from actors.nova.errors import (
    NetworkAmbiguous,
    NetworkNotUsable,
    NoMoreFixedIps,
    PortBindingFailed,
    PortInUse,
    PortLimitExceeded,
    SecurityGroupNotUsable,
)
from actors.nova.models import AUTO_NETWORKS, NO_NETWORKS, Instance, NetworkRequest, RequestSpec, Vif
from actors.nova.service.base import NovaService
from bus.errors import BusError

DEFAULT_GROUP = "default"
"""Neutron's own name for the security group of those who ask for none."""


async def available_networks(
    service: NovaService, context: RequestContext, ids: tuple[NetworkId, ...] = ()
) -> list[Network]:
    """The networks that are asked for, or else all that the project may use: its own and the shared ones (U)."""
    if ids:
        found = await service.calls.as_user(ListNetworks(id=ids), context)
        return sorted(found, key=lambda network: ids.index(network.id))
    project = () if context.project_id is None else (context.project_id,)
    own = await service.calls.as_user(ListNetworks(project_id=project, shared=False, admin_state_up=True), context)
    return [*own, *await service.calls.as_user(ListNetworks(shared=True), context)]


async def requested(
    service: NovaService, context: RequestContext, wanted: tuple[NetworkRequest, ...] | str
) -> tuple[list[NetworkRequest], dict[NetworkId, Network]]:
    """What a server is to be on, each with its network; and the networks.

    Raises:
        NetworkNotUsable: if a network or port is none.
        NetworkAmbiguous: if it may be any network, and there are several.
        PortInUse: if a port belongs to something.
    """
    if wanted == NO_NETWORKS:
        return [], {}
    if isinstance(wanted, str) or not wanted:
        networks = await available_networks(service, context)
        if len(networks) > 1:
            raise NetworkAmbiguous("Multiple possible networks found, use a Network ID to be more specific.")
        if not networks and wanted == AUTO_NETWORKS:
            raise NetworkNotUsable(f"Unable to automatically allocate a network for project {context.project_id}")
        return [NetworkRequest(network_id=network.id) for network in networks], {net.id: net for net in networks}
    requests = [await _with_network(service, request) for request in wanted]
    ids = tuple(dict.fromkeys(request.network_id for request in requests if request.network_id is not None))
    known = {network.id: network for network in await available_networks(service, context, ids)} if ids else {}
    for request in requests:
        if request.network_id is None or request.network_id not in known:
            raise NetworkNotUsable(f"Network {request.network_id} could not be found.")
    return requests, known


async def _with_network(service: NovaService, request: NetworkRequest) -> NetworkRequest:
    if request.port_id is None:
        return request
    try:
        port = await service.calls.as_nova(ShowPort(port_id=request.port_id))
    except NotFound as error:
        raise NetworkNotUsable(f"Port id {request.port_id} could not be found.") from error
    if port.device_id:
        raise PortInUse(f"Port {port.id} is still in use.")
    return attrs.evolve(request, network_id=port.network_id)


async def security_group_ids(
    service: NovaService, context: RequestContext, project: ProjectId | None, names: tuple[str, ...]
) -> tuple[SecurityGroupId, ...] | None:
    """The ids of security groups that are asked for by name or id (U); None for Neutron's default.

    Raises:
        SecurityGroupNotUsable: if there is none of that name, or several.
    """
    if not names or names == (DEFAULT_GROUP,):
        return None
    owner = () if project is None else (project,)
    groups = await service.calls.as_user(ListSecurityGroups(project_id=owner), context)
    found: list[SecurityGroupId] = []
    for name in names:
        matches = [group.id for group in groups if group.id == name] or [g.id for g in groups if g.name == name]
        if not matches:
            raise SecurityGroupNotUsable(f"Security group {name} not found.")
        if len(matches) > 1:
            raise SecurityGroupNotUsable(
                f"Multiple security groups found matching '{name}'. Use an ID to be more specific."
            )
        found.append(matches[0])
    return tuple(dict.fromkeys(found))


async def allocate(
    service: NovaService, context: RequestContext, instance: Instance, spec: RequestSpec, host: str
) -> tuple[Vif, ...]:
    """Make a server's ports, and bind them to its host (`allocate_for_instance`).

    Ports that were made are deleted again, and those that were given are unbound, if it does not work out.

    Raises:
        NoMoreFixedIps: if a network has no address left.
        PortLimitExceeded: if the project has all the ports that it may have.
        PortBindingFailed: if no agent on the host can wire it.
        CloudError: what else Neutron answers; 401 if the user's token has expired.
    """
    requests, networks = await requested(service, context, spec.requested_networks)
    groups = await security_group_ids(service, context, instance.project_id, spec.security_groups) if requests else None
    created: list[PortId] = []
    given = [request.port_id for request in requests if request.port_id is not None]
    try:
        ports = [
            request.port_id or await _create(service, context, instance, request, groups, created)
            for request in requests
        ]
        for port in ports:
            await _bind(service, instance, port, host)
        return await look(service, instance, preserve=given, networks=networks)
    except Exception:
        await _unbind(service, given)
        await _delete(service, context, created, raising=False)
        raise


async def _create(
    service: NovaService, context: RequestContext, instance: Instance, request: NetworkRequest,
    groups: tuple[SecurityGroupId, ...] | None, created: list[PortId],
) -> PortId:  # fmt: skip
    """Create an unbound port (U)."""
    assert request.network_id is not None
    wanted = None if request.fixed_ip is None else (FixedIpRequest(ip_address=request.fixed_ip),)
    message = CreatePort(
        network_id=request.network_id, device_id=instance.uuid, fixed_ips=wanted, security_groups=groups,
        project_id=instance.project_id,
    )  # fmt: skip
    try:
        port = await service.calls.as_user(message, context)
    except IpAddressGenerationFailure as error:
        raise NoMoreFixedIps(f"No fixed IP addresses available for network: {request.network_id}") from error
    except NeutronOverQuota as error:
        raise PortLimitExceeded("Maximum number of ports exceeded") from error
    created.append(port.id)
    return port.id


async def _bind(service: NovaService, instance: Instance, port_id: PortId, host: str) -> None:
    """Bind a port to a host (S: binding is for administrators)."""
    owner = f"{COMPUTE_OWNER}{instance.availability_zone or service.config.default_availability_zone}"
    message = UpdatePort(port_id=port_id, device_id=instance.uuid, device_owner=owner, binding_host_id=host)
    port = await service.calls.as_nova(message)
    if port.binding_vif_type == VifType.BINDING_FAILED:
        raise PortBindingFailed(f"Binding failed for port {port_id}, please check neutron logs for more information.")


async def bind_again(service: NovaService, instance: Instance, host: str) -> tuple[Vif, ...]:
    """Bind the ports that a server has from an earlier attempt to another host (`setup_instance_network_on_host`)."""
    for port in await service.calls.as_nova(ListPorts(device_id=(instance.uuid,))):
        await _bind(service, instance, port.id, host)
    return await look(service, instance)


async def look(
    service: NovaService, instance: Instance, *, preserve: Iterable[PortId] = (),
    networks: dict[NetworkId, Network] | None = None,
) -> tuple[Vif, ...]:  # fmt: skip
    """See which ports a server has (S), and remember them (`get_instance_nw_info`)."""
    ports = await service.calls.as_nova(ListPorts(device_id=(instance.uuid,)))
    known = {vif.port_id: vif for vif in instance.info_cache}
    kept = {*preserve, *(vif.port_id for vif in instance.info_cache if vif.preserve_on_delete)}
    names = {network.id: network.name for network in (networks or {}).values()}
    missing = tuple(dict.fromkeys(p.network_id for p in ports if p.network_id not in names and p.id not in known))
    if missing:
        names |= {net.id: net.name for net in await service.calls.as_nova(ListNetworks(id=missing))}
    vifs = tuple(_vif(port, names.get(port.network_id) or _name(known.get(port.id)), port.id in kept) for port in ports)
    remember(service, instance, vifs)
    return vifs


def remember(service: NovaService, instance: Instance, vifs: tuple[Vif, ...]) -> None:
    """Write a server's ports into its cache, if it is still there: a table of its own, so that nobody is notified."""
    if instance.uuid in service.store.instances:
        service.store.save(instance.uuid, service.now, info_cache=vifs)


def _name(vif: Vif | None) -> str:
    return "" if vif is None else vif.network_name


def _vif(port: Port, network_name: str, preserve: bool) -> Vif:  # noqa: FBT001
    return Vif(
        port_id=port.id,
        network_id=port.network_id,
        network_name=network_name,
        address=port.mac_address,
        fixed_ips=port.fixed_ips_ip_address,
        active=port.status == PortStatus.ACTIVE,
        preserve_on_delete=preserve,
    )


async def deallocate(
    service: NovaService, context: RequestContext, instance: Instance, spec: RequestSpec | None
) -> None:
    """Delete a server's ports (U), and unbind those that were there before it (S) (`deallocate_for_instance`).

    Raises:
        CloudError: what Neutron answers; 401 if the user's token has expired.
    """
    ports = await service.calls.as_user(ListPorts(device_id=(instance.uuid,)), context)
    asked = () if spec is None or isinstance(spec.requested_networks, str) else spec.requested_networks
    kept = dict.fromkeys(request.port_id for request in asked if request.port_id is not None)
    kept |= dict.fromkeys(vif.port_id for vif in instance.info_cache if vif.preserve_on_delete)
    await _unbind(service, kept)
    await _delete(service, context, [port.id for port in ports if port.id not in kept], raising=True)
    remember(service, instance, ())


async def _unbind(service: NovaService, ports: Iterable[PortId]) -> None:
    for port in ports:
        try:
            await service.calls.as_nova(UpdatePort(port_id=port, device_id="", device_owner="", binding_host_id=""))
        except (CloudError, BusError) as error:
            service.log.warning("port not unbound", port=port, error=repr(error))


async def _delete(service: NovaService, context: RequestContext, ports: list[PortId], *, raising: bool) -> None:
    """Delete ports, all that can be; then raise what went wrong with the others, if it is to be known."""
    failed: Exception | None = None
    for port in ports:
        try:
            await service.calls.as_user(DeletePort(port_id=port), context)
        except NotFound:
            service.log.debug("port had gone", port=port)
        except (CloudError, BusError) as error:
            service.log.warning("port not deleted", port=port, error=repr(error))
            failed = error
    if raising and failed is not None:
        raise failed
