"""No token, password or key shows in what a cloud logs, traces, raises, or represents itself as."""

from collections.abc import Iterator
from typing import Any

import anyio
import attrs
import pytest
import structlog

from actors.accounts import ACCOUNTS
from actors.cloud import Cloud, CloudConfig
from actors.errors import CloudError
from actors.keystone.config import KeystoneConfig
from actors.keystone.messages import Authenticate, ChangePassword, RevokeToken
from actors.keystone.models import IssuedToken
from actors.nova.config import NovaConfig
from actors.testing.operations import OPERATIONS
from bus.errors import BusError
from bus.middleware import Middleware
from bus.sim import World
from bus.trace import MemorySink


class Overhearing(Middleware):
    """Knows every token and every password that was made, and what everything that was sent or answered looks like."""

    def __init__(self) -> None:
        self.secrets = {f"{name}-secret" for name in ACCOUNTS}
        self.texts: list[str] = []

    async def handle(self, passage: Any, proceed: Any) -> Any:
        self.texts += [repr(passage.message), repr(passage)]
        if isinstance(passage.message, Authenticate) and passage.message.password is not None:
            self.secrets.add(passage.message.password)
        try:
            answer = await proceed()
        except CloudError as error:
            self.texts += [repr(error), str(error), *getattr(error, "__notes__", ())]
            raise
        self.texts.append(repr(answer))
        if isinstance(answer, IssuedToken):
            self.secrets.add(answer.id)
        for created in answer if isinstance(answer, tuple) else ():
            self.secrets |= {getattr(created, "admin_pass", None)} - {None}
        return answer


def rows(thing: Any, depth: int = 3) -> Iterator[Any]:
    """Whatever is in the tables of a store."""
    if attrs.has(type(thing)):
        yield thing
    elif isinstance(thing, dict):
        for value in thing.values():
            yield from rows(value, depth)
    elif isinstance(thing, (list, tuple)):
        for value in thing:
            yield from rows(value, depth)
    elif depth and hasattr(thing, "__dict__"):
        for value in vars(thing).values():
            yield from rows(value, depth - 1)


async def live(cloud: Cloud) -> None:
    """Use the cloud, rightly and wrongly."""
    demo = cloud.session("demo")
    for name in ("boot", "snapshot", "delete", "boot from volume"):
        await OPERATIONS[name].act(cloud, demo)
        await anyio.sleep(60)
    await demo.ask(ChangePassword(original_password="demo-secret", password="another-secret"))
    for wrong in (
        cloud.account("demo"),
        RevokeToken(subject="not-a-token-but-a-secret-all-the-same"),
        attrs.evolve(cloud.account("admin"), password="a-wrong-secret"),
    ):
        with pytest.raises((CloudError, BusError)):
            await demo.ask(wrong)


@pytest.mark.parametrize("provider", ["fernet", "jws", "uuid", "pki", "pkiz"])
@pytest.mark.parametrize("service_tokens", [True, False])
def test_nothing_that_a_cloud_says_of_itself_holds_a_secret(provider, service_tokens):
    overhearing, trace = Overhearing(), MemorySink()

    async def program(world: World) -> list[Any]:
        config = CloudConfig(
            keystone=KeystoneConfig(provider=provider), nova=NovaConfig(send_service_user_token=service_tokens)
        )
        cloud = await Cloud(config).start(world.bus, world.random)
        await live(cloud)
        stores = (getattr(cloud.stores, field.name) for field in attrs.fields(type(cloud.stores)))
        return [*rows(list(stores)), cloud.config, cloud.stores]

    with structlog.testing.capture_logs() as logs:
        said = World(trace=trace, middleware=[overhearing]).run(program)

    texts = [*map(repr, said), *map(repr, logs), *(record.json() for record in trace.records), *overhearing.texts]
    assert len(overhearing.secrets) > 10
    assert [secret for secret in overhearing.secrets if any(secret in text for text in texts)] == []
