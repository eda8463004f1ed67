"""Live migration: a running server moves to another host, with its volume and its address.

What Nova notifies is shown as it comes; Placement holds two allocations meanwhile, one of the server and one of the migration.

    python examples/live_migration.py
"""

import logging

import anyio
import structlog

from actors.client.waiting import wait_for_server
from actors.cloud import Cloud
from actors.ids import FlavorId
from actors.nova.config import NovaConfig
from actors.nova.messages.servers import CreateServer, ListMigrations, LiveMigrateServer, ShowServer
from actors.nova.notifications import InstanceNotification, InstanceUpdate
from bus.actor import Actor
from bus.sim import World


class Listener(Actor):
    """Prints what happens to servers."""

    @InstanceNotification.handler
    async def show(self, msg: InstanceNotification) -> None:
        row = msg.instance
        what = f"{row.vm_state}, {row.task_state}, on {row.host}" if isinstance(msg, InstanceUpdate) else ""
        print(f"{self.clock.monotonic():6.2f} s  {msg.publisher_id:<19} {msg.event_type:<42} {what}".rstrip())


async def main(world: World) -> None:
    nova = NovaConfig(send_service_user_token=True, notify_on_state_change="vm_and_task_state")
    cloud = await Cloud(hosts=2, nova=nova).start(world.bus, world.random)
    demo, admin = cloud.session("demo"), cloud.session("admin")
    (created,) = await demo.ask(CreateServer(name="one", flavor_ref=FlavorId("1"), image_ref=cloud.image))
    before = await wait_for_server(admin, created.id)
    print(f"{world.now:6.2f} s  {before.status} on {before.host}, {before.addresses[0].addr}")

    await world.bus.start(Listener)
    await admin.ask(LiveMigrateServer(server_id=before.id))
    await anyio.sleep(1)
    meanwhile = await demo.ask(ShowServer(server_id=before.id))
    print(f"{world.now:6.2f} s  {meanwhile.status}, {len(cloud.stores.placement.consumers)} consumers in Placement")
    after = await wait_for_server(admin, before.id, interval=0.1)
    (migration,) = await admin.ask(ListMigrations(instance_uuid=after.id))
    print(
        f"{world.now:6.2f} s  {after.status} on {after.host}, {after.addresses[0].addr}; the migration is {migration.status}"
    )
    guests = {host: len(store.guests) for host, store in cloud.stores.hosts.items()}
    print(f"{world.now:6.2f} s  guests: {guests}, and {len(cloud.stores.placement.consumers)} consumer in Placement")


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    World().run(main)
