"""`remembered-after-delete`: a reader who is slow remembers what was deleted.

What is left of `actors.races.invalidate_before_delete` since its two lines were swapped. A member of Keystone reads the row of an application
credential. Before it has put that into the cache, another member deletes the row, and then drops it from the cache, where it is not yet. Then the first
one remembers it: the credential was deleted, and its tokens go on for as long as the cache lasts.

That is how caches in front of databases are today, Keystone's among them; found by reading it, no report is known. The counterpart remembers only
what was read since something was last forgotten, as with keys that have a version.
"""

import anyio

from actors.keystone.messages import ValidateToken
from actors.keystone.models import Token
from actors.keystone.service import KeystoneService
from actors.races import invalidate_before_delete
from actors.races.base import Race, Stage, original
from actors.races.invalidate_before_delete import MemoizingKeystone

SQL = 0.2
"""Seconds that the database takes to answer."""


class Careful(MemoizingKeystone):
    """Reads what the database has, and remembers it unless something was forgotten meanwhile."""

    async def validate_token(self, msg: ValidateToken) -> Token:
        """Read first, then say what the token is good for."""
        version, read = self.rows.version, dict(self.rows)
        await anyio.sleep(SQL)
        if self.may_remember(version):
            self.rows.memory.update(read)
        return await original(super().validate_token(msg))

    def may_remember(self, version: int) -> bool:
        """Whether what was read at *version* still counts."""
        return version == self.rows.version


class Careless(Careful):
    """Remembers whatever was read."""

    def may_remember(self, version: int) -> bool:
        """It does."""
        return True


async def scenario(stage: Stage) -> None:
    """A program that uses an application credential, and somebody who deletes that."""
    await invalidate_before_delete.scenario(stage)


RACE = Race(
    name="remembered-after-delete",
    invariants=("S2",),
    min_operations=2,
    setting={KeystoneService: Careful},
    variant={KeystoneService: Careless},
    scenario=scenario,
    today=True,
)
program, counterpart = RACE.programs()
