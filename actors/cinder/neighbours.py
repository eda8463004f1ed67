"""What Cinder asks of Glance and Nova."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from actors.context import Credentials, RequestContext
from actors.glance.messages import DownloadImage, ShowImage
from actors.glance.models import Image
from actors.ids import AttachmentId, ImageId, ServerId, VolumeId
from bus.broker import Bus

SILENCE = 60.0
"""Seconds without a sign of life after which a download has failed."""


class Glance:
    """Glance, asked with the user's token.

    Args:
        service_token: gives the token of Cinder's own account, to be sent beside the user's, as
            `[service_user] send_service_user_token` does; None to send none, which is the default there.
    """

    def __init__(self, service_token: Callable[[], Awaitable[str]] | None = None) -> None:
        self._service_token = service_token

    async def show(self, bus: Bus, image_id: ImageId, context: RequestContext) -> Image:
        """Describe an image.

        Raises:
            CloudError: what Glance answers, such as 404, or 401 for a token that has expired.
        """
        return await bus.ask(ShowImage(image_id=image_id), context=await self._credentials(context))

    async def download(self, bus: Bus, image_id: ImageId, context: RequestContext) -> None:
        """Fetch an image's bytes, which takes as long as it takes.

        Raises:
            CloudError: as above.
            AskTimeout: if Glance shows no sign of life any more.
        """
        await bus.ask(DownloadImage(image_id=image_id), monitor=SILENCE, context=await self._credentials(context))

    async def _credentials(self, context: RequestContext) -> Credentials:
        own = None if self._service_token is None else await self._service_token()
        return Credentials(token=context.token, service_token=own, request_id=context.request_id)


class Servers(Protocol):
    """Nova, asked with the user's token."""

    async def volume_attachment(
        self, bus: Bus, server_id: ServerId, volume_id: VolumeId, context: RequestContext
    ) -> AttachmentId | None:
        """The attachment by which a server uses a volume; None if there is no such server, or it does not use it."""
        ...
