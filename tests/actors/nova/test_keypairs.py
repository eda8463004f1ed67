"""Keypairs: imported or made, a user's own, and their private halves shown once."""

import base64
from random import Random

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key, load_ssh_public_key
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import Forbidden
from actors.nova import ssh_keys
from actors.nova.config import NovaConfig
from actors.nova.errors import InvalidKeypair, KeyPairExists, KeypairNotFound, MarkerNotFound, OverQuota
from actors.nova.messages.keypairs import CreateKeypair, DeleteKeypair, ListKeypairs, ShowKeypair
from actors.nova.models import QuotaSet
from tests.actors.nova.desk import Office, play

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDOV4D/XcQlDG0XH7SHobg5clHrZM/Mhkb6A1yjiHPh9 me@home"
FINGERPRINT = "17:46:ab:ac:6d:45:2e:f4:49:69:82:a5:35:46:cf:2f"


def test_a_public_key_is_imported_as_it_is():
    async def story(office: Office):
        made = await office.ask(CreateKeypair(name="k", public_key=KEY))
        assert made.private_key is None
        assert (made.keypair.public_key, made.keypair.fingerprint) == (KEY, FINGERPRINT)
        assert (made.keypair.user_id, made.keypair.type) == ("demo", "ssh")
        assert made.keypair.created_at == pytest.approx(office.world.bus.clock.time())
        assert await office.ask(ShowKeypair(name="k")) == made.keypair

    play(story)


def test_a_keypair_that_is_made_fits_together_and_its_private_half_is_kept_nowhere():
    async def story(office: Office):
        made = await office.ask(CreateKeypair(name="k"))
        assert made.private_key
        assert made.private_key not in repr(made)
        private = load_ssh_private_key(made.private_key.encode(), password=None)
        public = load_ssh_public_key(made.keypair.public_key.encode())
        assert private.public_key().public_bytes_raw() == public.public_bytes_raw()
        assert made.keypair.fingerprint == ssh_keys.fingerprint(made.keypair.public_key)
        assert made.private_key not in repr(vars(office.store))

    play(story)


@given(st.integers())
def test_the_same_chance_makes_the_same_key_in_openssh_s_format(seed):
    private, public = ssh_keys.generate(Random(seed))
    assert ssh_keys.generate(Random(seed)) == (private, public)
    assert load_ssh_private_key(private.encode(), password=None)
    assert load_ssh_public_key(public.encode())


COMPRESSED_POINT = b"\0\0\0\x13ecdsa-sha2-nistp256\0\0\0\x08nistp256\0\0\0\x21\x02" + bytes(32)
NO_KEYS = [
    "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-rsa AAAAB3NzaC1yc2E= x", KEY[:-20], KEY[4:],
    f"ecdsa-sha2-nistp256 {base64.b64encode(COMPRESSED_POINT).decode()}",
]  # fmt: skip


@given(st.text() | st.sampled_from(NO_KEYS))
def test_what_is_no_public_key_is_refused(text):
    with pytest.raises(InvalidKeypair, match="Keypair data is invalid: failed to generate fingerprint"):
        ssh_keys.fingerprint(text)


@pytest.mark.parametrize("bad", [{"public_key": ""}, {"public_key": "ssh-rsa"}, {"type": "x509"}], ids=str)
def test_nothing_is_kept_of_a_keypair_that_is_refused(bad):
    async def story(office: Office):
        with pytest.raises(InvalidKeypair):
            await office.ask(CreateKeypair(name="k", **bad))
        assert not office.store.keypairs

    play(story)


def test_a_user_has_one_keypair_of_a_name_and_others_may_have_the_same():
    async def story(office: Office):
        await office.ask(CreateKeypair(name="k"))
        with pytest.raises(KeyPairExists, match="Key pair 'k' already exists"):
            await office.ask(CreateKeypair(name=" k "))
        await office.ask(CreateKeypair(name="k"), "other")
        assert len(office.store.keypairs) == 2

    play(story)


def test_no_more_keypairs_than_the_quota_of_each_user():
    async def story(office: Office):
        for name in "ab":
            await office.ask(CreateKeypair(name=name))
        with pytest.raises(OverQuota, match="Quota exceeded, too many key pairs"):
            await office.ask(CreateKeypair(name="c"))
        await office.ask(CreateKeypair(name="c"), "other")
        await office.ask(DeleteKeypair(name="a"))
        await office.ask(CreateKeypair(name="c"))

    play(story, NovaConfig(quota=QuotaSet(key_pairs=2)))


def test_keypairs_are_listed_by_name_and_page():
    async def story(office: Office):
        for name in "bca":
            await office.ask(CreateKeypair(name=name))
        await office.ask(CreateKeypair(name="x"), "other")
        assert [one.name for one in await office.ask(ListKeypairs())] == ["a", "b", "c"]
        assert [one.name for one in await office.ask(ListKeypairs(limit=1, marker="a"))] == ["b"]
        with pytest.raises(MarkerNotFound):
            await office.ask(ListKeypairs(marker="x"))

    play(story)


@pytest.mark.parametrize(
    "request_",
    [
        CreateKeypair(name="n", user_id="demo"),
        ShowKeypair(name="k", user_id="demo"),
        ListKeypairs(user_id="demo"),
        DeleteKeypair(name="k", user_id="demo"),
    ],
    ids=lambda request: type(request).__name__,
)
def test_keypairs_of_another_user_are_for_administrators(request_):
    async def story(office: Office):
        await office.ask(CreateKeypair(name="k"))
        with pytest.raises(Forbidden, match="os_compute_api:os-keypairs:"):
            await office.ask(request_, "other")
        await office.ask(request_, "admin")

    play(story)


def test_a_deleted_keypair_is_gone():
    async def story(office: Office):
        await office.ask(CreateKeypair(name="k"))
        await office.ask(DeleteKeypair(name="k"))
        for request in (ShowKeypair(name="k"), DeleteKeypair(name="k")):
            with pytest.raises(KeypairNotFound, match="Keypair k not found for user demo"):
                await office.ask(request)

    play(story)
