"""No key and no token is ever shown, and none is compared in a time that tells how much of it was right."""

import ast
import base64
import hmac
import importlib
import inspect
import json
import pkgutil
import random
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

import actors
from actors.keystone import tokens
from actors.keystone.tokens import (
    advice,
    authority,
    cipher,
    directory,
    errors,
    fernet,
    jws,
    keys,
    pki,
    store,
    uuid,
)
from actors.keystone.tokens import body as bodies
from actors.keystone.tokens.claims import TokenClaims
from actors.keystone.tokens.methods import Methods
from actors.keystone.tokens.payloads import LAYOUTS, Payloads
from actors.keystone.tokens.revocation import RevocableToken, RevocationEvent, RevocationList
from actors.keystone.tokens.rotation import Remove, Rename, Replace, Write

NOW = 1_700_000_000
CLAIMS = TokenClaims(
    user_id="u", methods=("password",), audit_ids=("A" * 22,), issued_at=NOW, expires_at=NOW + 1, project_id="p"
)
BODY = json.dumps(bodies.render(CLAIMS))

KEY = base64.urlsafe_b64encode(random.Random(1).randbytes(32)).decode()
PAIR = jws.create_key_pair(random.Random(2).randbytes)
AUTHORITY = authority.create_authority(random.Random(3).randbytes, NOW, key_size=1024)
FOLDER = directory.MemoryDirectory({"1": KEY})
FERNET = fernet.FernetProvider(keys=keys.KeyRepository(FOLDER), randomness=random.Random(4).randbytes)
JWS = jws.JwsProvider(
    private=directory.MemoryDirectory({"private.pem": PAIR.private}),
    public=directory.MemoryDirectory({"a": PAIR.public}),
)
TABLE = store.TokenStore()
UUID = uuid.UuidProvider(store=TABLE, randomness=random.Random(5).randbytes)
PKI = pki.PkiProvider(store=TABLE, authority=AUTHORITY)
TOKENS = {provider: provider.issue(CLAIMS, BODY) for provider in (FERNET, UUID, PKI)} | {JWS: JWS.issue(CLAIMS)}
TABLE.revoke(TOKENS[UUID])

RAW = base64.urlsafe_b64decode(KEY)
NUMBERS = AUTHORITY.key.private_numbers()
SECRETS = [
    KEY[:-1],
    *(shown for part in (RAW, RAW[:16], RAW[16:]) for shown in (repr(part), part.hex())),
    *PAIR.private.splitlines()[1:-1],
    *(str(number) for number in (NUMBERS.d, NUMBERS.p, NUMBERS.q)),
    *(token[:32] for token in TOKENS.values()),
    repr(cipher.Envelope.parse(TOKENS[FERNET]).data)[:40],
]
SAMPLES = {
    type(value): value
    for value in (
        CLAIMS,
        FOLDER,
        FERNET,
        UUID,
        PKI,
        PAIR,
        AUTHORITY,
        AUTHORITY.trust,
        FERNET.keys.ring(),
        cipher.Envelope.parse(TOKENS[FERNET]),
        Write("1", KEY),
        Rename("0", "1"),
        Remove("1"),
        Replace({"1": KEY}),
        attrs.evolve(TABLE.get(pki.token_id(TOKENS[PKI])), id=TOKENS[UUID]),
        pki.RevokedToken(id=TOKENS[UUID], expires=NOW),
        RevocationEvent(revoked_at=NOW, audit_id="A" * 22),
        RevocableToken(claims=CLAIMS),
        Payloads(),
        Methods(),
        LAYOUTS[0][0],
        advice.KeyPlan(rotation_interval=1),
    )
}
OTHERS = [
    cipher.FernetKey(KEY),
    FERNET.keys,
    JWS,
    TABLE,
    directory.Cached(FOLDER, keys.read_key_ring),
    directory.DiskDirectory(Path("keys")),
    RevocationList(),
]


def modules() -> Iterator:
    for module in pkgutil.iter_modules(tokens.__path__, tokens.__name__ + "."):
        yield importlib.import_module(module.name)


def test_a_sample_of_every_value_is_looked_at():
    classes = {
        value
        for module in modules()
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__ == module.__name__ and attrs.has(value)
    }
    assert classes == SAMPLES.keys()


@pytest.mark.parametrize("value", [*SAMPLES.values(), *OTHERS], ids=lambda value: type(value).__name__)
def test_no_value_shows_a_secret(value):
    for shown in (repr(value), str(value), f"{value}", repr([value]), repr({"x": (value,)})):
        assert not [secret for secret in SECRETS if secret in shown]


def spoilt(token: str) -> list[str]:
    return [token[:-7], "x" + token, token[:30] + "\ud800" + token[30:], token[:-2] + "é", token[:-3] + "AAA"]


def operations() -> Iterator:
    """Everything that may go wrong while a secret is at hand."""
    wrong_keys = [KEY[:-1], KEY[:-2], KEY[:-5], "é" + KEY, PAIR.private]
    for text in wrong_keys:
        yield lambda text=text: keys.KeyRepository(directory.MemoryDirectory({"1": text})).ring()
    empty = directory.MemoryDirectory()
    foreign = fernet.FernetProvider(
        keys=keys.KeyRepository(directory.MemoryDirectory({"1": "A" * 43 + "="})), randomness=bytes
    )
    yield lambda: jws.JwsProvider(
        private=directory.MemoryDirectory({"private.pem": PAIR.private[:-50]}), public=empty
    ).issue(CLAIMS)
    yield lambda: foreign.read(TOKENS[FERNET])
    yield lambda: jws.JwsProvider(private=empty, public=directory.MemoryDirectory({"a": PAIR.private})).read(
        TOKENS[JWS], NOW
    )
    yield lambda: JWS.read(TOKENS[JWS], NOW - 1)
    yield lambda: UUID.read(TOKENS[UUID])
    yield lambda: UUID.revoke(TOKENS[UUID])
    for provider in (FERNET, JWS, UUID, PKI):
        for token in spoilt(TOKENS[provider]):
            yield lambda provider=provider, token=token: provider.read(token, NOW)
    for token in spoilt(TOKENS[PKI]):
        yield lambda token=token: pki.verify(token, AUTHORITY.trust, NOW)
    yield lambda: FERNET.read(cipher.FernetKey(KEY).seal(b"\xc1" + KEY.encode(), NOW, bytes(16)))


OPERATIONS = list(operations())


@pytest.mark.parametrize("operation", OPERATIONS, ids=[str(number) for number in range(len(OPERATIONS))])
def test_no_error_nor_what_caused_it_shows_a_secret(operation):
    with pytest.raises(errors.TokenError) as caught:
        operation()
    error: BaseException | None = caught.value
    while error is not None:
        shown = f"{error} {error!r} {error.args}"
        assert not [secret for secret in SECRETS if secret in shown]
        error = error.__cause__ or error.__context__


def test_a_signature_is_compared_in_constant_time_with_each_key(monkeypatch):
    compared = []

    def compare(ours: bytes, theirs: bytes) -> bool:
        compared.append((len(ours), len(theirs)))
        return hmac.compare_digest(ours, theirs)

    monkeypatch.setattr(cipher, "compare_digest", compare)
    ring = keys.KeyRing.parse({number: letter * 43 + "=" for number, letter in enumerate("ACEGI")})
    with pytest.raises(errors.TokenNotRecognized):
        ring.open(cipher.Envelope.parse(TOKENS[FERNET]))
    assert compared == [(32, 32)] * 5


@pytest.mark.parametrize("answer", [True, False])
def test_that_comparison_alone_decides(monkeypatch, answer):
    monkeypatch.setattr(cipher, "compare_digest", lambda *_: answer)
    forged = TOKENS[FERNET][:-5] + "AAAAA"
    opened = [cipher.FernetKey(KEY).open(cipher.Envelope.parse(token)) for token in (TOKENS[FERNET], forged)]
    assert [answer, answer] == [payload is not None for payload in opened]


SECRET_WORDS = ("signature", "digest", "hmac", "secret", "password_hash")


def test_nothing_that_is_called_a_secret_is_compared_with_equals():
    """A UUID token is looked up by an index of the table, as in Keystone; what signs JWS and CMS compares no secret."""
    found = []
    for path in sorted(Path(actors.__path__[0]).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare) and any(isinstance(test, ast.Eq | ast.NotEq) for test in node.ops):
                sides = [ast.unparse(side).lower() for side in (node.left, *node.comparators)]
                if any(word in side for side in sides for word in SECRET_WORDS if not side.startswith("len(")):
                    found.append(f"{path}: {ast.unparse(node)}")
    assert found == []
