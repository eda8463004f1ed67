"""Workloads: what people do, and what they take care not to do."""

from re import fullmatch

import attrs

from actors.cloud import Members
from actors.keystone.config import KeystoneConfig
from actors.testing.cases import SMALL
from actors.testing.machine import Case, run_case
from actors.testing.workloads import Rotate
from bus.sim import Latency, World
from bus.trace import MemorySink

STEPS = {"RotateKeys": "R", "ChangeKeyFile": "C"}


def test_keys_are_rotated_again_only_when_every_keystone_has_them():
    sink = MemorySink()
    config = attrs.evolve(SMALL, members=Members(keystone=2), keystone=KeystoneConfig(max_active_keys=12))
    case = Case(workload=(Rotate(), Rotate(at=0.1)), config=config, latency=Latency.constant(1.0))

    watch = World(trace=sink).run(lambda world: run_case(case, world))

    steps = [STEPS[one.message] for one in sink.records if one.kind == "done" and one.message in STEPS]
    assert fullmatch("RC+RC+", "".join(steps))
    assert watch.violations == []
