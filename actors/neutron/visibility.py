"""Who sees and changes what (pure rules): neutron's default policies, by resource and by field.

Administrators and services see everything. Others see what is their project's, networks that are shared or external, and
the ports and subnets of networks that they own. `conf/policies/*.py` and the query hooks of `db/db_base_plugin_v2.py`.
"""

from collections.abc import Iterable
from typing import Final, TypeVar

from actors.calls import admin_or_service
from actors.context import RequestContext
from actors.ids import ProjectId
from actors.neutron.errors import InvalidInput, PolicyNotAuthorized
from actors.neutron.models import Network, Port, PortBinding, SecurityGroup, SecurityGroupRule, Subnet
from actors.rows import evolved

privileged = admin_or_service
"""Administrators and services."""

Owned = TypeVar("Owned", Network, Subnet, Port, SecurityGroup, SecurityGroupRule)


def owns(context: RequestContext, row: Owned) -> bool:
    """Whether *row* is the project's, or is treated so."""
    return privileged(context) or row.project_id == context.project_id


def sees_network(context: RequestContext, network: Network) -> bool:
    """Whether a network is there for whoever asks."""
    return network.shared or network.router_external or owns(context, network)


def sees_subnet(context: RequestContext, subnet: Subnet, network: Network) -> bool:
    """Whether a subnet is there for whoever asks."""
    return network.shared or owns(context, subnet) or owns(context, network)


def sees_port(context: RequestContext, port: Port, network: Network) -> bool:
    """Whether a port is there for whoever asks."""
    return owns(context, port) or owns(context, network)


def project_of(context: RequestContext, asked: ProjectId | None) -> ProjectId:
    """The project that something is created for.

    Raises:
        PolicyNotAuthorized: for another project, unless by an administrator.
        InvalidInput: without any project.
    """
    if asked is not None and asked != context.project_id and not context.is_admin:
        raise PolicyNotAuthorized(
            f"project_id {asked} is not the token's: only administrators create for other projects"
        )
    project = asked or context.project_id
    if project is None:
        raise InvalidInput("the token has no project: give a project_id, or sign in to one")
    return project


# -- fields ------------------------------------------------------------------------------------------------------------

ADMIN_FIELDS: Final = (
    "shared", "router_external", "provider_network_type", "provider_physical_network", "provider_segmentation_id",
)  # fmt: skip
"""Fields of a network that administrators alone set."""

PORT_FIELDS: Final = {
    "binding_host_id": (False, False),
    "binding_profile": (False, False),
    "mac_address": (True, False),
    "ip_address": (True, True),
    "device_owner": (True, True),
}
"""Fields of a port that not everybody sets: whether the network's owner may, on creation and on update."""


def check_network_fields(context: RequestContext, given: Iterable[str]) -> None:
    """Refuse what is for administrators.

    Raises:
        PolicyNotAuthorized: if one of the fields *given* is such a one.
    """
    for name in given:
        if name in ADMIN_FIELDS and not context.is_admin:
            raise PolicyNotAuthorized(f"policy does not allow {name} to be set: it is for admin")


def check_port_fields(context: RequestContext, network: Network, given: tuple[str, ...], *, update: bool) -> None:
    """Refuse what is for administrators, services or the network's owner.

    Raises:
        PolicyNotAuthorized: if one of the fields *given* is not for whoever asks.
    """
    for name in given:
        by_owner = PORT_FIELDS[name][update]
        if not privileged(context) and not (by_owner and network.project_id == context.project_id):
            rule = f"{privileged.name} or the owner of the network" if by_owner else privileged.name
            raise PolicyNotAuthorized(f"policy does not allow {name} to be set: it is for {rule}")


def shown_network(context: RequestContext, network: Network) -> Network:
    """A network as whoever asks sees it."""
    if context.is_admin:
        return network
    return evolved(network, provider_network_type=None, provider_physical_network=None, provider_segmentation_id=None)


def shown_port(context: RequestContext, port: Port) -> Port:
    """A port as whoever asks sees it."""
    if privileged(context):
        return port
    return evolved(port, binding=PortBinding(vnic_type=port.binding.vnic_type, vif_type=""))
