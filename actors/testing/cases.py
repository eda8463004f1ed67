"""Cases that a seed stands for: for hunts, which draw without Hypothesis. The strategies draw the same things, and shrink them."""

from collections.abc import Callable
from random import Random
from typing import Final

import attrs

from actors.auth_token import AuthTokenConfig
from actors.cloud import CloudConfig, Members
from actors.hypervisor.config import HypervisorConfig
from actors.hypervisor.models import HostResources
from actors.keystone.config import KeystoneConfig
from actors.nova.config import NovaConfig
from actors.testing.faults import Fault, Late
from actors.testing.machine import Case
from actors.testing.workloads import (
    Attach,
    Boot,
    CloseProject,
    Delete,
    Detach,
    Exchange,
    Flush,
    LoseRole,
    MakeVolume,
    Migrate,
    NewPassword,
    OnServer,
    Operation,
    Poll,
    Reboot,
    RemoveVolume,
    Rotate,
    SignOut,
    Snapshot,
    StopAndStart,
    Suspend,
)

SMALL: Final = CloudConfig(
    hosts=2,
    nova=NovaConfig(
        send_service_user_token=True,
        vif_plugging_timeout=60.0,
        running_deleted_instance_poll_interval=120.0,
        sync_power_state_interval=120.0,
        live_migration_completion_timeout=60.0,
        long_rpc_timeout=300.0,
        block_device_allocate_retries_interval=1.0,
    ),
    hypervisor=HypervisorConfig(spawn_seconds=2.0, snapshot_seconds_per_gb=3.0),
)
"""A small cloud whose timeouts and janitors' intervals are minutes, so that it soon comes to rest."""


def overbooked(base: CloudConfig) -> CloudConfig:
    """A cloud whose hosts have room for one server each, where Placement thinks that there is room for two: builds fail, and are tried elsewhere."""
    return attrs.evolve(
        base,
        host=HostResources(vcpus=1, memory_mb=65_536, local_gb=1000),
        hypervisor=attrs.evolve(base.hypervisor, cpu_overcommit=1.0),
        nova=attrs.evolve(base.nova, initial_cpu_allocation_ratio=2.0),
    )


SERVERS: Final = ("a", "b", "c")
VOLUMES: Final = ("v", "w")
LONGEST: Final = 40.0
"""Seconds within which operations of a workload begin."""


EXPIRATIONS: Final = (3600, 3600, 300, 130)
"""Seconds that tokens live. Those of 120 or less are none that services could work with: they sign in anew when so much is left
(keystoneauth's `MIN_TOKEN_LIFE_SECONDS`), and a call with a new one may take as long before it is looked at."""
LONG: Final = 1000
"""Seconds beyond which a token outlives a run; users with one that does not have had it for a while when the workload begins."""
DENSE: Final = 0.4
"""Share of the cases in which all happens around one moment."""


def random_case(chance: Random) -> Case:
    """A case, drawn."""
    workload = dense_workload(chance) if chance.random() < DENSE else random_workload(chance)
    config = random_config(chance)
    age = 0.0 if config.keystone.expiration > LONG else round(chance.uniform(0, config.keystone.expiration), 1)
    return Case(workload=workload, config=config, faults=random_delays(chance), age=age)


def random_workload(chance: Random, *, most: int = 8) -> tuple[Operation, ...]:
    """Some operations, among which are boots."""
    boots = [
        Boot(at=_when(chance, 5.0), server=name, volume=chance.random() < 0.25, apart=chance.random() < 0.25)
        for name in SERVERS[: chance.randint(1, len(SERVERS))]
    ]
    volumes = [MakeVolume(at=_when(chance, 5.0), volume=name) for name in VOLUMES[: chance.randint(0, len(VOLUMES))]]
    others = [chance.choice((*ON_THINGS, *ON_TOKENS))(chance) for _ in range(chance.randint(1, most))]
    return (*boots, *volumes, *others)


def dense_workload(chance: Random, *, most: int = 10) -> tuple[Operation, ...]:
    """Two boots and two volumes, and all that can be done to them around one moment, whatever state they are in."""
    moment = chance.uniform(3, 15)
    boots = [
        Boot(
            at=_when(chance, 4.0), server=name, volume=chance.random() < 0.3, apart=chance.random() < 0.3,
            disk=chance.choice((None, *VOLUMES)),
        )
        for name in SERVERS[:2]
    ]  # fmt: skip
    volumes = [MakeVolume(volume=name) for name in VOLUMES]
    others = [chance.choice(ON_THINGS)(chance) for _ in range(chance.randint(2, most))]
    return (*boots, *volumes, *(_at_once(one, max(0.0, chance.gauss(moment, 3)), chance) for one in others))


def _at_once(operation: Operation, at: float, chance: Random) -> Operation:
    """The same around *at*, without waiting for anything to be ready."""
    at = round(at, 3)
    if isinstance(operation, OnServer):
        return attrs.evolve(operation, at=at, server=chance.choice(SERVERS[:2]), ready=False)
    return attrs.evolve(operation, at=at)


def _when(chance: Random, most: float = LONGEST) -> float:
    """Half of what happens does so within the first seconds, where boots are under way."""
    return round(chance.uniform(0, most if chance.random() < 0.5 else min(most, 8.0)), 3)


def _server(chance: Random) -> str:
    return chance.choice(SERVERS)


ON_THINGS: Final[tuple[Callable[[Random], Operation], ...]] = (
    lambda c: Delete(at=_when(c), server=_server(c)),
    lambda c: Delete(at=_when(c), server=_server(c), ready=True),
    lambda c: Snapshot(at=_when(c), server=_server(c), ready=c.random() < 0.8),
    lambda c: Migrate(at=_when(c), server=_server(c), ready=c.random() < 0.8),
    lambda c: Reboot(at=_when(c), server=_server(c), hard=c.random() < 0.5, ready=c.random() < 0.8),
    lambda c: StopAndStart(at=_when(c), server=_server(c), pause=_when(c), ready=c.random() < 0.8),
    lambda c: Attach(at=_when(c), server=_server(c), volume=c.choice(VOLUMES)),
    lambda c: Attach(at=_when(c), server=_server(c), volume=c.choice(VOLUMES)),
    lambda c: Detach(at=_when(c), server=_server(c), volume=c.choice(VOLUMES)),
    lambda c: RemoveVolume(at=_when(c), volume=c.choice(VOLUMES)),
)
"""Makers of operations on servers and volumes."""

ON_TOKENS: Final[tuple[Callable[[Random], Operation], ...]] = (
    lambda c: Poll(at=_when(c), seconds=c.uniform(5, 40)),
    lambda c: Exchange(at=_when(c)),
    lambda c: Flush(at=_when(c)),
    lambda c: SignOut(at=_when(c), elsewhere=c.random() < 0.5),
    lambda c: NewPassword(at=_when(c)),
    lambda c: LoseRole(at=_when(c), seconds=c.uniform(0, 20)),
    lambda c: Suspend(at=_when(c), seconds=c.uniform(0, 20)),
    lambda c: CloseProject(at=_when(c), seconds=c.uniform(0, 20)),
    lambda c: Rotate(at=_when(c)),
)
"""Makers of operations on users, their tokens and keys."""

DELAYED: Final = (
    "BuildAndRunInstance", "SelectDestinations", "ScheduleAndBuildInstances", "UpdateAllocations", "CreatePort", "UpdatePort",
    "ValidateToken", "TerminateInstance", "CreateExternalEvents", "AttachVolumeToInstance", "CreateAttachment", "UpdateAttachment",
    "ShowImage", "ListPorts", "GetDevicesDetails", "UpdateDeviceList", "PreLiveMigration", "MigrateGuest", "SpawnGuest",
    "DeletePort", "DeleteAttachment", "DeleteAllocations", "UploadImage", "LiveMigration", "ConnectAttachment",
)  # fmt: skip
"""Messages whose delay is worth a try."""


def random_delays(chance: Random) -> tuple[Fault, ...]:
    """Two late messages at most: no faults that lose anything."""
    return tuple(
        Late(
            message=chance.choice(DELAYED), nth=chance.randint(1, 3), seconds=round(chance.uniform(0, 20), 3),
            answer=chance.random() < 0.5,
        )
        for _ in range(chance.choice((0, 0, 1, 2)))
    )  # fmt: skip


def random_config(chance: Random, base: CloudConfig = SMALL) -> CloudConfig:
    """A small cloud with tokens of some kind."""
    provider = chance.choice(("fernet", "fernet", "fernet", "uuid"))
    expiration = chance.choice(EXPIRATIONS)
    keystones = chance.choice((1, 1, 2))
    return attrs.evolve(
        chance.choice((base, base, base, overbooked(base))),
        hosts=chance.choice((2, 2, 1, 3)),
        members=Members(keystone=keystones, nova_conductor=chance.choice((1, 2)), nova_scheduler=chance.choice((1, 2))),
        keystone=KeystoneConfig(
            provider=provider,
            expiration=expiration,
            allow_expired_window=600,
            max_active_keys=12,
            password_hash_rounds=1,
        ),
        auth_token=AuthTokenConfig(token_cache_time=chance.choice((300, 300, 10, -1))),
        shared_token_cache=chance.random() < 0.5,
    )
