"""Networks."""

from actors.ids import NetworkId
from actors.neutron.errors import InvalidInput, InvalidSharedSetting, NetworkInUse, PolicyNotAuthorized
from actors.neutron.listing import filtered, page
from actors.neutron.messages import (
    CreateNetwork,
    DeleteNetwork,
    ListExtensions,
    ListNetworks,
    ShowNetwork,
    UpdateNetwork,
)
from actors.neutron.models import DHCP_OWNER, NETWORK_OWNER, Network
from actors.neutron.service.security_groups import SecurityGroups
from actors.neutron.visibility import ADMIN_FIELDS, check_network_fields, project_of, sees_network, shown_network
from actors.service import request_context

EXTENSIONS = (
    "agent", "binding", "binding-extended", "external-net", "net-mtu", "port-security", "provider", "quotas",
    "quota_details", "security-group", "sorting", "pagination", "standard-attr-revisions", "standard-attr-timestamp",
)  # fmt: skip
TUNNEL_OVERHEAD = {"vxlan": 50, "gre": 42, "geneve": 50}
"""Bytes that each type of tunnel takes of a packet (`plugins/common/constants.py`)."""
CHANGEABLE = ("name", "description", "admin_state_up", "mtu", "port_security_enabled", "shared", "router_external")
SEGMENTED = ("vlan", "vxlan", "gre", "geneve")


class Networks(SecurityGroups):
    """The calls about networks."""

    @ListExtensions.handler
    def list_extensions(self, msg: ListExtensions) -> tuple[str, ...]:
        return EXTENSIONS

    @CreateNetwork.handler
    async def create_network(self, msg: CreateNetwork) -> Network:
        context = request_context()
        check_network_fields(context, [name for name in ADMIN_FIELDS if getattr(msg, name) not in {None, False}])
        project_id = project_of(context, msg.project_id)

        def create() -> Network:
            self.default_group(project_id)
            network_type = msg.provider_network_type or ("flat" if msg.provider_physical_network else "vxlan")
            now = self.clock.time()
            network = Network(
                id=NetworkId(self.ids.uuid()), project_id=project_id, name=msg.name, description=msg.description,
                admin_state_up=msg.admin_state_up, shared=msg.shared, router_external=msg.router_external,
                mtu=self._mtu(network_type, msg.mtu), port_security_enabled=msg.port_security_enabled,
                provider_network_type=network_type, provider_physical_network=msg.provider_physical_network,
                provider_segmentation_id=self._segment(network_type, msg.provider_segmentation_id),
                created_at=now, updated_at=now,
            )  # fmt: skip
            self.store.put_network(network)
            return network

        network = await self.within_quota(project_id, "network", create)
        return shown_network(context, network)

    def _mtu(self, network_type: str, asked: int | None) -> int:
        largest = self.config.global_physnet_mtu - TUNNEL_OVERHEAD.get(network_type, 0)
        if asked is not None and not 68 <= asked <= largest:
            raise InvalidInput(f"mtu {asked}: a {network_type} network takes 68 to {largest} bytes")
        return largest if asked is None else asked

    def _segment(self, network_type: str, asked: int | None) -> int | None:
        if asked is None and network_type in SEGMENTED:
            self.store.next_segment += 1
            return self.store.next_segment - 1
        return asked

    @ShowNetwork.handler
    async def show_network(self, msg: ShowNetwork) -> Network:
        context = request_context()
        return shown_network(context, self.network_for(context, msg.network_id))

    @ListNetworks.handler
    async def list_networks(self, msg: ListNetworks) -> tuple[Network, ...]:
        context, table = request_context(), self.store.networks
        rows = (table[one] for one in msg.id if one in table) if msg.id else table.values()
        seen = [shown_network(context, network) for network in rows if sees_network(context, network)]
        return page(filtered(seen, msg), msg)

    @UpdateNetwork.handler
    async def update_network(self, msg: UpdateNetwork) -> Network:
        context = request_context()
        network = self.own_network(msg.network_id)
        changes = {name: value for name in CHANGEABLE if (value := getattr(msg, name)) is not None}
        check_network_fields(context, changes)
        self._mtu(network.provider_network_type or "", msg.mtu)
        if network.shared and msg.shared is False and self._used_by_others(network):
            raise InvalidSharedSetting(f"network {network.id} must stay shared: ports of other projects are on it")
        network = self.touched(network, **changes)
        self.store.put_network(network)
        return shown_network(context, network)

    def _used_by_others(self, network: Network) -> bool:
        ports = (self.store.ports[port_id] for port_id in self.store.ports_by_network.get(network.id, ()))
        return any(
            port.project_id != network.project_id and not port.device_owner.startswith(NETWORK_OWNER) for port in ports
        )

    @DeleteNetwork.handler
    async def delete_network(self, msg: DeleteNetwork) -> None:
        network = self.own_network(msg.network_id)
        ports = [self.store.ports[port_id] for port_id in self.store.ports_by_network.get(network.id, ())]
        if left := [port.id for port in ports if port.device_owner != DHCP_OWNER]:
            raise NetworkInUse(
                f"unable to complete operation on network {network.id}: delete its ports first: {', '.join(left)}"
            )
        for port in ports:
            self.discard(port)
        for subnet_id in network.subnets:
            self.store.remove_subnet(self.store.subnets[subnet_id])
        self.store.remove_network(self.store.networks[network.id])

    def own_network(self, network_id: NetworkId) -> Network:
        """A network that whoever asks may change.

        Raises:
            NetworkNotFound: if it does not even see it.
            PolicyNotAuthorized: if it is another project's.
        """
        context = request_context()
        network = self.network_for(context, network_id)
        if network.project_id != context.project_id and not context.is_admin:
            raise PolicyNotAuthorized(
                f"policy does not allow network {network_id} to be changed: it is another project's"
            )
        return network
