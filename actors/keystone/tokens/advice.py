"""How many Fernet keys must be kept, and which tokens a plan for rotating them loses.

A key is primary for one rotation interval, then secondary for `max_active_keys` - 2 of them, then gone (with one key
kept, as with two, it is gone when the next becomes primary). So the token that is worst off is the one issued just
before a rotation: its key is as good as secondary already, and `readable_for` is all it has.

Keystone's Fernet FAQ asks for `expiration / rotation_interval + 2` keys, rounded up, and with service tokens adds
`allow_expired_window` to the expiration. That is exact for one node. It is silent about the time until a rotation has
reached the other nodes:

* A node that has not heard of it goes on to issue tokens with the old key, which the rotated node will drop all the
  same. Such a token has `distribution_delay` less to live.
* That node knows the new primary key as its staged one, but only of the next rotation. Once another is made before the
  first has arrived, it cannot read what the rotated node issues, however many keys are kept.

All times are whole seconds, as Keystone's options are.
"""

import math

from attrs import field, frozen
from attrs.validators import ge

from actors.keystone.tokens.rotation import DEFAULT_MAX_ACTIVE_KEYS


@frozen(kw_only=True)
class KeyPlan:
    """How keys are rotated."""

    rotation_interval: int = field(validator=ge(1))
    """Seconds between two rotations."""
    distribution_delay: int = field(default=0, validator=ge(0))
    """Seconds at most until a rotation has reached every node; 0 for a single node."""
    max_active_keys: int = field(default=DEFAULT_MAX_ACTIVE_KEYS, validator=ge(1))
    """`[fernet_tokens] max_active_keys`."""

    @property
    def arrives_in_time(self) -> bool:
        """Whether every node has a rotation before the next; if not, no number of keys helps."""
        return self.distribution_delay < self.rotation_interval

    @property
    def readable_for(self) -> int:
        """Seconds for which every token can be opened on every node, whenever and wherever it was issued."""
        if not self.arrives_in_time:
            return 0
        return max(0, (self.max_active_keys - 2) * self.rotation_interval - self.distribution_delay)

    def lost_before_rotation(self, life: int) -> int:
        """Tell for how long before a node's every rotation the tokens it issues will lose their key before their end.

        Args:
            life: Seconds for which tokens count.

        Returns:
            Seconds, at most the interval; 0 if no token is lost.
        """
        if not self.arrives_in_time:
            return self.rotation_interval if life else 0
        kept = (max(2, self.max_active_keys) - 2) * self.rotation_interval
        return min(self.rotation_interval, max(0, life and life + self.distribution_delay - kept))

    def keys_needed(self, life: int) -> int | None:
        """Tell the smallest `max_active_keys` with which no token is lost; None if there is none.

        Two at least, for with one no key is ever secondary.
        """
        if not self.arrives_in_time:
            return None
        return 2 + math.ceil((life + self.distribution_delay) / self.rotation_interval) if life else 2


def keys_documented(life: int, rotation_interval: int) -> int:
    """Tell how many keys Keystone's FAQ asks for; arguments in seconds."""
    return math.ceil(life / rotation_interval) + 2
