"""`invalidate-before-delete`: the cache is emptied before the row is deleted, and somebody fills it again in between.

Keystone remembers application credentials. To delete one, it dropped it from the cache, and then deleted its row. Whoever validates a token of that
credential in between finds nothing in the cache, reads the row, which is still there, and puts it into the cache, where it outlives the row: the
credential was deleted, and its tokens go on.

Mended by swapping the two lines (keystone 906a1d3f6, 15.0.0). That narrows the gap, and does not close it: see
`actors.races.remembered_after_delete`. Here a row is read and remembered in one step.
"""

from typing import Any

import anyio

from actors.auth_token import AuthTokenConfig
from actors.client.held_token import HeldToken
from actors.keystone.messages import Authenticate, CreateApplicationCredential, DeleteApplicationCredential
from actors.keystone.models import ApplicationCredential, ApplicationCredentialId
from actors.keystone.service import KeystoneService
from actors.keystone.store import Store
from actors.races.base import Race, Stage
from actors.races.town import Look, Town

SQL = 0.2
"""Seconds that the database takes to delete a row."""
LONGEST = 4
"""Seconds within which the credential is deleted, and used."""


class Memoized(dict[ApplicationCredentialId, ApplicationCredential]):
    """The table, and in front of it what was read from it."""

    def __init__(self, rows: dict[ApplicationCredentialId, ApplicationCredential]) -> None:
        super().__init__(rows)
        self.memory: dict[ApplicationCredentialId, ApplicationCredential] = {}
        self.version = 0
        """How often something was forgotten."""

    def get(self, key: ApplicationCredentialId, default: Any = None) -> Any:
        """Read from memory, or else from the table into memory."""
        if key not in self.memory and (row := super().get(key)) is not None:
            self.memory[key] = row
        return self.memory.get(key, default)

    def forget(self, key: ApplicationCredentialId) -> None:
        """Drop a row from memory."""
        self.memory.pop(key, None)
        self.version += 1


class MemoizingKeystone(KeystoneService):
    """A member of Keystone with `[cache] enabled`, which all share."""

    def __init__(self, *, store: Store, **rest: Any) -> None:
        super().__init__(store=store, **rest)
        rows = store.application_credentials
        self.rows = rows if isinstance(rows, Memoized) else Memoized(rows)
        store.application_credentials = self.rows

    async def delete_application_credential(self, msg: DeleteApplicationCredential) -> None:
        """Delete the row, and then what is remembered of it."""
        credential = self._row(msg)
        await self.delete(credential.id)
        self.rows.forget(credential.id)

    async def delete(self, id: ApplicationCredentialId) -> None:
        """Delete the row, which takes its time."""
        await anyio.sleep(SQL)
        del self.rows[id]


class InvalidatesFirst(MemoizingKeystone):
    """The two lines the other way round."""

    async def delete_application_credential(self, msg: DeleteApplicationCredential) -> None:
        """Delete what is remembered of the row, and then the row."""
        credential = self._row(msg)
        self.rows.forget(credential.id)
        await self.delete(credential.id)


async def scenario(stage: Stage) -> None:
    """A program that uses an application credential, and somebody who deletes that."""
    town = await stage.open(Town, auth_token=AuthTokenConfig(token_cache_time=-1))
    owner = town.session()
    user = (await owner.token()).token.user.id
    made = await owner.ask(CreateApplicationCredential(user_id=user, name="program"))
    credential = made.application_credential.id
    account = Authenticate(application_credential_id=credential, application_credential_secret=made.secret)
    program = HeldToken(town.bus, (await town.bus.ask(account)).id)

    async def delete(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/at", LONGEST, 0.01))
        await owner.ask(DeleteApplicationCredential(user_id=user, application_credential_id=credential))

    async def use(name: str) -> None:
        await anyio.sleep(stage.seconds(f"{name}/at", LONGEST, 0.01))
        await program.ask(Look())
        await anyio.sleep(2 * LONGEST)
        await program.ask(Look())

    await stage.together(*stage.some("deletion", 1, delete), *stage.some("use", 4, use))


RACE = Race(
    name="invalidate-before-delete",
    invariants=("S2",),
    min_operations=2,
    setting={KeystoneService: MemoizingKeystone},
    variant={KeystoneService: InvalidatesFirst},
    scenario=scenario,
)
program, counterpart = RACE.programs()
