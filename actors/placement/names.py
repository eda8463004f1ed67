"""The names of resource classes and traits.

Custom names are taken as they come: nobody has to create them first, as ``PUT /traits/{name}`` does in Placement.
"""

import re
from collections.abc import Iterable

from actors.placement.errors import UnknownResourceClass, UnknownTrait

STANDARD_CLASSES = frozenset({
    "VCPU", "MEMORY_MB", "DISK_GB", "PCI_DEVICE", "SRIOV_NET_VF", "NUMA_SOCKET", "NUMA_CORE", "NUMA_THREAD", "NUMA_MEMORY_MB",
    "IPV4_ADDRESS", "VGPU", "VGPU_DISPLAY_HEAD", "NET_BW_EGR_KILOBIT_PER_SEC", "NET_BW_IGR_KILOBIT_PER_SEC", "PCPU",
    "MEM_ENCRYPTION_CONTEXT", "FPGA", "PGPU", "NET_PACKET_RATE_KILOPACKET_PER_SEC", "NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC",
    "NET_PACKET_RATE_IGR_KILOPACKET_PER_SEC",
})  # fmt: skip
"""As in os-resource-classes 1.1."""

_CUSTOM_CLASS = re.compile(r"CUSTOM_[A-Z0-9_]{1,248}")
_TRAIT = re.compile(r"(?:COMPUTE|CUSTOM|HW|MISC|OWNER|STORAGE)_[A-Z0-9_]{1,247}")  # the families of os-traits 3.5


def check_classes(names: Iterable[str]) -> None:
    """Refuse what is no resource class.

    Raises:
        UnknownResourceClass: if one is neither a standard nor a custom class.
    """
    for name in names:
        if name not in STANDARD_CLASSES and _CUSTOM_CLASS.fullmatch(name) is None:
            raise UnknownResourceClass(
                f"No such resource class {name}. Take a standard one, such as VCPU, or a name that begins with CUSTOM_."
            )


def check_traits(names: Iterable[str]) -> None:
    """Refuse what is no trait.

    Raises:
        UnknownTrait: if one belongs to no family of traits.
    """
    for name in sorted(names):
        if _TRAIT.fullmatch(name) is None:
            raise UnknownTrait(f"No such trait(s): {name}. Take a standard one, or a name that begins with CUSTOM_.")
