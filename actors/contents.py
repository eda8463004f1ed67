"""What is in a new cloud: flavors, an image, a network, a keypair; made through the APIs, as an operator does it."""

from typing import Final

import attrs
from attrs.validators import ge, gt

from actors.client.session import Session
from actors.glance.messages import CreateImage, UploadImage
from actors.glance.models import ImageData
from actors.ids import FlavorId, ImageId
from actors.neutron.messages import CreateNetwork, CreateSubnet
from actors.nova.messages.flavors import CreateFlavor
from actors.nova.messages.keypairs import CreateKeypair

IMAGE: Final = ImageId("c1205000-0000-4000-8000-000000000001")
"""Id of the image in every new cloud."""
GIB: Final = 1 << 30


@attrs.frozen(kw_only=True)
class Size:
    """A flavor: MB of memory, virtual processors, GB of disk."""

    id: FlavorId
    name: str
    ram: int
    vcpus: int
    disk: int


FLAVORS: Final = (
    Size(id=FlavorId("1"), name="m1.tiny", ram=512, vcpus=1, disk=1),
    Size(id=FlavorId("2"), name="m1.small", ram=2048, vcpus=1, disk=20),
    Size(id=FlavorId("3"), name="m1.medium", ram=4096, vcpus=2, disk=40),
    Size(id=FlavorId("4"), name="m1.large", ram=8192, vcpus=4, disk=80),
)
"""Those that DevStack makes."""


@attrs.frozen(kw_only=True)
class Contents:
    """What to put in.

    Attributes:
        image_name: name of a public image.
        image_bytes: its size.
        image_min_disk: GB that a disk needs to boot it.
        network_name: name of a network that all projects share.
        cidr: addresses of its subnet.
        key_name: name of a keypair of the demo user's.
    """

    image_name: str = "cirros-0.6.3-x86_64-disk"
    image_bytes: int = attrs.field(default=GIB // 8, validator=gt(0))
    image_min_disk: int = attrs.field(default=1, validator=ge(0))
    network_name: str = "shared"
    cidr: str = "10.0.0.0/16"
    key_name: str = "demo-key"


async def furnish(contents: Contents, admin: Session, demo: Session) -> None:
    """Put it in.

    Args:
        contents: what.
        admin: an administrator's session.
        demo: the session of the user to whom the keypair is to belong.
    """
    for size in FLAVORS:
        await admin.ask(CreateFlavor(id=size.id, name=size.name, ram=size.ram, vcpus=size.vcpus, disk=size.disk))
    image = CreateImage(
        id=IMAGE, name=contents.image_name, visibility="public", disk_format="qcow2", container_format="bare",
        min_disk=contents.image_min_disk,
    )  # fmt: skip
    await admin.ask(image)
    data = ImageData(size=contents.image_bytes, content=contents.image_name.encode())
    await admin.ask(UploadImage(image_id=IMAGE, data=data))
    network = await admin.ask(CreateNetwork(name=contents.network_name, shared=True))
    await admin.ask(CreateSubnet(network_id=network.id, cidr=contents.cidr))
    await demo.ask(CreateKeypair(name=contents.key_name))
