"""What the tests of tokens share."""

import json
import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from attrs import evolve, frozen
from cryptography.x509.oid import NameOID
from hypothesis import strategies as st

from actors.keystone.tokens.authority import Authority, create_authority
from actors.keystone.tokens.claims import TokenClaims
from actors.keystone.tokens.directory import MemoryDirectory
from actors.keystone.tokens.fernet import FernetProvider
from actors.keystone.tokens.keys import KeyRepository

KNOWN = json.loads((Path(__file__).parent / "keystone-vectors.json").read_text())
NOW = float(KNOWN["now"])


@frozen(kw_only=True)
class Vector:
    """A token that the real Keystone made."""

    name: str
    claims: TokenClaims
    payload: bytes
    token: str


def _claims(decoded: dict) -> TokenClaims:
    times = {name: datetime.fromisoformat(decoded[name]).timestamp() for name in ("issued_at", "expires_at")}
    groups = decoded["federated_group_ids"]
    lists = {
        "methods": tuple(decoded["methods"]),
        "audit_ids": tuple(decoded["audit_ids"]),
        "federated_group_ids": None if groups is None else tuple(group["id"] for group in groups),
    }
    return TokenClaims(**(decoded | times | lists))


VECTORS = [
    Vector(
        name=vector["name"],
        claims=_claims(vector["decoded"]),
        payload=bytes.fromhex(vector["payload_hex"]),
        token=vector["token"],
    )
    for vector in KNOWN["vectors"]
]


@pytest.fixture(params=VECTORS, ids=lambda vector: vector.name.replace(" ", "-"))
def vector(request) -> Vector:
    """Each token that the real Keystone made, in turn."""
    return request.param


@pytest.fixture(scope="session")
def claims() -> TokenClaims:
    """Claims of an ordinary token for a project."""
    unscoped = next(vector.claims for vector in VECTORS if vector.name == "unscoped")
    return evolve(unscoped, project_id=KNOWN["project"])


@pytest.fixture
def randomness() -> Callable[[int], bytes]:
    """Random bytes, the same in every run."""
    return random.Random(4).randbytes


@pytest.fixture(scope="session")
def key() -> str:
    """The key that the real Keystone made the known tokens with."""
    return KNOWN["key1"]


@pytest.fixture(scope="session")
def provider(key: str) -> FernetProvider:
    """A Fernet provider whose initialization vectors are those of the known tokens."""
    return FernetProvider(keys=KeyRepository(MemoryDirectory({"1": key})), randomness=lambda size: bytes(range(size)))


@pytest.fixture(scope="session")
def authority() -> Authority:
    """A signer of PKI tokens with the short name that the reference sizes were measured with."""
    return create_authority(random.Random(4).randbytes, NOW, subject=((NameOID.COMMON_NAME, "ks"),))


uuids = st.uuids(version=4).map(lambda value: value.hex)
texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=70)
ids = uuids | texts.filter(lambda text: len(text) < 32)
seconds = st.integers(min_value=0, max_value=253_402_300_799)
audit_ids = st.lists(
    st.text("ABCxyz019-_", min_size=21, max_size=21).map(lambda text: text + "A"), min_size=1, max_size=2
)
unscoped = st.builds(
    TokenClaims,
    user_id=ids,
    methods=st.sets(st.sampled_from(("password", "token", "mapped", "external"))).map(
        lambda names: tuple(sorted(names, key=("mapped", "token", "password", "external").index))
    ),
    audit_ids=audit_ids.map(tuple),
    issued_at=seconds,
    expires_at=seconds,
)


def _with(**strategies) -> st.SearchStrategy[TokenClaims]:
    return st.builds(lambda claims, more: evolve(claims, **more), unscoped, st.fixed_dictionaries(strategies))


_federated = {
    "federated_group_ids": st.lists(ids, max_size=3).map(tuple),
    "identity_provider_id": ids,
    "protocol_id": texts,
}
LAYOUTS = {
    0: unscoped,
    1: _with(domain_id=uuids | st.just("default")),
    2: _with(project_id=ids),
    3: _with(project_id=st.none() | ids, trust_id=uuids),
    4: _with(**_federated),
    5: _with(project_id=ids, **_federated),
    6: _with(domain_id=ids, **_federated),
    7: _with(project_id=st.none() | ids, access_token_id=ids),
    8: _with(system=st.just("all")),
    9: _with(project_id=st.none() | ids, app_cred_id=ids),
    10: _with(project_id=st.none() | ids, domain_id=st.none() | ids, thumbprint=texts),
}
"""For each payload version, the claims that it can carry there and back."""


@pytest.fixture(scope="session", params=LAYOUTS, ids=lambda version: f"v{version}")
def layout(request) -> tuple[int, st.SearchStrategy[TokenClaims]]:
    """Each payload version in turn, with claims for it."""
    return request.param, LAYOUTS[request.param]


@pytest.fixture(scope="session")
def any_claims() -> st.SearchStrategy[TokenClaims]:
    """Claims of every kind."""
    return st.one_of(*LAYOUTS.values())
