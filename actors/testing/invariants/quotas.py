"""S13, S14, L6: who may have how much, and whether that is counted right."""

from collections import Counter
from typing import Any, ClassVar

from actors.cinder.quotas import RESOURCES
from actors.ids import ProjectId, ServerId
from actors.nova.models import Instance, Usage
from actors.nova.states import VmState
from actors.testing.invariants.base import Invariant


class Quota(Invariant):
    """S13."""

    name: ClassVar[str] = "S13"
    title: ClassVar[str] = "quota"
    statement: ClassVar[str] = (
        "No server becomes ACTIVE beyond what its project may have; volumes, snapshots and ports are never more than that."
    )
    matters: ClassVar[str] = "One customer takes what others have paid for."

    def observe(self) -> None:
        self._active: dict[ServerId, Instance] = {}
        self.watch.hear_table(self.stores.nova, "instances", self._server_changed)
        self.watch.hear_table(self.stores.neutron, "ports", self._port_changed)
        self.watch.hear_method(self.stores.cinder.quotas, "commit", self._committed)

    def _server_changed(self, uuid: ServerId, old: Instance | None, new: Instance | None) -> None:
        if new is None or new.vm_state is VmState.ERROR:
            self._active.pop(uuid, None)
            return
        if new.vm_state is not VmState.ACTIVE or uuid in self._active:
            return
        self._active[uuid] = new
        nova, project = self.stores.nova, new.project_id
        limit = nova.quota(project, self.cloud.config.nova.quota)
        mine = [one for one in self._active.values() if one.project_id == project]
        for what, may, has in (
            ("instances", limit.instances, len(mine)),
            ("cores", limit.cores, sum(one.flavor.vcpus for one in mine)),
            ("MB of memory", limit.ram, sum(one.flavor.ram for one in mine)),
        ):
            if may >= 0:
                self.demand(
                    has <= may,
                    f"with server {new.display_name}, project {project} has {has} {what}, and may have {may}",
                )

    def _port_changed(self, _: Any, old: Any, new: Any) -> None:
        if old is None and new is not None:
            neutron, project = self.stores.neutron, new.project_id
            limit = neutron.limits.get(project, {}).get("port", self.cloud.config.neutron.quota_port)
            has = neutron.owned[project, "port"]  # counted before the row is there
            self.demand(limit < 0 or has <= limit, f"project {project} has {has} ports, and may have {limit}")

    def _committed(self, _: None, reservations: Any) -> None:
        quotas = self.stores.cinder.quotas
        for (project, resource), usage in quotas.usages.items():
            limit = quotas.limit(project, resource)
            self.demand(
                limit < 0 or usage.in_use <= limit,
                f"project {project} has {usage.in_use} {resource}, and may have {limit}",
            )


class QuotaConservation(Invariant):
    """S14."""

    name: ClassVar[str] = "S14"
    title: ClassVar[str] = "quota conservation"
    statement: ClassVar[str] = (
        "At rest, what is counted as used is what is there, in Placement, too; what is counted as reserved is the sum of the "
        "reservations, and neither is negative."
    )
    matters: ClassVar[str] = (
        "A project cannot create what it may have, or can create more, until an operator counts anew."
    )

    def at_rest(self) -> None:
        self._nova()
        self._cinder()
        self._neutron()
        self._placement()

    def _nova(self) -> None:
        nova, recount = self.stores.nova, dict[ProjectId, Usage]()
        rows = {**{uuid: one.instance for uuid, one in nova.build_requests.items()}, **nova.instances}
        for row in rows.values():
            had = recount.get(row.project_id, Usage())
            recount[row.project_id] = Usage(
                instances=had.instances + 1, cores=had.cores + row.flavor.vcpus, ram=had.ram + row.flavor.ram
            )
        for project in nova._usage | recount:  # pyright: ignore[reportPrivateUsage]
            counted, there = nova.usage(project), recount.get(project, Usage())
            self.demand(counted == there, f"nova counts {counted} for project {project}, and there is {there}")

    def _cinder(self) -> None:
        cinder, there = self.stores.cinder, Counter[tuple[str, str]]()
        with_snapshots = not self.cloud.config.cinder.no_snapshot_gb_quota
        for volume in cinder.volumes:
            there[volume.project_id, "volumes"] += 1
            there[volume.project_id, "gigabytes"] += volume.size
        for snapshot in cinder.snapshots:
            there[snapshot.project_id, "snapshots"] += 1
            there[snapshot.project_id, "gigabytes"] += snapshot.size if with_snapshots else 0
        reserved = Counter[tuple[str, str]]()
        for one in cinder.quotas.reservations.values():
            reserved[one.project_id, one.resource] += one.delta if one.held else 0
        for project, resource in cinder.quotas.usages:
            usage = cinder.quotas.usage(project, resource)
            if resource in RESOURCES:
                self.demand(
                    (usage.in_use, usage.reserved) == (there[project, resource], reserved[project, resource]),
                    f"cinder counts {usage.in_use} {resource} of project {project} and {usage.reserved} reserved; there are "
                    f"{there[project, resource]}, and {reserved[project, resource]} reserved",
                )

    def _neutron(self) -> None:
        neutron = self.stores.neutron
        tables: dict[str, dict[Any, Any]] = {
            "port": neutron.ports, "network": neutron.networks, "subnet": neutron.subnets,
            "security_group": neutron.groups, "security_group_rule": neutron.rules,
        }  # fmt: skip
        for (project, resource), counted in neutron.owned.items():
            there = sum(row.project_id == project for row in tables[resource].values())
            self.demand(
                counted == there, f"neutron counts {counted} of {resource} for project {project}, and there are {there}"
            )

    def _placement(self) -> None:
        placement, there = self.stores.placement, Counter[tuple[Any, str]]()
        for consumer in placement.consumers.values():
            for allocation in consumer.allocations:
                for name, amount in allocation.resources:
                    there[allocation.resource_provider_uuid, name] += amount
        for uuid, provider in placement.providers.items():
            for name, used in provider.used.items():
                taken = there[uuid, name]
                self.demand(
                    used == taken, f"placement counts {used} {name} of {provider.name}, and {taken} are allocated"
                )


class ReservationsEnd(Invariant):
    """L6."""

    name: ClassVar[str] = "L6"
    title: ClassVar[str] = "reservations end"
    statement: ClassVar[str] = (
        "Reservations of quota are committed, rolled back or expired within their life and an interval of cleaning."
    )
    matters: ClassVar[str] = "Room that nobody uses stays taken."

    def observe(self) -> None:
        self._made = False
        self.watch.hear_method(self.stores.cinder.quotas, "reserve", self._reserved)
        self.watch.hear_table(self.stores.neutron, "reservations", self._reserved)

    def _reserved(self, *_: Any, **__: Any) -> None:
        self._made = True

    def at_rest(self) -> None:
        if not self._made:
            return
        now, skew = self.watch.now, self.watch.skew
        interval = self.cloud.config.cinder.reservation_clean_interval
        for one in self.stores.cinder.quotas.reservations.values():
            if interval is not None:
                late = now - one.expire - interval - skew
                self.demand(late <= 0 or not one.held, f"{one.delta} {one.resource} are reserved {late:.0f} s too long")
        self.exercised = True


QUOTAS = (Quota, QuotaConservation, ReservationsEnd)
