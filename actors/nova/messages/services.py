"""Nova's own services and hypervisors. All of it is for administrators."""

from typing import ClassVar

from actors.calls import ApiRequest, Policy, admin
from actors.ids import ProviderId
from actors.nova.messages import TOPIC
from actors.nova.models import Hypervisor, ServiceStatus
from bus.message import message


@message
class ListServices(ApiRequest[tuple[ServiceStatus, ...]]):
    """List services (`GET /os-services`), but for the API's own, of this *binary* and on this *host* if they are given."""

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    binary: str | None = None
    host: str | None = None


@message
class UpdateService(ApiRequest[ServiceStatus]):
    """Say whether a nova-compute gets new servers (`PUT /os-services/{id}`).

    Raises: 400 for another binary, a status that is none, or a reason to enable; 404 if there is none on this host.

    Attributes:
        host: its name.
        binary: ``"nova-compute"``.
        status: ``"enabled"`` or ``"disabled"``.
        disabled_reason: why it is disabled.
    """

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    host: str
    binary: str = "nova-compute"
    status: str
    disabled_reason: str | None = None


@message
class ListHypervisors(ApiRequest[tuple[Hypervisor, ...]]):
    """List hypervisors, but for those whose service is gone.

    Raises: 400 for a limit or marker that is none, or with a pattern; 404 if none fits the pattern.

    Attributes:
        hypervisor_hostname_pattern: with this in its name.
        with_servers: whether to name their servers.
        limit: so many at most; None for `max_limit`.
        marker: after the hypervisor with this id.
    """

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    hypervisor_hostname_pattern: str | None = None
    with_servers: bool = False
    limit: int | None = None
    marker: ProviderId | None = None


@message
class ShowHypervisor(ApiRequest[Hypervisor]):
    """Show a hypervisor. 404 if there is none, or its service is gone.

    Attributes:
        hypervisor_id: of its resource provider.
        with_servers: whether to name its servers.
    """

    topic: ClassVar[str] = TOPIC
    policy: ClassVar[Policy] = admin
    hypervisor_id: ProviderId
    with_servers: bool = False
