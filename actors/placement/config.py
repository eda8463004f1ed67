"""The options of Placement, with OpenStack's names and defaults (section ``[placement]`` of placement.conf)."""

from typing import Any

import attrs


def _at_least(low: int) -> Any:
    def check(_: object, attribute: "attrs.Attribute[int]", value: int) -> None:
        if value < low:
            raise ValueError(f"[placement] {attribute.name} = {value}: must be {low} or more")

    return check


@attrs.frozen(kw_only=True)
class PlacementConfig:
    """How Placement behaves.

    Attributes:
        allocation_conflict_retry_count: how often the writing of allocations is tried when others change the same
            providers at the same time.
        randomize_allocation_candidates: whether a limited list of candidates is a random sample instead of the first ones.
    """

    allocation_conflict_retry_count: int = attrs.field(default=10, validator=_at_least(1))
    randomize_allocation_candidates: bool = False
