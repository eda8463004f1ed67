"""Tokens: what each format costs whoever issues one, and whoever validates one."""

import json
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count, cycle, islice
from pathlib import Path

from cryptography.fernet import Fernet

from actors.keystone.tokens import body as bodies
from actors.keystone.tokens import pki
from actors.keystone.tokens.authority import create_authority
from actors.keystone.tokens.claims import TokenClaims
from actors.keystone.tokens.directory import Directory, DiskDirectory, MemoryDirectory
from actors.keystone.tokens.fernet import FernetProvider
from actors.keystone.tokens.jws import JwsProvider, create_key_pair
from actors.keystone.tokens.keys import KeyRepository
from actors.keystone.tokens.payloads import Payloads
from actors.keystone.tokens.randomness import random_uuid
from actors.keystone.tokens.rotation import new_key
from actors.keystone.tokens.store import TokenStore
from actors.keystone.tokens.uuid import UuidProvider
from actors.keystone.tokens.watch import GRANULARITY
from tests.benchmarks.floors import Bound, Floor
from tests.benchmarks.group import Group
from tests.benchmarks.rounds import Case, Watch
from tests.benchmarks.scale import Scale

BARE = "bare Fernet"
ISSUE, VALIDATE = "issued/s", "validated/s"
IN_MEMORY, IN_A_FILE = "in memory", "in a file"
FERNET_FLOOR = 0.4
"""Of bare Fernet; Keystone itself, which reads its keys anew each time, reaches 0.06 and 0.08."""
NOW = 1_700_000_000
CLAIMS = TokenClaims(
    user_id="0123456789abcdef" * 2,
    methods=("password",),
    audit_ids=("AAECAwQFBgcICQoLDA0ODw",),
    issued_at=NOW,
    expires_at=NOW + 3600,
    project_id="f" * 32,
)
MANY_KEYS = 51
"""As many as the default expiration and window need if keys are rotated every hour."""


def group(scale: Scale) -> Group:
    """The table of formats."""
    cases = [
        Case(BARE, "cryptography's Fernet alone, with the same payload", partial(_bare, scale)),
        Case("Fernet", "keys in memory", partial(_fernet, scale, 3, on_disk=False)),
        *(
            Case(
                _fernet_row(keys),
                "keys on disk; a rotation is seen by the next operation",
                partial(_fernet, scale, keys),
            )
            for keys in (3, MANY_KEYS)
        ),
        Case("JWS", "ES256", partial(_jws, scale)),
        *(
            Case(
                f"UUID, {rows:,} rows {place}",
                "a row of Keystone's table, looked up by Keystone each time",
                partial(_uuid, scale, rows, place),
            )
            for place in (IN_MEMORY, IN_A_FILE)
            for rows in scale.rows
        ),
        Case("PKI", "signed and stored by Keystone, verified by each service", partial(_signed, scale, compress=False)),
        Case("PKIZ", "the same, compressed", partial(_signed, scale, compress=True)),
    ]
    floors = [
        Floor(row, column, (Bound(FERNET_FLOOR, BARE),))
        for row in ("Fernet", _fernet_row(3), _fernet_row(MANY_KEYS))
        for column in (ISSUE, VALIDATE)
    ]
    return Group(
        "tokens",
        f"tokens a second, those with a body have {len(_body(0)):,} bytes (x {BARE})",
        tuple(cases),
        BARE,
        tuple(floors),
    )


def _fernet_row(keys: int) -> str:
    return f"Fernet, {keys} keys"


def _figures(
    issue: Callable[[], str], validate: Callable[[str], object], times: int, tokens: Sequence[str] = ()
) -> Mapping[str, float]:
    """Measure both, validating in turns the given tokens, or else those that were issued."""
    with Watch() as issuing:
        issued = [issue() for _ in range(times)]
    with Watch() as validating:
        for token in islice(cycle(tokens or issued), times):
            validate(token)
    return {ISSUE: times / issuing.seconds, VALIDATE: times / validating.seconds}


def _bare(scale: Scale) -> Mapping[str, float]:
    fernet, payload = Fernet(new_key(os.urandom)), Payloads().pack(CLAIMS)
    return _figures(lambda: fernet.encrypt(payload).decode(), fernet.decrypt, scale.tokens)


def _fernet(scale: Scale, keys: int, *, on_disk: bool = True) -> Mapping[str, float]:
    with _repository(keys, on_disk=on_disk) as directory:
        provider = FernetProvider(keys=KeyRepository(directory), randomness=os.urandom)
        return _figures(lambda: provider.issue(CLAIMS), provider.read, scale.tokens)


@contextmanager
def _repository(keys: int, *, on_disk: bool) -> Iterator[Directory]:
    texts = {str(number): new_key(os.urandom) for number in range(keys)}
    if not on_disk:
        yield MemoryDirectory(texts)
        return
    with tempfile.TemporaryDirectory() as path:
        # As if the keys had been there for long: right after a change they are read each time.
        directory = DiskDirectory(Path(path), lambda: time.time_ns() + GRANULARITY)
        for name, text in texts.items():
            directory.write(name, text)
        yield directory


def _jws(scale: Scale) -> Mapping[str, float]:
    pair = create_key_pair(os.urandom)
    provider = JwsProvider(
        private=MemoryDirectory({"private.pem": pair.private}), public=MemoryDirectory({"public.pem": pair.public})
    )
    return _figures(lambda: provider.issue(CLAIMS), lambda token: provider.read(token, NOW), scale.tokens)


def _uuid(scale: Scale, rows: int, place: str) -> Mapping[str, float]:
    """Look up tokens from all over the table; fewer in a file, for each that is issued waits for the disk."""
    with _table(rows, place) as (store, ids):
        provider = UuidProvider(store=store, randomness=os.urandom)
        times = scale.tokens // 50 + 1 if place == IN_A_FILE else scale.tokens
        return _figures(partial(provider.issue, CLAIMS, _body(0)), provider.read, times, ids)


@contextmanager
def _table(rows: int, place: str) -> Iterator[tuple[TokenStore, list[str]]]:
    """Make a table with as many live tokens, and name some of them."""
    chance = random.Random(rows)
    ids, body = [random_uuid(chance.randbytes).hex for _ in range(rows)], _body(0)
    with tempfile.TemporaryDirectory() as folder:
        store = TokenStore(f"{folder}/tokens.db" if place == IN_A_FILE else ":memory:")
        with store._database as database:  # all at once: one by one would take minutes
            database.executemany(
                "INSERT INTO token (id, expires, extra, valid, user_id) VALUES (?, ?, ?, 1, ?)",
                ((name, NOW + number, body, f"{number % 999:032x}") for number, name in enumerate(ids)),
            )
        yield store, chance.sample(ids, min(rows, 5000))
        store.close()


def _signed(scale: Scale, *, compress: bool) -> Mapping[str, float]:
    store, authority = TokenStore(), create_authority(random.Random(1).randbytes, NOW)
    provider = pki.PkiProvider(store=store, authority=authority, compress=compress)
    texts = map(_body, count())  # equal bodies would be one token
    figures = _figures(
        lambda: provider.issue(CLAIMS, next(texts)),
        lambda token: bodies.read(pki.verify(token, authority.trust, NOW)),
        scale.tokens // 10 + 1,
    )
    store.close()
    return figures


def _body(number: int) -> str:
    """A body with a catalog of three services, some 2 kB; each number gives another one."""
    endpoints = [
        {
            "id": f"{number:032x}",
            "interface": interface,
            "region": "RegionOne",
            "region_id": "RegionOne",
            "url": f"http://controller.example.com:8774/v2.1/{CLAIMS.project_id}",
        }
        for interface in ("public", "internal", "admin")
    ]
    catalog = [
        {"id": f"{number:032x}", "type": name, "name": name, "endpoints": endpoints}
        for name in ("compute", "image", "network")
    ]
    body = bodies.render(CLAIMS)
    body["token"] |= {"catalog": catalog, "roles": [{"id": f"{number:032x}", "name": "member"}]}
    return json.dumps(body)
