"""Which base images are being fetched. Memory of a hypervisor: the lock of a file dies with its host."""

import anyio

from actors.ids import ImageId


class ImageLocks:
    """One lock for each base image that is being fetched.

    Attributes:
        epoch: counts the resets; whoever has waited since before one waits for somebody who is gone.
    """

    __slots__ = ("_held", "epoch")

    def __init__(self) -> None:
        self.epoch = 0
        self._held: dict[ImageId, anyio.Event] = {}

    def take(self, image: ImageId) -> anyio.Event | None:
        """Take the lock, if it is free.

        Returns:
            None if it was; otherwise what is set when it is free again.
        """
        if image in self._held:
            return self._held[image]
        self._held[image] = anyio.Event()
        return None

    def free(self, image: ImageId) -> None:
        """Free a lock, if it is held."""
        held = self._held.pop(image, None)
        if held is not None:
            held.set()

    def reset(self) -> None:
        """Free every lock."""
        self.epoch += 1
        for image in list(self._held):
            self.free(image)
