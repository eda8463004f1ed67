"""The SQL table of stored tokens, as keystone's `token/persistence/backends/sql.py` had it up to Pike.

Each token is a row of several kB, with five indexes to update at each sign-in; a row is read at each validation, and
stays after it was revoked or has expired, until somebody flushes the table. It is a real SQLite database, so that this
cost can be measured. Expiries are whole seconds since the epoch.
"""

import sqlite3
from collections.abc import Iterator
from typing import Final

from attrs import field, frozen

from actors.keystone.tokens.errors import TokenNotFound

_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS token (
        id VARCHAR(64) NOT NULL PRIMARY KEY,
        expires DATETIME,
        extra TEXT,
        valid BOOLEAN NOT NULL DEFAULT 1,
        user_id VARCHAR(64),
        trust_id VARCHAR(64)
    );
    CREATE INDEX IF NOT EXISTS ix_token_expires ON token (expires);
    CREATE INDEX IF NOT EXISTS ix_token_expires_valid ON token (expires, valid);
    CREATE INDEX IF NOT EXISTS ix_token_user_id ON token (user_id);
    CREATE INDEX IF NOT EXISTS ix_token_trust_id ON token (trust_id);
"""


@frozen(kw_only=True)
class StoredToken:
    """A row of the table."""

    id: str = field(repr=False)
    """The token itself, or a hash of it."""
    expires: int
    """Seconds since the epoch."""
    body: str = field(repr=False)
    """The complete JSON body, catalog included."""
    user_id: str
    trust_id: str | None = None
    valid: bool = True
    """False once the token was revoked."""


class TokenStore:
    """The table, in a file or in memory."""

    def __init__(self, path: str = ":memory:") -> None:
        """Open the database at *path*, and make the table if need be."""
        self._database = sqlite3.connect(path)
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def insert(self, token: StoredToken) -> None:
        """Store a token; one that is stored already stays as it is."""
        with self._database:
            self._database.execute(
                "INSERT INTO token (id, expires, extra, valid, user_id, trust_id) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (id) DO NOTHING",
                (token.id, token.expires, token.body, token.valid, token.user_id, token.trust_id),
            )

    def get(self, token_id: str) -> StoredToken:
        """Look a token up, by the table's index: as in Keystone, that is no comparison in constant time.

        Raises:
            TokenNotFound: It was never stored, is flushed, or was revoked.
        """
        rows = self._select("id = ? AND valid", _storable(token_id))
        if not rows:
            raise TokenNotFound("Could not find token: it was never issued, was flushed, or was revoked")
        return rows[0]

    def revoke(self, token_id: str) -> None:
        """Flag a token as no longer valid; its row stays.

        Raises:
            TokenNotFound: There is none that is valid.
        """
        if not self._flag("id = ?", _storable(token_id)):
            raise TokenNotFound("Could not find token: there is none to revoke")

    def revoke_user(self, user_id: str, now: float) -> int:
        """Flag all live tokens of a user, and return how many.

        Args:
            user_id: Whose tokens.
            now: Seconds since the epoch.
        """
        return self._flag("user_id = ? AND expires > ?", user_id, now)

    def revoke_trust(self, trust_id: str, now: float) -> int:
        """Flag all live tokens of a trust, and return how many; see `revoke_user`."""
        return self._flag("trust_id = ? AND expires > ?", trust_id, now)

    def revoke_project(self, project_id: str, now: float) -> int:
        """Flag all live tokens for a project, and return how many; see `revoke_user`. It has to look into each body."""
        return self._flag("json_extract(extra, '$.token.project.id') = ? AND expires > ?", project_id, now)

    def revoked(self, now: float) -> list[StoredToken]:
        """Return the tokens that were revoked and have not expired at *now*, in seconds since the epoch."""
        return self._select("expires > ? AND NOT valid ORDER BY expires, id", now)

    def flush(self, now: float, batch: int | None = None) -> Iterator[int]:
        """Delete the rows that have expired, and yield how many after each statement.

        Args:
            now: Seconds since the epoch; a row that expires at this very instant goes too.
            batch: Most rows of one statement: 1000 was used for MySQL, 100 for DB2, and None, all, for other databases.
        """
        while deleted := self._delete_expired(now, -1 if batch is None else batch):
            yield deleted

    def __len__(self) -> int:
        """Count all rows, dead ones too."""
        count: int = self._database.execute("SELECT count(*) FROM token").fetchone()[0]
        return count

    def _delete_expired(self, now: float, limit: int) -> int:
        with self._database:
            return self._database.execute(
                "DELETE FROM token WHERE id IN (SELECT id FROM token WHERE expires <= ? LIMIT ?)", (now, limit)
            ).rowcount

    def _flag(self, condition: str, *arguments: str | float) -> int:
        with self._database:
            return self._database.execute(
                f"UPDATE token SET valid = 0 WHERE valid AND {condition}",  # noqa: S608
                arguments,
            ).rowcount

    def _select(self, condition: str, *arguments: str | float) -> list[StoredToken]:
        rows = self._database.execute(
            f"SELECT id, expires, extra, user_id, trust_id, valid FROM token WHERE {condition}",  # noqa: S608
            arguments,
        )
        return [
            StoredToken(id=row[0], expires=row[1], body=row[2], user_id=row[3], trust_id=row[4], valid=bool(row[5]))
            for row in rows
        ]


def _storable(token_id: str) -> str:
    """Replace what the database could not even look for: lone surrogates, which no stored token has."""
    return token_id.encode(errors="replace").decode()
