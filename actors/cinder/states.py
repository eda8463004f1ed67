"""The states of volumes, snapshots and attachments, and what moves them.

A volume::

    creating ──► downloading ──► available ──► reserved ──► attaching ──► in-use
        └─────────────┴──► error    │  ▲           └────────────┴────────────┘ detached
                             │      │  └── extending (also from in-use)
                             └──────┴──► deleting ──► gone (or error_deleting)

Every move that a request makes is a compare-and-swap on the status, as cinder's `conditional_update` is (LP 1238093 and its
followers are what happens without). Moves that end an operation are conditional here, too, where cinder writes blindly: a
volume may be reserved while its image is still being downloaded, and must then not become available under its new user's
hands.
"""

from collections.abc import Iterable

import attrs


@attrs.frozen
class Move:
    """From any of some states to another.

    Attributes:
        expected: the states in which it can be made.
        becomes: the state that it leads to.
    """

    expected: tuple[str, ...]
    becomes: str

    def __str__(self) -> str:
        return " or ".join(self.expected)


# What requests do (cinder's `volume/api.py`).
DELETE = Move(("available", "error", "error_restoring", "error_extending", "error_managing"), "deleting")
EXTEND = Move(("available", "in-use"), "extending")
RESERVE = Move(("available", "downloading"), "reserved")
RESERVE_MULTIATTACH = Move(("available", "in-use", "downloading"), "reserved")
DELETE_SNAPSHOT = Move(("available", "error"), "deleting")

# How operations go on and end (`volume/manager.py` and its flows).
DOWNLOAD = Move(("creating", "error"), "downloading")
CREATED = Move(("creating", "downloading", "error"), "available")
FAILED = Move(("creating", "downloading"), "error")
EXTENDING = ("extending",)
SNAPSHOT_CREATED = Move(("creating", "error"), "available")
SNAPSHOT_FAILED = Move(("creating",), "error")

SNAPSHOT_SOURCES = ("available", "in-use")
"""States of a volume of which a snapshot can be taken (since microversion 3.66 without force)."""
VOLUME_SOURCES = ("available", "in-use")
"""States of a volume that can be cloned."""
RESERVED_BY_ITS_SERVER = ("in-use", "reserved")
"""States in which the server that has a volume may reserve it again, for its migration to another host (LP 1694530)."""

VOLUME_STATUSES = (
    "creating", "downloading", "available", "reserved", "attaching", "in-use", "detaching", "extending", "uploading",
    "maintenance", "deleting", "error", "error_deleting", "error_extending", "error_restoring", "error_managing",
)  # fmt: skip
SNAPSHOT_STATUSES = ("creating", "available", "deleting", "error", "error_deleting")

AFTER_CRASH = {"creating": "error", "downloading": "error", "deleting": "deleting"}
"""What a service that starts again makes of the volumes that it was working on; it goes on with a deletion."""
SNAPSHOT_AFTER_CRASH = {"creating": "error"}
"""The same for snapshots; one in deletion stays so."""
LEFT_TO_THE_OPERATOR = {
    "creating": "the request was lost before any service had claimed it",
    "deleting": "likewise",
    "extending": "cinder-volume or the scheduler crashed over it",
    "reserved": "until whoever reserved it deletes the attachment",
    "attaching": "likewise",
}
"""States in which cinder itself leaves a volume after a crash; an administrator resets its status."""

WORK = ("uploading", "extending", "deleting")
"""Work on a volume, whose status attachments do not change while it lasts.

In cinder that holds for uploading alone: there, a volume that is detached while it is being extended is available at once, can
be extended again, and ends with one of the two sizes and the quota of both.
"""

_ORDER = ("attached", "attaching", "detaching", "reserved")
_STATUS = {"attached": "in-use", "detached": "available"}


def after_detach(attachments: Iterable[str]) -> tuple[str, str]:
    """Status and attach_status of a volume, from the states of the attachments that it has left.

    As cinder's `_get_statuses_from_attachments` (`db/api.py`): the furthest attachment decides, failed ones do not count.
    """
    left = list(attachments)
    attach_status = next((status for status in _ORDER if status in left), "detached")
    return _STATUS.get(attach_status, attach_status), attach_status
