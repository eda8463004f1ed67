"""What every part of nova-api has in common: its databases, its options, and its clock."""

from random import Random

from actors.ids import Ids
from actors.nova.config import NovaConfig
from actors.nova.store import NovaStore
from actors.service import Service


class NovaPart(Service):
    """Base of the parts, each of which answers the calls about one kind of thing. Who puts them together sets these attributes."""

    store: NovaStore
    config: NovaConfig
    ids: Ids
    chance: Random

    @property
    def now(self) -> float:
        """Seconds since 1970 by this service's clock."""
        return self.clock.time()
