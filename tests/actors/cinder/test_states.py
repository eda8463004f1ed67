"""The tables of states."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.cinder import states
from actors.cinder.states import SNAPSHOT_STATUSES, VOLUME_STATUSES, Move, after_detach

MOVES = {name: value for name, value in vars(states).items() if isinstance(value, Move)}


@pytest.mark.parametrize("name", MOVES)
def test_every_move_is_between_states_that_there_are(name):
    known = SNAPSHOT_STATUSES if "SNAPSHOT" in name else VOLUME_STATUSES
    assert {*MOVES[name].expected, MOVES[name].becomes} <= set(known)


def test_only_what_rests_can_be_deleted_extended_reserved_or_copied():
    at_work = {"creating", "attaching", "detaching", "extending", "uploading", "deleting", "maintenance"}
    for name in ("DELETE", "EXTEND", "RESERVE", "RESERVE_MULTIATTACH", "DELETE_SNAPSHOT"):
        assert not at_work & set(MOVES[name].expected)
    assert not at_work & {*states.SNAPSHOT_SOURCES, *states.VOLUME_SOURCES}


@pytest.mark.parametrize(
    ("attachments", "status", "attach_status"),
    [
        ([], "available", "detached"),
        (["error_attaching"], "available", "detached"),
        (["reserved"], "reserved", "reserved"),
        (["reserved", "attaching"], "attaching", "attaching"),
        (["reserved", "attached", "attaching"], "in-use", "attached"),
        (["detaching", "reserved"], "detaching", "detaching"),
    ],
)
def test_the_furthest_attachment_decides(attachments, status, attach_status):
    assert after_detach(attachments) == (status, attach_status)


@given(st.lists(st.sampled_from(["attached", "attaching", "detaching", "reserved", "error_attaching"])))
def test_the_order_of_attachments_means_nothing(attachments):
    assert after_detach(attachments) == after_detach(sorted(attachments))


def test_a_move_reads_well():
    assert str(Move(("available", "error"), "deleting")) == "available or error"
