"""Keystone with each token format behind it."""

import json
from random import Random

import anyio
import attrs
import pytest
from cryptography import x509

from actors.auth_token import context_of
from actors.auth_token.body import read_token
from actors.context import Credentials
from actors.errors import Forbidden, InternalError, NotFound, Unauthorized
from actors.ids import DomainId, ProjectId, RoleId
from actors.keystone.config import TOKEN_PROVIDERS, KeystoneConfig
from actors.keystone.messages import (
    DeleteProject,
    FetchCertificates,
    FetchRevocationList,
    FlushTokens,
    ListUsers,
    RevokeRole,
    RevokeToken,
    UpdateDomain,
    UpdateProject,
    UpdateUser,
    ValidateToken,
)  # fmt: skip
from actors.keystone.models import DomainScope, Endpoint, ProjectScope, SystemScope
from actors.keystone.providers import Backing, make_provider, set_up
from actors.keystone.store import SYSTEM, Grant
from actors.keystone.tokens.cms import Trust
from actors.keystone.tokens.fernet import FernetProvider
from actors.keystone.tokens.keys import KeyRepository
from actors.keystone.tokens.pki import read_revocation_list, token_id, verify
from bus.sim.world import EPOCH
from tests.actors.town import DEFAULT, Town, play

FORMATS = pytest.mark.parametrize("provider", TOKEN_PROVIDERS)
STORED = pytest.mark.parametrize("provider", ["uuid", "pki", "pkiz"])
SIGNED = pytest.mark.parametrize("provider", ["pki", "pkiz"])


def config(provider: str) -> KeystoneConfig:
    return KeystoneConfig(provider=provider)


@FORMATS
def test_every_member_reads_what_another_made_and_says_the_same_of_it(provider):
    async def story(town: Town):
        demo, nova = await town.sign_in(), await town.sign_in("nova")
        for keystone in town.keystones:
            assert demo.token == await town.ask(ValidateToken(subject=demo.id), nova.id, to=keystone)

    play(story, config=config(provider), keystones=3)


@FORMATS
@pytest.mark.parametrize(
    "scope", [ProjectScope(id=ProjectId("demo")), DomainScope(id=DEFAULT), SystemScope(), None], ids=str
)
def test_every_format_knows_every_scope(provider, scope):
    async def story(town: Town):
        for target in (DEFAULT, SYSTEM):
            town.store.grants[Grant("demo", target, RoleId("member"))] = None
        demo = await town.sign_in(scope=scope)
        seen = await town.ask(ValidateToken(subject=demo.id), demo.id)
        assert seen == demo.token
        held = (seen.project and "project", seen.domain and "domain", seen.system and "system", seen.roles and "roles")
        return [word for word in held if word]

    names = {ProjectScope: ["project", "roles"], DomainScope: ["domain", "roles"], SystemScope: ["system", "roles"]}
    assert play(story, config=config(provider)) == names.get(type(scope), [])


@FORMATS
def test_a_revoked_token_is_404_and_its_siblings_live(provider):
    async def story(town: Town):
        first, second, nova = await town.sign_in(), await town.sign_in(), town.session("nova")
        await town.ask(RevokeToken(subject=first.id), first.id)
        with pytest.raises(NotFound):
            await nova.ask(ValidateToken(subject=first.id))
        with pytest.raises(Unauthorized):
            await town.ask(ValidateToken(subject=second.id), first.id)
        await nova.ask(ValidateToken(subject=second.id))

    play(story, config=config(provider))


@FORMATS
@pytest.mark.parametrize("text", ["", "garbage", "MIIgarbage", "PKIZ_garbage", "a.b.c", "\udcff", "0" * 100_000])
def test_garbage_is_404_as_the_subject_and_401_as_the_caller_in_every_format(provider, text):
    async def story(town: Town):
        with pytest.raises(NotFound):
            await town.session("nova").ask(ValidateToken(subject=text))
        with pytest.raises(Unauthorized):
            await town.ask(ListUsers(), text)

    play(story, config=config(provider))


@STORED
def test_a_stored_token_stays_as_a_row_until_a_flush_after_its_expiry(provider):
    async def story(town: Town):
        demo, rows = await town.sign_in(), town.backing.tokens
        await town.ask(RevokeToken(subject=demo.id), demo.id)
        assert (await town.operate(FlushTokens()), len(rows)) == (0, 1)
        await anyio.sleep(demo.token.expires_at - town.world.bus.clock.time())
        for _ in range(5):
            await town.sign_in()
        assert len(rows) == 6
        assert (await town.operate(FlushTokens(batch=1)), len(rows)) == (1, 5)

    play(story, config=config(provider))


@pytest.mark.parametrize("provider", ["fernet", "jws"])
def test_a_format_that_stores_nothing_has_nothing_to_flush(provider):
    assert play(lambda town: town.operate(FlushTokens()), config=config(provider)) == 0


@SIGNED
def test_whoever_has_the_certificates_reads_a_signed_token_without_asking(provider):
    async def story(town: Town):
        demo = await town.sign_in()
        body = verify(demo.id, await trust(town), town.world.bus.clock.time())
        alone = context_of(read_token(body), Credentials(token=demo.id))
        assert alone == context_of(demo.token, Credentials(token=demo.id))
        assert read_token(body).catalog == demo.token.catalog

    play(story, config=config(provider))


async def trust(town: Town) -> Trust:
    certificates = await town.world.bus.ask(FetchCertificates())
    ca, signing = (x509.load_pem_x509_certificate(pem.encode()) for pem in (certificates.ca, certificates.signing))
    return Trust(ca, signing)


@SIGNED
@pytest.mark.parametrize(
    "end",
    [
        lambda town, demo: town.ask(RevokeToken(subject=demo.id), demo.id),
        lambda town, _: town.session("admin").ask(UpdateUser(user_id="demo", enabled=False)),
        lambda town, _: town.session("admin").ask(UpdateUser(user_id="demo", password="new")),
        lambda town, _: town.session("admin").ask(DeleteProject(project_id="demo")),
        lambda town, _: town.session("admin").ask(UpdateProject(project_id="demo", enabled=False)),
        lambda town, _: town.session("admin").ask(UpdateDomain(domain_id=DomainId("other"), enabled=False)),
        lambda town, _: town.session("admin").ask(
            RevokeRole(user_id="demo", role_id=RoleId("member"), project_id=ProjectId("demo"))
        ),
    ],
    ids=[
        "revoked",
        "user disabled",
        "password changed",
        "project deleted",
        "project disabled",
        "domain disabled",
        "role taken away",
    ],
)
def test_whatever_ends_a_signed_token_puts_it_on_the_signed_list_until_it_expires(provider, end):
    async def story(town: Town):
        other = attrs.evolve(town.store.domains[DEFAULT], id=DomainId("other"), name="Other")
        town.store.domains[other.id] = other
        town.store.users["demo"] = attrs.evolve(town.store.users["demo"], domain_id=other.id)
        clock, demo = town.world.bus.clock, await town.sign_in(user_domain_id=other.id)
        assert await revoked(town) == ()
        await end(town, demo)
        assert [token_id(demo.id)] == [entry.id for entry in await revoked(town)]
        await anyio.sleep(demo.token.expires_at - clock.time())
        assert await revoked(town) == ()

    async def revoked(town: Town):
        signed = await town.session("nova").ask(FetchRevocationList())
        return read_revocation_list(signed, await trust(town), town.world.bus.clock.time())

    play(story, config=config(provider))


def test_only_services_and_administrators_fetch_the_list():
    async def story(town: Town):
        for name in ("nova", "admin"):
            await town.session(name).ask(FetchRevocationList())
        with pytest.raises(Forbidden):
            await town.session("demo").ask(FetchRevocationList())

    play(story, config=config("pki"))


@pytest.mark.parametrize("provider", ["fernet", "jws", "uuid"])
def test_without_pki_tokens_the_list_is_403_and_the_certificates_are_404(provider):
    async def story(town: Town):
        with pytest.raises(Forbidden):
            await town.session("admin").ask(FetchRevocationList())
        with pytest.raises(NotFound):
            await town.world.bus.ask(FetchCertificates())

    play(story, config=config(provider))


def test_a_large_catalog_takes_a_pki_token_beyond_8_kilobytes_and_leaves_a_fernet_token_as_it_is():
    def size(provider: str, services: int) -> int:
        async def story(town: Town):
            for n in range(services):
                for interface in ("admin", "internal", "public"):
                    url = f"https://{interface}.example.org:8774/v2.1/{'0' * 32}"
                    town.store.endpoints.append(
                        Endpoint(
                            service_type=f"type{n}", service_name=f"service{n}", topic=url, interface=interface,
                            id="0" * 32, service_id="0" * 32,
                        )
                    )  # fmt: skip
            return len((await town.sign_in()).id)

        return play(story, config=config(provider))

    sizes = {provider: [size(provider, services) for services in (1, 10)] for provider in ("pki", "pkiz", "fernet")}

    assert sizes["pki"][0] < 8192 < sizes["pki"][1]
    assert sizes["pkiz"][1] < sizes["pki"][1]
    assert sizes["fernet"][0] == sizes["fernet"][1]


def test_the_body_of_a_stored_token_is_what_keystone_answers_beside_it():
    async def story(town: Town):
        demo = await town.sign_in()
        return json.loads(town.backing.tokens.get(demo.id).body)["token"]

    body = play(story, config=config("uuid"))

    assert body["user"] == {"id": "demo", "name": "demo", "domain": {"id": "default", "name": "Default"}}
    assert body["project"] == {"id": "demo", "name": "demo", "domain": {"id": "default", "name": "Default"}}
    assert (body["roles"], body["is_domain"], body["methods"]) == (
        [{"id": "member", "name": "member"}],
        False,
        ["password"],
    )
    assert [service["type"] for service in body["catalog"]] == ["compute"]
    assert body["expires_at"].endswith(":00.000000Z")


def test_a_verifier_whose_clock_is_behind_fails_over_a_jws_token_and_not_over_a_fernet_token():
    def validate(provider: str):
        async def story(town: Town):
            issued = await town.world.bus.ask(town.account("nova"), to=town.keystones[0])
            town.world.clock(town.keystones[1]).skew = -2
            return await town.ask(ValidateToken(subject=issued.id), issued.id, to=town.keystones[1])

        return play(story, config=config(provider), keystones=2)

    with pytest.raises(InternalError, match="clocks"):
        validate("jws")
    assert validate("fernet").user.id == "nova"


@pytest.mark.parametrize(
    ("name", "text"),
    [("1", "no key at all"), ("7", "0" * 43)],
    ids=["the primary key is garbage", "an extra key is garbage"],
)
def test_a_malformed_key_file_fails_every_operation_with_500(name, text):
    async def story(town: Town):
        demo = await town.sign_in()
        town.keys.write(name, text)
        with pytest.raises(InternalError, match=r"is no Fernet key"):
            await town.sign_in()
        with pytest.raises(InternalError, match=r"is no Fernet key"):
            await town.ask(ValidateToken(subject=demo.id), demo.id)

    play(story)


@pytest.mark.parametrize(
    ("payload", "subject", "caller"),
    [
        (b"\x95\x63\xc0\xc0\xc0\xc0", NotFound, Unauthorized),
        (b"no msgpack", InternalError, InternalError),
        (b"\x90", InternalError, InternalError),
        (b"\x91\x00", InternalError, InternalError),
    ],
    ids=["unknown version", "no msgpack", "empty", "too short"],
)
def test_an_authentic_envelope_with_a_strange_payload_is_answered_as_keystone_does(payload, subject, caller):
    async def story(town: Town):
        text = KeyRepository(town.keys).ring().seal(payload, int(EPOCH), bytes(16))
        with pytest.raises(subject):
            await town.session("nova").ask(ValidateToken(subject=text))
        with pytest.raises(caller):
            await town.ask(ListUsers(), text)

    play(story)


def test_a_missing_repository_fails_every_operation_with_500_until_it_is_back():
    async def story(town: Town):
        demo = await town.sign_in()
        town.keys.exists = False
        with pytest.raises(InternalError):
            await town.sign_in()
        with pytest.raises(InternalError):
            await town.ask(ValidateToken(subject=demo.id), demo.id)
        town.keys.exists = True
        await town.ask(ValidateToken(subject=demo.id), demo.id)

    play(story)


def test_nodes_with_other_lists_of_methods_misread_each_other():
    async def story(town: Town):
        return await town.sign_in(), town.backing.keys

    demo, keys = play(story)
    other = KeystoneConfig(methods=("password", "external"))
    claims = make_provider(other, Random(0), Backing(keys=keys)).read(demo.id, EPOCH)

    assert (demo.token.methods, claims.methods) == (("password",), ("external",))


@FORMATS
def test_a_format_that_lacks_what_it_rests_on_says_so_at_the_start(provider):
    with pytest.raises(ValueError, match=f"provider='{provider}' lacks what it rests on"):
        make_provider(config(provider), Random(0), Backing())


def test_setting_up_is_a_function_of_the_generator():
    texts = [set_up(KeystoneConfig(), Random(7), EPOCH).keys.read("1") for _ in range(2)]

    assert texts[0] == texts[1]
    assert isinstance(
        make_provider(KeystoneConfig(), Random(7), set_up(KeystoneConfig(), Random(7), EPOCH)), FernetProvider
    )


def test_an_unknown_format_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="provider"):
        KeystoneConfig(provider="sha512")
