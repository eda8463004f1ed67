"""What people do with volumes."""

import attrs

from actors.cinder.messages import CreateVolume, DeleteVolume
from actors.ids import ServerId
from actors.nova.messages.servers import AttachVolume, DetachVolume
from actors.testing.stage import Stage
from actors.testing.workloads.base import PATIENCE, Operation, volume_status
from actors.testing.workloads.servers import OnServer


@attrs.frozen(kw_only=True, repr=False)
class MakeVolume(Operation):
    """The user creates a volume of 1 GB.

    Attributes:
        volume: its name.
    """

    volume: str

    def announce(self, stage: Stage) -> None:
        """Whoever wants to do something with the volume waits for this."""
        stage.volumes.announce(self.volume)

    async def run(self, stage: Stage) -> None:
        """Ask for it, and put it on the stage as soon as it is accepted."""
        made = await stage.attempt(stage.demo.ask(CreateVolume(name=self.volume, size=1)))
        stage.volumes.put(self.volume, None if made is None else made.id)


@attrs.frozen(kw_only=True, repr=False)
class RemoveVolume(Operation):
    """The user deletes a volume."""

    volume: str

    async def run(self, stage: Stage) -> None:
        """Ask for it."""
        volume = await stage.volumes.get(self.volume)
        if volume is not None:
            await stage.attempt(stage.demo.ask(DeleteVolume(volume_id=volume)))


@attrs.frozen(kw_only=True, repr=False)
class Attach(OnServer):
    """The user attaches a volume to a server.

    Attributes:
        volume: its name.
    """

    volume: str
    ready: bool = True

    async def act(self, stage: Stage, server: ServerId) -> None:
        """Wait for the volume, and ask for it."""
        volume = await stage.volumes.get(self.volume)
        if volume is not None:
            await stage.wait_until(lambda: volume_status(stage, volume) != "creating", PATIENCE)
            await stage.attempt(stage.demo.ask(AttachVolume(server_id=server, volume_id=volume)))


@attrs.frozen(kw_only=True, repr=False)
class Detach(OnServer):
    """The user detaches a volume from a server, once it is attached.

    Attributes:
        volume: its name.
    """

    volume: str
    ready: bool = True

    async def act(self, stage: Stage, server: ServerId) -> None:
        """Wait for the attachment for a while, and ask for it."""
        volume = await stage.volumes.get(self.volume)
        if volume is not None:
            await stage.wait_until(lambda: volume_status(stage, volume) == "in-use", PATIENCE)
            await stage.attempt(stage.demo.ask(DetachVolume(server_id=server, volume_id=volume)))
