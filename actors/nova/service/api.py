"""nova-api: one member of the service. All members share the `NovaStore`; what one has in hand when it crashes is lost."""

from random import Random
from typing import ClassVar

from actors.ids import Ids
from actors.nova.config import NovaConfig
from actors.nova.messages import TOPIC
from actors.nova.neighbours import Caller
from actors.nova.service.compute_services import ComputeServices
from actors.nova.service.creation import Creation
from actors.nova.service.external_events import ExternalEvents
from actors.nova.service.flavors import Flavors
from actors.nova.service.keypairs import Keypairs
from actors.nova.service.quota_sets import QuotaSets
from actors.nova.service.removal import Removal
from actors.nova.service.server_actions import ServerActions
from actors.nova.service.server_groups import ServerGroups
from actors.nova.service.servers import Servers
from actors.nova.store import NovaStore
from actors.service import Gate


class NovaApi(
    Servers,
    Creation,
    ServerActions,
    Removal,
    ExternalEvents,
    Flavors,
    Keypairs,
    ServerGroups,
    QuotaSets,
    ComputeServices,
):
    """Answers the Compute API. For most of its arguments see `NovaService`.

    Args:
        gate: stands in front of it.
    """

    topic: ClassVar[str] = TOPIC
    binary: ClassVar[str] = TOPIC

    def __init__(
        self, *, store: NovaStore, config: NovaConfig, ids: Ids, chance: Random, caller: Caller, gate: Gate
    ) -> None:
        super().__init__(store=store, config=config, ids=ids, chance=chance, caller=caller)
        self.gate = gate

    async def started(self) -> None:
        await super().started()
        self.guard = self.gate.opened(self)
