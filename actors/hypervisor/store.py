"""What is on a host's disk, and so survives its crash: its guests' definitions, and its base images."""

from actors.hypervisor.models import BaseImage, GuestDefinition, HostResources
from actors.ids import ImageId, ServerId


class HostStore:
    """A host. Make one, and hand it to the hypervisor that runs on it.

    Attributes:
        resources: what it really has.
        slowness: how many times as long as on an ordinary host everything takes. May be changed at any time.
        guests: what is defined, in the order in which it was.
        images: base images.
    """

    __slots__ = ("guests", "images", "resources", "slowness")

    def __init__(self, resources: HostResources, *, slowness: float = 1.0) -> None:
        if slowness <= 0:
            raise ValueError(f"slowness = {slowness}: must be above 0; 1 is an ordinary host, 2 takes twice as long")
        self.resources = resources
        self.slowness = slowness
        self.guests: dict[ServerId, GuestDefinition] = {}
        self.images: dict[ImageId, BaseImage] = {}
