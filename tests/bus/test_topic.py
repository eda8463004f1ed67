"""Targets are addresses that mean something."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus import Target
from bus.errors import InvalidTarget, UsageError

names = st.text(max_size=5)


@given(topic=names, server=st.none() | names, fanout=st.booleans())
def test_a_target_needs_a_topic_and_means_one_or_all(topic, server, fanout):
    contradictory = not topic or (fanout and server is not None)
    try:
        target = Target(topic, server, fanout)
    except InvalidTarget:
        assert contradictory
    else:
        assert not contradictory
        assert (target.topic, target.server, target.fanout) == (topic, server, fanout)


def test_a_wrong_target_is_a_wrong_use_of_the_library():
    with pytest.raises(UsageError, match="leave out server='host1'"):
        Target("compute", "host1", fanout=True)


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (Target("compute"), "compute"),
        (Target("compute", "host1"), "compute.host1"),
        (Target("compute", fanout=True), "compute.*"),
    ],
)
def test_a_target_reads_as_a_dotted_name(target, text):
    assert str(target) == text


def test_targets_are_values():
    assert {Target("a", "1"), Target("a", "1")} == {Target("a", "1")}
