"""cinder-api."""

from typing import ClassVar

from actors.cinder.messages import TOPIC
from actors.cinder.service.administration import Administration
from actors.cinder.service.attachments import Attachments
from actors.cinder.service.snapshots import Snapshots
from actors.cinder.service.volumes import Volumes


class CinderApi(Volumes, Snapshots, Attachments, Administration):
    """Answers the Block Storage API: checks, takes the quota, notes in the database, and leaves the work to the others.

    What it keeps in memory: locks of attachments that are being connected. For its arguments see `ApiPart`.
    """

    topic: ClassVar[str] = TOPIC
