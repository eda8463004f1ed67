"""A boot: a user signs in, asks for a server, and looks how it is.

Then the same with bodies as openstacksdk sends them, and with some that Nova refuses.

    python examples/boot.py
"""

from actors.client.session import Session
from actors.client.waiting import wait_for_server
from actors.cloud import Cloud
from actors.errors import BadRequest
from actors.ids import FlavorId
from actors.keystone.requests import read_sign_in
from actors.nova.messages.servers import CreateServer
from actors.nova.requests.servers import read_create_server
from bus.sim import World

SIGN_IN = {"auth": {
    "identity": {"methods": ["password"], "password": {
        "user": {"password": "demo-secret", "name": "demo", "domain": {"name": "Default"}}}},
    "scope": {"project": {"name": "demo", "domain": {"name": "Default"}}},
}}  # fmt: skip
SERVER = {
    "flavorRef": "1", "imageRef": "c1205000-0000-4000-8000-000000000001", "key_name": "demo-key", "max_count": 1, "min_count": 1,
    "name": "two", "networks": "auto",
}  # fmt: skip


async def boot(session: Session, request: CreateServer, world: World) -> None:
    (created,) = await session.ask(request)
    print(f"{world.now:4.1f} s  {request.name} is accepted")
    server = await wait_for_server(session, created.id)
    print(
        f"{world.now:4.1f} s  {server.name} is {server.status}, with {server.addresses[0].addr} on {server.addresses[0].network}"
    )


async def main(world: World) -> None:
    cloud = await Cloud().start(world.bus, world.random)
    demo = cloud.session("demo")
    await boot(demo, CreateServer(name="one", flavor_ref=FlavorId("1"), image_ref=cloud.image), world)

    session = Session(world.bus, world.bus.clock, read_sign_in(SIGN_IN))
    await boot(session, read_create_server({"server": SERVER}), world)

    for wrong in ({"name": ""}, {"min_count": 2}, {"flavorRef": "42"}, {"key_name": "lost"}):
        try:
            await session.ask(read_create_server({"server": SERVER | wrong}))
        except BadRequest as error:
            print(f"{wrong}: {error.status} {error.title}: {error}")


if __name__ == "__main__":
    World().run(main)
