"""What current OpenStack gets wrong, and the machine does without: each a race of today, with what is put in the place of the piece.

The actors do as OpenStack does, so whatever breaks because of one of these would be found again with every hunt. Each has a race that shows it
(`actors.races`, those with `today=True`), and nothing but its counterpart is exempt: the invariants are all on.
"""

from collections.abc import Mapping
from typing import Final

from actors.nova.service.compute import NovaCompute
from actors.races.reschedule_over_delete import MindfulCompute

MENDED: Final[Mapping[type, type]] = {NovaCompute: MindfulCompute}
"""What is put in the place of which class."""
