"""Cases that a seed stands for: for hunts, which draw without Hypothesis. The strategies draw the same things, and shrink them."""

from collections.abc import Callable
from random import Random
from typing import Final

import attrs

from actors.auth_token import AuthTokenConfig
from actors.cloud import CloudConfig, Members
from actors.hypervisor.config import HypervisorConfig
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

SERVERS: Final = ("a", "b", "c")
VOLUMES: Final = ("v", "w")
LONGEST: Final = 40.0
"""Seconds within which operations of a workload begin."""


def random_case(chance: Random) -> Case:
    """A case, drawn."""
    return Case(workload=random_workload(chance), config=random_config(chance), faults=random_delays(chance))


def random_workload(chance: Random, *, most: int = 8) -> tuple[Operation, ...]:
    """Some operations, among which are boots."""
    boots = [
        Boot(at=_when(chance, 5.0), server=name, volume=chance.random() < 0.25, apart=chance.random() < 0.25)
        for name in SERVERS[: chance.randint(1, len(SERVERS))]
    ]
    volumes = [MakeVolume(at=_when(chance, 5.0), volume=name) for name in VOLUMES[: chance.randint(0, len(VOLUMES))]]
    others = [chance.choice(MAKERS)(chance) for _ in range(chance.randint(1, most))]
    return (*boots, *volumes, *others)


def _when(chance: Random, most: float = LONGEST) -> float:
    """Half of what happens does so within the first seconds, where boots are under way."""
    return round(chance.uniform(0, most if chance.random() < 0.5 else min(most, 8.0)), 3)


def _server(chance: Random) -> str:
    return chance.choice(SERVERS)


MAKERS: Final[tuple[Callable[[Random], Operation], ...]] = (
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
"""Makers of operations."""

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
    expiration = chance.choice((3600, 3600, 60, 30))
    keystones = chance.choice((1, 1, 2))
    return attrs.evolve(
        base,
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
