"""Workloads: what people do with a cloud at the same time, as values.

A workload is a tuple of operations, each with the second at which it begins. Operations on a server or a volume name it, and wait until
whoever makes it has got its id: so *delete at 2* means two seconds after the beginning, or as soon as there is something to delete. The cloud
may refuse any of it.
"""

from actors.testing.workloads.base import Operation, Workload, run_workload
from actors.testing.workloads.operators import Flush, Rotate
from actors.testing.workloads.servers import Boot, Delete, Migrate, OnServer, Reboot, Snapshot, StopAndStart
from actors.testing.workloads.tokens import CloseProject, Exchange, LoseRole, NewPassword, Poll, SignOut, Suspend
from actors.testing.workloads.volumes import Attach, Detach, MakeVolume, RemoveVolume

__all__ = [
    "Attach",
    "Boot",
    "CloseProject",
    "Delete",
    "Detach",
    "Exchange",
    "Flush",
    "LoseRole",
    "MakeVolume",
    "Migrate",
    "NewPassword",
    "OnServer",
    "Operation",
    "Poll",
    "Reboot",
    "RemoveVolume",
    "Rotate",
    "SignOut",
    "Snapshot",
    "StopAndStart",
    "Suspend",
    "Workload",
    "run_workload",
]
