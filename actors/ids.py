"""Identifiers, drawn from a generator that somebody owns, in the forms that OpenStack uses."""

from random import Random
from typing import NewType
from uuid import UUID

UserId = NewType("UserId", str)
ProjectId = NewType("ProjectId", str)
DomainId = NewType("DomainId", str)
RoleId = NewType("RoleId", str)
ImageId = NewType("ImageId", str)
FlavorId = NewType("FlavorId", str)
ServerId = NewType("ServerId", str)
NetworkId = NewType("NetworkId", str)
SubnetId = NewType("SubnetId", str)
PortId = NewType("PortId", str)
SecurityGroupId = NewType("SecurityGroupId", str)
VolumeId = NewType("VolumeId", str)
AttachmentId = NewType("AttachmentId", str)
ProviderId = NewType("ProviderId", str)
ConsumerId = NewType("ConsumerId", str)


class Ids:
    """Makes identifiers.

    Args:
        chance: where their bits come from: in a simulation a stream of the world's, so that a run can be replayed.
    """

    def __init__(self, chance: Random) -> None:
        self._chance = chance

    def uuid(self) -> str:
        """A random UUID with dashes, as Nova, Neutron, Cinder, Glance and Placement use."""
        return str(UUID(int=self._chance.getrandbits(128), version=4))

    def hex(self) -> str:
        """A random UUID without dashes, as Keystone uses."""
        return UUID(int=self._chance.getrandbits(128), version=4).hex

    def request(self) -> str:
        """A request id."""
        return f"req-{self.uuid()}"
