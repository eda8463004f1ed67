"""Boots: what a server costs in simulated time, with few hosts and with many, and how much memory a cloud takes.

Each measurement has a process of its own, and counts the processor's seconds in it. Tokens are Fernet, nothing is traced. Before it
counts, each host that can be chosen has had a server: its image is there, and its services are signed in. What the cloud costs while it
is idle for as long, its heartbeats and audits, is taken off the cost of each server, but not off the servers in a second.
"""

import gc
import logging
import multiprocessing
import resource
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import anyio
import structlog

from actors.cloud import Cloud
from actors.contents import Contents
from actors.hypervisor.models import HostResources
from actors.ids import FlavorId
from actors.neutron.config import NeutronConfig
from actors.nova.config import NovaConfig
from actors.nova.messages.servers import CreateServer
from actors.nova.models import QuotaSet
from bus.sim import World
from tests.benchmarks.floors import Bound, Floor
from tests.benchmarks.group import Group
from tests.benchmarks.rounds import Case
from tests.benchmarks.scale import Scale

BOOTS, COST, MEMORY, PER_HOST, PER_SERVER = (
    "boots per CPU s",
    "ms of CPU each, idle hosts aside",
    "GB in all",
    "kB a host",
    "kB a server",
)
HOST = HostResources(vcpus=64, memory_mb=524_288, local_gb=4000)
UNLIMITED = NovaConfig(send_service_user_token=True, quota=QuotaSet(instances=-1, cores=-1, ram=-1))
NO_LIMIT = NeutronConfig(quota_port=-1, enable_security_group=False)
"""One project has all the servers; agents of ten thousand hosts need not know each other's addresses."""
A_SECOND = 15
"""Servers asked for in a simulated second for each ten hosts, up to two hundred."""


def group(scale: Scale) -> Group:
    """The table of clouds."""
    few, *_, some, many = scale.hosts[0], *scale.hosts
    cases = [Case(_row(hosts), "a burst of boots", partial(_alone, hosts, scale.boots)) for hosts in scale.hosts]
    burst = Case(_with(some, scale.burst), "one burst", partial(_alone, some, scale.burst), once=True)
    full = Case(
        _with(many, scale.servers), "one burst, every server running", partial(_alone, many, scale.servers), once=True
    )
    floors = [
        Floor(_row(few), BOOTS, (Bound(400),)),
        Floor(_row(many), COST, (Bound(1.5, _row(few), most=True),)),
        Floor(_with(many, scale.servers), MEMORY, (Bound(4, most=True),)),
    ]
    return Group("boots", "servers booted in simulated time", [*cases, burst, full], None, floors)


def _row(hosts: int) -> str:
    return f"{hosts:,} hosts"


def _with(hosts: int, servers: int) -> str:
    return f"{_row(hosts)} with {servers:,} servers"


def _alone(hosts: int, servers: int) -> Mapping[str, float]:
    """A case's `run`."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_measure, hosts, servers).result()


def _measure(hosts: int, servers: int) -> Mapping[str, float]:
    async def program(world: World) -> Mapping[str, float]:
        before = _memory()
        cloud = Cloud(hosts=hosts, host=HOST, nova=UNLIMITED, neutron=NO_LIMIT, contents=Contents(cidr="10.0.0.0/8"))
        await cloud.start(world.bus, world.random)
        empty = _memory()
        warm = min(hosts, UNLIMITED.max_placement_results)
        await _burst(cloud, warm)
        start, began = time.process_time(), world.now
        await _burst(cloud, servers)
        spent, start = time.process_time() - start, time.process_time()
        await anyio.sleep(world.now - began)
        idle = time.process_time() - start
        after = _memory()
        return {
            BOOTS: servers / spent,
            COST: 1000 * (spent - idle) / servers,
            MEMORY: after / 1e6,
            PER_HOST: (empty - before) / hosts,
            PER_SERVER: (after - empty) / (servers + warm),
        }

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    return World(max_steps=None).run(program)


async def _burst(cloud: Cloud, servers: int) -> None:
    """Ask for servers, one after the other, and wait until all of them run."""
    demo, rows = cloud.session("demo"), cloud.stores.nova.instances
    pause = 1 / min(200, max(1, A_SECOND * len(cloud.hosts) // 10))
    wanted = len(rows) + servers
    request = CreateServer(name="server", flavor_ref=FlavorId("1"), image_ref=cloud.image, key_name="demo-key")
    for _ in range(servers):
        await demo.ask(request)
        await anyio.sleep(pause)
    while sum(row.status == "ACTIVE" for row in rows.values()) < wanted:
        await anyio.sleep(1)
        if errors := [row.uuid for row in rows.values() if row.status == "ERROR"]:
            raise RuntimeError(f"server {errors[0]} failed: {cloud.stores.nova.faults[errors[0]]}")


def _memory() -> int:
    """Kilobytes that this process has taken at most."""
    gc.collect()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
