"""What a host really has left: what each guest holds, and the limits that overcommitment sets."""

from actors.hypervisor.config import HypervisorConfig
from actors.hypervisor.errors import HostFull
from actors.hypervisor.models import HostResources, PowerState
from actors.hypervisor.states import ON
from actors.ids import ServerId

NOTHING = HostResources()


def held(wants: HostResources, state: PowerState) -> HostResources:
    """What a guest holds: disk always, processors and memory while it is on."""
    return wants if state in ON else HostResources(local_gb=wants.local_gb)


class Ledger:
    """What the guests of a host hold, and their sum, which is kept so that a full host is no slower than an empty one.

    Args:
        has: the host.
        config: how far it overcommits.
    """

    __slots__ = ("_config", "_has", "_holders", "taken")

    def __init__(self, has: HostResources, config: HypervisorConfig) -> None:
        self.taken = NOTHING
        """The sum."""
        self._has = has
        self._config = config
        self._holders: dict[ServerId, HostResources] = {}

    def hold(self, server: ServerId, now: HostResources) -> None:
        """Note what a guest holds from now on, instead of what it held before."""
        before = self._holders.pop(server, NOTHING)
        if now != NOTHING:
            self._holders[server] = now
        self.taken = HostResources(
            vcpus=self.taken.vcpus + now.vcpus - before.vcpus,
            memory_mb=self.taken.memory_mb + now.memory_mb - before.memory_mb,
            local_gb=self.taken.local_gb + now.local_gb - before.local_gb,
        )

    def check_room(self, server: ServerId, wanted: HostResources) -> None:
        """Refuse what the host cannot give.

        Args:
            server: who is to hold it.
            wanted: all that it is to hold, with what it holds already.

        Raises:
            HostFull: if there is not enough left.
        """
        has, taken, config = self._has, self.taken, self._config
        holds = self._holders.get(server, NOTHING)
        for what, total, ratio, in_use, more in (
            ("VCPUs", has.vcpus, config.cpu_overcommit, taken.vcpus, wanted.vcpus - holds.vcpus),
            ("MB of memory", has.memory_mb, config.ram_overcommit, taken.memory_mb, wanted.memory_mb - holds.memory_mb),
            ("GB of disk", has.local_gb, config.disk_overcommit, taken.local_gb, wanted.local_gb - holds.local_gb),
        ):
            if more > 0 and in_use + more > total * ratio:
                raise HostFull(
                    f"{more} {what} are too many: {in_use} of {total * ratio:g} are taken. Try another host, or free some."
                )
