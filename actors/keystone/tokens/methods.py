"""Sign-in methods as the bits of a number, as keystone's `auth/plugins/core.py` packs them.

Bit i belongs to the i-th configured method, so two nodes with different lists misread each other's tokens.
"""

from collections.abc import Iterable
from typing import Final

from attrs import Factory, field, frozen

DEFAULT_METHODS: Final = (
    "external",
    "password",
    "token",
    "oauth1",
    "mapped",
    "application_credential",
    "ec2credential",
)
"""`[auth] methods` of keystone 30.0.0; before that without `ec2credential`."""


@frozen
class Methods:
    """The configured sign-in methods, in order."""

    names: tuple[str, ...] = DEFAULT_METHODS
    _bits: dict[str, int] = field(
        init=False,
        repr=False,
        eq=False,
        default=Factory(lambda self: _number_highest_first(self.names), takes_self=True),
    )

    def pack(self, methods: Iterable[str]) -> int:
        """Add up the bits of *methods*.

        This is a sum, as in Keystone: a name given twice counts twice, and so reads as another method. A name that is
        not configured counts nothing.
        """
        return sum([self._bits.get(name, 0) for name in methods])

    def unpack(self, mask: int) -> tuple[str, ...]:
        """Name the bits of *mask*, highest first; none at all if it is beyond the configured ones."""
        if not 0 <= mask < 1 << len(self.names):
            return ()
        return tuple([name for name, bit in self._bits.items() if mask & bit])


def _number_highest_first(names: tuple[str, ...]) -> dict[str, int]:
    return {name: 1 << index for index, name in reversed(tuple(enumerate(names)))}
