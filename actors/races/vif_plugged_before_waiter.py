"""`vif-plugged-before-waiter`: the event that a boot waits for comes before anybody waits for it, and the boot fails five minutes later.

Nova plugs a port, Neutron's agent wires it, and Neutron tells Nova so. An event for which nobody waits is thrown away. Nova registered its
waiter only after the call that sets all of this off. Mostly the wiring took longer than what came between; where it did not, everything
worked but the server: it waited for `vif_plugging_timeout`, and went to error with a network that was up.

Sources: nova 19f9b37721 (LP 1832028), 7a7a223602 (LP 1833902), 236bb54493 (LP 1744361), 80deed6608 (LP 1357599), 8b33ac0644 (LP 1901707);
the design is 2390857d7a. Fixed by registering before the call that makes the event happen.
"""

from collections.abc import Awaitable, Callable

import anyio

from actors.context import RequestContext
from actors.hypervisor.messages import ChangePower, DestroyGuest, SpawnGuest
from actors.hypervisor.models import PowerAction
from actors.neutron.config import NeutronConfig
from actors.nova.errors import VirtualInterfaceCreateException
from actors.nova.models import Instance, Vif
from actors.nova.service.compute import NovaCompute
from actors.nova.service.events import Key
from actors.nova.service.guests import PLUGGED, define
from actors.races.base import Race, Stage
from actors.races.boots import nova, open_small, server

WIRING = 1.25
"""Seconds that the wiring takes: a little longer than to start the guest."""


class LateCompute(NovaCompute):
    """Registers its waiter once the guest is there."""

    async def spawn(
        self, instance: Instance, networks: Callable[[], Awaitable[tuple[Vif, ...]]], context: RequestContext
    ) -> None:
        if instance.image_ref is not None:
            await self.fetch_image(instance.image_ref, context)
        vifs = await networks()
        await self.plug(vifs)
        definition = define(instance, self.disks(instance.uuid), vifs)
        await self.driver(SpawnGuest(definition=definition, paused=True), context)
        keys: list[Key] = [(PLUGGED, vif.port_id) for vif in vifs]
        expected = self.events.expect(instance.uuid, keys)
        with anyio.move_on_after(self.config.vif_plugging_timeout) as scope:
            for event in expected:
                await event.happened.wait()
        self.events.forget(instance.uuid, keys)
        if scope.cancelled_caught:
            await self.driver(DestroyGuest(server=instance.uuid), context)
            raise VirtualInterfaceCreateException("Virtual Interface creation failed")
        await self.driver(ChangePower(server=instance.uuid, action=PowerAction.UNPAUSE), context)


async def scenario(stage: Stage) -> None:
    """A server is booted, whose guest is there in less time than its network, unless something is late."""
    neutron = NeutronConfig(wiring_time=WIRING, send_events_interval=0.5)
    cloud = await open_small(stage, neutron=neutron, nova=nova(vif_plugging_timeout=100.0))
    await stage.together(lambda: cloud.session("demo").ask(server("one")))
    await stage.rest()


RACE = Race(
    name="vif-plugged-before-waiter", invariants=("S23",), min_operations=1, variant={NovaCompute: LateCompute},
    scenario=scenario,
)  # fmt: skip
program, counterpart = RACE.programs()
