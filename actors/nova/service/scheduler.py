"""nova-scheduler: chooses hosts, and claims them in Placement.

What it keeps in memory: the hosts as it read them last, less what it gave away since; and which servers they say they have.
Another member, or a compute node that has not saved yet, may know better: Placement alone decides who gets what.
"""

from itertools import islice
from operator import attrgetter
from random import Random
from typing import ClassVar

import attrs

from actors.errors import CloudError
from actors.ids import Ids, ProviderId, ServerId
from actors.nova.config import NovaConfig
from actors.nova.errors import NoValidHost
from actors.nova.models import RequestSpec, Selection
from actors.nova.neighbours import Caller
from actors.nova.notifications import SchedulerNotification
from actors.nova.rpc import (
    DISABLED_TRAIT,
    SCHEDULER,
    DeleteInstanceInfo,
    SelectDestinations,
    SyncInstanceInfo,
    UpdateInstanceInfo,
)
from actors.nova.scheduling import Demand, GroupRules, HostState, best_first, passing, weights
from actors.nova.service.base import NovaService
from actors.nova.service.claims import claim_resources
from actors.nova.store import NovaStore
from actors.placement.messages import ListAllocationCandidates
from actors.placement.models import AllocationCandidates
from bus.errors import BusError


class NovaScheduler(NovaService):
    """One member of the schedulers. For its arguments see `NovaService`.

    Chance decides among the best hosts, if `host_subset_size` is above 1, and how long to wait before another claim.
    """

    topic: ClassVar[str] = SCHEDULER
    binary: ClassVar[str] = SCHEDULER

    def __init__(self, *, store: NovaStore, config: NovaConfig, ids: Ids, chance: Random, caller: Caller) -> None:
        super().__init__(store=store, config=config, ids=ids, chance=chance, caller=caller)
        self._hosts: dict[ProviderId, HostState] = {}
        self._seen = 0
        self._servers: dict[str, dict[ServerId, None]] = {}

    async def started(self) -> None:
        await super().started()
        for instance in self.store.instances.values():
            if instance.host is not None:
                self._servers.setdefault(instance.host, {})[instance.uuid] = None
        self.start_soon(self.report)

    @SelectDestinations.handler
    async def select_destinations(self, msg: SelectDestinations) -> tuple[tuple[Selection, ...], ...]:
        """Choose, claim, and add alternates."""
        async with self.alive():
            return await self._select(msg)

    async def _select(self, msg: SelectDestinations) -> tuple[tuple[Selection, ...], ...]:
        candidates = await self._candidates(msg.spec)
        await self._notify("start", msg)
        self._refresh()
        demand = self._demand(msg.spec)
        hosts = self._possible(candidates, msg.spec)
        chosen: list[tuple[Selection, ...]] = []
        for server in msg.servers:
            weighed = self._sorted(hosts, demand, msg.spec)
            selection = await self._claim(weighed, server, msg.spec, candidates)
            if selection is None:
                await self._give_back(msg.servers[: len(chosen)])
                raise NoValidHost("No valid host was found. There are not enough hosts available.")
            after = self._hosts[selection.provider].with_server(msg.spec.flavor)
            self._hosts[selection.provider] = after
            if len(msg.servers) > 1:
                hosts = [after if host.host == selection.host else host for host in hosts]
            if demand.group.policy is not None:
                demand = _with_member(demand, server, selection.host)
            alternates = self._alternates(weighed, selection, candidates) if msg.return_alternates else ()
            chosen.append((selection, *alternates))
        await self._notify("end", msg)
        return tuple(chosen)

    # -- finding ---------------------------------------------------------------------------------------------------------

    async def _candidates(self, spec: RequestSpec) -> AllocationCandidates:
        """Ask Placement who has room.

        Raises:
            NoValidHost: if nobody has, or Placement cannot be asked.
        """
        request = ListAllocationCandidates(
            resources=spec.resources,
            forbidden=(DISABLED_TRAIT,),
            limit=None if spec.requested_host else self.config.max_placement_results,
        )
        try:
            candidates = await self.calls.as_nova(request)
        except (CloudError, BusError) as error:
            self.log.warning("placement could not be asked", error=repr(error))
            raise NoValidHost("No valid host was found.") from error
        if not candidates.provider_summaries:
            raise NoValidHost("No valid host was found.")
        return candidates

    def _refresh(self) -> None:
        """Read the compute nodes that have changed."""
        self._seen, changed = self.store.nodes_changed_since(self._seen)
        for node in changed:
            self._hosts[node.uuid] = HostState.of(node)

    def _possible(self, candidates: AllocationCandidates, spec: RequestSpec) -> list[HostState]:
        """The hosts of the candidates, but for those that are not wanted."""
        found = map(self._hosts.get, map(attrgetter("resource_provider_uuid"), candidates.provider_summaries))
        hosts = list(filter(None, found))
        if spec.requested_host is not None:
            hosts = [host for host in hosts if host.host == spec.requested_host]
        if spec.ignore_hosts:
            hosts = [host for host in hosts if host.host not in spec.ignore_hosts]
        return hosts

    def _demand(self, spec: RequestSpec) -> Demand:
        """What the filters are told."""
        group = None if spec.group_id is None else self.store.server_groups.get(spec.group_id)
        rules = GroupRules()
        if group is not None:
            members = frozenset(group.members)
            rows = (self.store.instances.get(member) for member in group.members)
            rules = GroupRules(
                policy=group.policy,
                hosts=frozenset(row.host for row in rows if row is not None and row.host is not None),
                members=members,
                max_server_per_host=group.max_server_per_host,
            )
        return Demand(
            group=rules,
            down=self.store.reports.down(self.now, self.config.service_down_time),
            servers=self._servers,
        )

    def _sorted(self, hosts: list[HostState], demand: Demand, spec: RequestSpec) -> list[HostState]:
        """The hosts that can, the best first; one that an administrator has forced is not filtered."""
        if not spec.forced:
            hosts = passing(hosts, demand, self.config.enabled_filters)
        weighed = best_first(hosts, weights(hosts, demand, self.config.weight_multipliers))
        if self.config.host_subset_size > 1 and weighed:
            best = weighed[: self.config.host_subset_size]
            first = self.chance.choice(best)
            weighed = [first, *(host for host in weighed if host is not first)]
        return weighed

    # -- claiming --------------------------------------------------------------------------------------------------------

    async def _claim(
        self, hosts: list[HostState], server: ServerId, spec: RequestSpec, candidates: AllocationCandidates
    ) -> Selection | None:
        """Claim the first host that can still be had."""
        for host in hosts:
            selection = self._selection(host, candidates)
            if await claim_resources(self, server, spec, selection):
                return selection
        return None

    def _alternates(
        self, hosts: list[HostState], chosen: Selection, candidates: AllocationCandidates
    ) -> tuple[Selection, ...]:
        others = (host for host in hosts if host.host != chosen.host)
        return tuple(self._selection(host, candidates) for host in islice(others, self.config.max_attempts - 1))

    def _selection(self, host: HostState, candidates: AllocationCandidates) -> Selection:
        return Selection(
            host=host.host, provider=self.store.compute_nodes[host.host].uuid, resources=candidates.resources
        )

    async def _give_back(self, servers: tuple[ServerId, ...]) -> None:
        for server in servers:
            await self.delete_allocation(server)

    async def _notify(self, phase: str, msg: SelectDestinations) -> None:
        event_type = f"scheduler.select_destinations.{phase}"
        event = SchedulerNotification(
            event_type=event_type, publisher_id=self.publisher_id, spec=msg.spec, servers=msg.servers
        )
        await self.bus.publish(event, subject=event_type)

    # -- what hosts say --------------------------------------------------------------------------------------------------

    @UpdateInstanceInfo.handler
    async def update_instance_info(self, msg: UpdateInstanceInfo) -> None:
        """Note that a host has a server."""
        self._servers.setdefault(msg.host, {})[msg.server] = None

    @DeleteInstanceInfo.handler
    async def delete_instance_info(self, msg: DeleteInstanceInfo) -> None:
        """Note that it has not."""
        self._servers.get(msg.host, {}).pop(msg.server, None)

    @SyncInstanceInfo.handler
    async def sync_instance_info(self, msg: SyncInstanceInfo) -> None:
        """Take a host's own list for true."""
        self._servers[msg.host] = dict.fromkeys(msg.servers)


def _with_member(demand: Demand, server: ServerId, host: str) -> Demand:
    """What the filters are told of the next server of the same request."""
    group = attrs.evolve(demand.group, hosts=demand.group.hosts | {host}, members=demand.group.members | {server})
    servers = {**demand.servers, host: (*demand.servers.get(host, ()), server)}
    return attrs.evolve(demand, group=group, servers=servers)
