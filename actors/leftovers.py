"""What servers take up all over a cloud: what of it is still there when a server has gone, it has left behind."""

from actors.cloud import Stores
from actors.neutron.models import NETWORK_OWNER


def leftovers(stores: Stores) -> dict[str, int]:
    """How many ports, volumes, attachments, allocations and guests there are, for whatever server; only those that there are."""
    counts = {
        "ports": sum(not port.device_owner.startswith(NETWORK_OWNER) for port in stores.neutron.ports.values()),
        "volumes": len(stores.cinder.volumes),
        "attachments": len(stores.cinder.attachments),
        "allocations": len(stores.placement.consumers),
        "guests": sum(len(host.guests) for host in stores.hosts.values()),
    }
    return {name: count for name, count in counts.items() if count}
