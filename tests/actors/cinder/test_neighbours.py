"""What Cinder sends to Glance."""

import pytest

from actors.cinder.neighbours import Glance
from actors.context import Credentials, RequestContext
from actors.glance.messages import DownloadImage, ShowImage
from actors.glance.models import Image, ImageData
from actors.ids import UserId
from bus.actor import Actor
from bus.broker import current
from bus.sim import World
from tests.actors.cinder.depot import CIRROS, IMAGES

DEMO = RequestContext(user_id=UserId("demo"), token="demo's", request_id="req-1")


class Witness(Actor):
    """A Glance that remembers what came beside the requests."""

    topic = "glance"

    def __init__(self, seen: list[object]) -> None:
        self.seen = seen

    @ShowImage.handler
    async def show(self, msg: ShowImage) -> Image:
        self.seen.append(current().context)
        return IMAGES[msg.image_id]

    @DownloadImage.handler
    async def download(self, msg: DownloadImage) -> ImageData:
        self.seen.append(current().context)
        return ImageData(size=1)


async def own_token() -> str:
    return "cinder's"


@pytest.mark.parametrize(("give", "sent"), [(None, None), (own_token, "cinder's")])
def test_the_users_token_and_cinders_own_if_it_is_told_so(give, sent):
    seen: list[object] = []

    async def program(world: World) -> None:
        await world.bus.start(Witness, seen)
        glance = Glance(give)
        assert await glance.show(world.bus, CIRROS, DEMO) == IMAGES[CIRROS]
        await glance.download(world.bus, CIRROS, DEMO)

    World().run(program)
    assert seen == [Credentials(token="demo's", service_token=sent, request_id="req-1")] * 2
