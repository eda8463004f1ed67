"""A server's guest on the hypervisor: its image, its network, itself (nova's `virt/libvirt/driver.py`)."""

from collections.abc import Awaitable, Callable, Iterable

import anyio

from actors.context import RequestContext
from actors.errors import CloudError
from actors.glance.messages import DownloadImage
from actors.hypervisor.messages import ChangePower, DestroyGuest, LockImage, PutImage, SpawnGuest, UnlockImage
from actors.hypervisor.models import Disk, GuestDefinition, HostResources, Interface, PowerAction
from actors.ids import ImageId, PortId
from actors.neutron.rpc import PlugInterface, UnplugInterface, l2_agent
from actors.nova.errors import VirtualInterfaceCreateException
from actors.nova.models import BlockDevice, Instance, Vif
from actors.nova.rpc import MONITOR
from actors.nova.service.events import Key
from actors.nova.service.host import ComputeHost
from bus.errors import BusError

PLUGGED = "network-vif-plugged"


def define(instance: Instance, disks: tuple[BlockDevice, ...], vifs: tuple[Vif, ...]) -> GuestDefinition:
    """The guest of a server."""
    flavor = instance.flavor
    local = flavor.ephemeral + (flavor.disk if instance.image_ref is not None else 0)
    return GuestDefinition(
        server=instance.uuid,
        resources=HostResources(vcpus=flavor.vcpus, memory_mb=flavor.ram, local_gb=local),
        image=instance.image_ref,
        disks=tuple(
            Disk(volume=disk.volume_id, mountpoint=disk.device_name or "")
            for disk in disks
            if disk.volume_id is not None
        ),
        interfaces=tuple(Interface(port=vif.port_id, mac_address=vif.address) for vif in vifs),
    )


class Guests(ComputeHost):
    """Spawns and destroys guests."""

    async def spawn(
        self, instance: Instance, networks: Callable[[], Awaitable[tuple[Vif, ...]]], context: RequestContext
    ) -> None:
        """Fetch the image, wait for the ports, plug them, and start the guest; let it go on when they are wired.

        Raises:
            VirtualInterfaceCreateException: if they are not, in time.
            CloudError: what Glance, Neutron or the hypervisor refuses.
            BusError: if one of them does not answer.
        """
        if instance.image_ref is not None:
            await self.fetch_image(instance.image_ref, context)
        vifs = await networks()
        definition = define(instance, self.disks(instance.uuid), vifs)
        keys: list[Key] = [(PLUGGED, vif.port_id) for vif in vifs if not vif.active]
        waits = bool(keys) and self.config.vif_plugging_timeout > 0
        expected = self.events.expect(instance.uuid, keys) if waits else []
        try:
            await self.plug(vifs)
            await self.driver(SpawnGuest(definition=definition, paused=waits), context)
            with anyio.move_on_after(self.config.vif_plugging_timeout) as scope:
                for event in expected:
                    await event.happened.wait()
            failed = any(event.status != "completed" for event in expected)
        finally:
            self.events.forget(instance.uuid, keys)
        if waits and failed and self.config.vif_plugging_is_fatal:
            await self.driver(DestroyGuest(server=instance.uuid), context)
            why = "in time" if scope.cancelled_caught else "at all"
            raise VirtualInterfaceCreateException(
                f"Virtual Interface creation failed: the network was not plugged {why}"
            )
        if waits:
            await self.driver(ChangePower(server=instance.uuid, action=PowerAction.UNPAUSE), context)

    async def destroy(self, instance: Instance, context: RequestContext) -> None:
        """End a guest, and unplug its ports."""
        await self.driver(DestroyGuest(server=instance.uuid), context)
        await self.unplug(instance.info_cache)

    async def fetch_image(self, image: ImageId, context: RequestContext) -> None:
        """See to it that a base image is in the host's cache; the user's token fetches it (`_base`, behind a lock).

        Raises:
            CloudError: what Glance answers.
        """
        if await self.driver(LockImage(image=image), context):
            return
        try:
            data = await self.calls.as_user(DownloadImage(image_id=image), context, monitor=MONITOR)
        except (CloudError, BusError):
            await self.driver(UnlockImage(image=image), context)
            raise
        await self.driver(PutImage(image=image, size=data.size), context)

    async def plug(self, vifs: tuple[Vif, ...]) -> None:
        """Put a guest's interfaces on the host's bridge."""
        for vif in vifs:
            await self.bus.ask(PlugInterface(port_id=vif.port_id), to=l2_agent(self.host))

    async def unplug(self, vifs: tuple[Vif, ...]) -> None:
        """Take them off; a bridge that does not answer is left as it is."""
        await self.unplug_ports(vif.port_id for vif in vifs)

    async def unplug_ports(self, ports: Iterable[PortId]) -> None:
        """The same, by the ids of the ports."""
        for port in ports:
            try:
                await self.bus.ask(UnplugInterface(port_id=port), to=l2_agent(self.host))
            except BusError as error:
                self.log.warning("interface not unplugged", port=port, error=repr(error))
