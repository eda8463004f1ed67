import attrs
import pytest

from actors.placement.config import PlacementConfig


def test_the_defaults_are_those_of_placement():
    assert attrs.asdict(PlacementConfig()) == {
        "allocation_conflict_retry_count": 10,
        "randomize_allocation_candidates": False,
    }


def test_nonsense_is_refused_with_option_value_and_range():
    with pytest.raises(ValueError, match=r"allocation_conflict_retry_count = 0: must be 1 or more"):
        PlacementConfig(allocation_conflict_retry_count=0)
