"""Neutron's server: one member of the service. All members share the `NeutronStore`."""

from random import Random
from typing import ClassVar

from actors.ids import Ids
from actors.neutron.batches import Batches
from actors.neutron.config import NeutronConfig
from actors.neutron.ipam import Ipam
from actors.neutron.messages import TOPIC
from actors.neutron.nova_notifier import NovaNotifier, Session
from actors.neutron.service.agents import Agents
from actors.neutron.service.ports import Ports
from actors.neutron.service.quota_sets import QuotaSets
from actors.neutron.service.subnets import Subnets
from actors.neutron.store import NeutronStore
from actors.service import Gate


class NeutronService(Subnets, Ports, QuotaSets, Agents):
    """Answers the Networking API and the agents, and tells Nova what happens to its servers' ports.

    Its tables are in the store. Events that Nova has not been sent, and changes that agents have not been told, are memory.

    Args:
        store: the database.
        config: the options.
        ids: makes ids.
        gate: stands in front of the API.
        chance: decides addresses and MAC addresses.
        session: Neutron's own account, to tell Nova with.
    """

    topic: ClassVar[str] = TOPIC

    def __init__(
        self, *, store: NeutronStore, config: NeutronConfig, ids: Ids, gate: Gate, chance: Random, session: Session
    ) -> None:  # fmt: skip
        self.store = store
        self.config = config
        self.ids = ids
        self.gate = gate
        self.chance = chance
        self.ipam = Ipam(store=store, chance=chance, window=config.address_window)
        self._session = session

    async def started(self) -> None:
        await super().started()
        self.since = self.clock.time()
        self.nova = NovaNotifier(self, self.config, self._session, self.log)
        self.changed_groups = Batches(self.start_soon, self.config.polling_interval, self.send_changed_members)
