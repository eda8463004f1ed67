"""Tokens that Keystone stores: the table, and UUID tokens."""

import json
import random
import sqlite3

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from actors.keystone.tokens import body
from actors.keystone.tokens.errors import PayloadMalformed, TokenNotFound
from actors.keystone.tokens.store import StoredToken, TokenStore
from actors.keystone.tokens.uuid import UuidProvider


@pytest.fixture
def store() -> TokenStore:
    """An empty table in memory."""
    store = TokenStore()
    yield store
    store.close()


def row(token_id: str, expires: int = 100, **more) -> StoredToken:
    return StoredToken(**({"id": token_id, "expires": expires, "body": "{}", "user_id": "user"} | more))


def test_a_row_comes_back_as_it_went_in(store):
    stored = row("a", body='{"é": 1}', trust_id="trust")
    store.insert(stored)
    assert stored == store.get("a")


def test_what_was_never_stored_is_not_found(store):
    with pytest.raises(TokenNotFound) as caught:
        store.get("a")
    assert (caught.value.subject_status, caught.value.caller_status) == (404, 401)


def test_a_revoked_row_is_not_found_but_stays(store):
    store.insert(row("a"))
    store.revoke("a")
    with pytest.raises(TokenNotFound):
        store.get("a")
    with pytest.raises(TokenNotFound):
        store.revoke("a")
    assert len(store) == 1


def test_an_expired_row_is_found_until_it_is_flushed(store):
    store.insert(row("a", expires=100))
    assert list(store.flush(100)) == [1]
    with pytest.raises(TokenNotFound):
        store.get("a")


def test_a_second_row_of_the_same_name_changes_nothing(store):
    store.insert(row("a"))
    store.insert(row("a", body="other"))
    assert store.get("a").body == "{}"


def test_all_live_tokens_of_a_user_or_a_trust_are_revoked(store):
    for name, more in {"a": {}, "b": {"expires": 50}, "c": {"user_id": "other"}, "d": {"trust_id": "t"}}.items():
        store.insert(row(name, **more))
    assert store.revoke_trust("t", 50) == 1
    assert store.revoke_user("user", 50) == 1
    assert [token.id for token in store.revoked(50)] == ["a", "d"]
    assert store.revoked(100) == []
    assert store.get("c").id == "c"


@pytest.mark.parametrize(("batch", "statements"), [(None, [7]), (3, [3, 3, 1]), (7, [7]), (100, [7])])
def test_a_flush_deletes_in_batches_what_expires_now_or_has_expired(store, batch, statements):
    """All expire in the same second, which once made a batch go on for ever."""
    for number in range(7):
        store.insert(row(f"dead{number}", expires=100))
    store.insert(row("alive", expires=101))
    assert statements == list(store.flush(100, batch))
    assert len(store) == 1
    assert list(store.flush(100, batch)) == []


def test_work_goes_on_between_two_batches(store):
    for number in range(4):
        store.insert(row(f"{number}", expires=100))
    flush = store.flush(100, 2)
    assert next(flush) == 2
    store.insert(row("new", expires=200))
    assert list(flush) == [2]
    assert store.get("new").id == "new"


def test_the_table_in_a_file_outlives_its_keystone(tmp_path):
    path = str(tmp_path / "tokens.db")
    first = TokenStore(path)
    first.insert(row("a"))
    first.close()
    second = TokenStore(path)
    assert second.get("a").id == "a"
    second.close()


def test_the_table_has_keystones_columns_and_indexes(tmp_path):
    path = str(tmp_path / "tokens.db")
    TokenStore(path).close()
    database = sqlite3.connect(path)
    columns = [name for _, name, *_ in database.execute("PRAGMA table_info(token)")]
    indexes = {
        tuple(column for *_, column in database.execute(f"PRAGMA index_info({name})"))
        for _, name, *_ in database.execute("PRAGMA index_list(token)")
    }
    database.close()
    assert columns == ["id", "expires", "extra", "valid", "user_id", "trust_id"]
    assert {("id",), ("expires",), ("expires", "valid"), ("user_id",), ("trust_id",)} == indexes


def test_a_row_does_not_show_its_token():
    assert "secret" not in repr(row("secret", body="secret"))


class TestUuid:
    """A name that says nothing."""

    @pytest.fixture
    def provider(self, store, randomness) -> UuidProvider:
        """A provider with an empty table."""
        return UuidProvider(store=store, randomness=randomness)

    def issue(self, provider, claims) -> str:
        return provider.issue(claims, json.dumps(body.render(claims)))

    def test_a_token_is_32_hexadecimal_digits_of_a_version_4_uuid(self, provider, claims):
        token = self.issue(provider, claims)
        assert 32 == len(token) == len(bytes.fromhex(token)) * 2
        assert (token[12], token[16] in "89ab") == ("4", True)

    def test_a_token_is_read_until_it_is_revoked(self, provider, claims):
        token = self.issue(provider, claims)
        assert claims == provider.read(token, claims.expires_at + 1)
        provider.revoke(token)
        with pytest.raises(TokenNotFound):
            provider.read(token)

    def test_the_complete_body_is_stored_with_its_expiry_user_and_trust(self, provider, store, claims):
        trusted = evolve(claims, trust_id="a" * 32, expires_at=claims.expires_at + 0.5)
        text = json.dumps(body.render(trusted) | {"catalog": ["long"]})
        stored = store.get(provider.issue(trusted, text))
        assert (text, claims.expires_at) == (stored.body, stored.expires)
        assert (claims.user_id, "a" * 32) == (stored.user_id, stored.trust_id)

    @given(data=st.data())
    def test_every_kind_of_claims_comes_back(self, any_claims, data):
        provider = UuidProvider(store=TokenStore(), randomness=random.Random(0).randbytes)
        claims = data.draw(any_claims)
        assert claims == provider.read(self.issue(provider, claims))
        provider.store.close()

    @given(token=st.text(st.characters(codec="utf-8")))
    def test_any_text_ends_in_a_refusal(self, token):
        provider = UuidProvider(store=TokenStore(), randomness=random.Random(0).randbytes)
        with pytest.raises(TokenNotFound):
            provider.read(token)
        provider.store.close()

    def test_a_lone_surrogate_ends_in_a_refusal(self, provider):
        for operation in (provider.read, provider.revoke):
            with pytest.raises(TokenNotFound):
                operation("\ud800")

    def test_a_stored_body_of_nonsense_is_a_server_error(self, provider, claims):
        token = provider.issue(claims, "nonsense")
        with pytest.raises(PayloadMalformed) as caught:
            provider.read(token)
        assert caught.value.subject_status == 500
