"""PKI and PKIZ tokens: signed as OpenSSL signs them, verified without asking Keystone."""

import base64
import json
import random
import zlib
from pathlib import Path

import pytest
from attrs import evolve
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.keystone.tokens import body as bodies
from actors.keystone.tokens import pki
from actors.keystone.tokens.authority import Authority, create_authority, create_rsa_key
from actors.keystone.tokens.cms import Trust
from actors.keystone.tokens.errors import KeyMalformed, PayloadMalformed, TokenError, TokenNotFound
from actors.keystone.tokens.store import TokenStore

NOW = 1_700_000_000.0
DAY = 86_400


@pytest.fixture(scope="session")
def foreign() -> Authority:
    """A signer with the same name as the real one, but other keys."""
    return create_authority(random.Random(5).randbytes, NOW)


@pytest.fixture(params=[False, True], ids=["pki", "pkiz"])
def provider(request, authority) -> pki.PkiProvider:
    """A provider of each kind, with an empty table."""
    provider = pki.PkiProvider(store=TokenStore(), authority=authority, compress=request.param)
    yield provider
    provider.store.close()


def text_of(claims) -> str:
    return json.dumps(bodies.render(claims))


def test_a_token_is_verified_without_asking_keystone(provider, authority, claims):
    body = text_of(claims)
    token = provider.issue(claims, body)
    assert body == pki.verify(token, authority.trust, NOW)
    assert claims == bodies.read(pki.verify(token, authority.trust, NOW))


def test_keystone_looks_a_token_up_by_the_md5_of_its_text(provider, claims):
    token = provider.issue(claims, text_of(claims))
    assert provider.store.get(pki.token_id(token)).user_id == claims.user_id
    assert len(pki.token_id(token)) == 32
    assert claims == provider.read(token)


def test_another_hash_may_be_configured(authority, claims):
    provider = pki.PkiProvider(store=TokenStore(), authority=authority, hash_algorithm="sha256")
    token = provider.issue(claims, text_of(claims))
    assert claims == provider.read(token)
    assert len(pki.token_id(token, "sha256")) == 64
    provider.store.close()


def test_what_is_no_pki_token_names_itself():
    assert pki.token_id("a" * 32) == "a" * 32


def test_keystone_does_not_verify_its_own_signature(provider, foreign, claims):
    """It looks the text up, so a token of a key that was replaced since is still good to it, to no service though."""
    token = provider.issue(claims, text_of(claims))
    with pytest.raises(TokenNotFound):
        pki.verify(token, foreign.trust, NOW)
    assert claims == provider.read(token)


def test_a_revoked_token_is_still_verified_but_no_longer_looked_up(provider, authority, claims):
    token = provider.issue(claims, text_of(claims))
    provider.revoke(token)
    assert pki.verify(token, authority.trust, NOW)
    with pytest.raises(TokenNotFound):
        provider.read(token)


def test_the_same_body_gives_the_same_token_stored_once(provider, claims):
    assert provider.issue(claims, text_of(claims)) == provider.issue(claims, text_of(claims))
    assert len(provider.store) == 1


@given(data=st.data())
def test_every_kind_of_claims_comes_back(authority, any_claims, data):
    claims = data.draw(any_claims)
    for write in (pki.write_pki, pki.write_pkiz):
        token = write(authority.sign(text_of(claims).encode()))
        assert claims == bodies.read(pki.verify(token, authority.trust, NOW))


class TestTexts:
    """The two texts, and their sizes."""

    def test_a_pki_token_is_pem_without_lines_and_with_a_dash_for_the_slash(self, authority):
        message = authority.sign(bytes(range(256)) * 3)
        token = pki.write_pki(message)
        assert token == base64.b64encode(message).decode().replace("/", "-")
        assert token.startswith("MII")
        assert message == pki.read_message(token)

    @pytest.mark.parametrize(("size", "known"), [(0, True), (16_000, True), (16_383, False), (70_000, False)])
    def test_a_pki_token_is_known_by_its_start_up_to_16_kb(self, authority, size, known):
        assert known == pki.write_pki(authority.sign(bytes(size))).startswith(pki.PKI_PREFIX)

    def test_a_pkiz_token_is_the_compressed_pem(self, authority):
        message = authority.sign(b"x" * 1000)
        token = pki.write_pkiz(message)
        assert token.startswith("PKIZ_")
        pem = zlib.decompress(base64.urlsafe_b64decode(token[5:])).decode()
        assert pem == pki.write_pem(message)
        lines = pem.splitlines()
        assert (lines[0], lines[-1]) == ("-----BEGIN CMS-----", "-----END CMS-----")
        assert {64} == {len(line) for line in lines[1:-2]}
        assert message == pki.read_message(token)

    @pytest.mark.parametrize(
        ("size", "characters"), [(585, 1292), (1295, 2240), (2685, 4092), (4073, 5944), (7568, 10604)]
    )
    def test_sizes_are_those_of_the_reference(self, authority, size, characters):
        """To within the four characters that a certificate's name makes out."""
        assert abs(len(pki.write_pki(authority.sign(bytes(size)))) - characters) <= 4

    @pytest.mark.parametrize(("services", "fits"), [(5, True), (7, True), (8, False), (10, False)])
    def test_a_catalog_of_eight_services_breaks_a_header_of_8_kb(self, authority, services, fits):
        """Of the reference's services, each of some 700 bytes; web servers commonly allow no longer line."""
        body = bytes(4073 + (services - 5) * (7568 - 4073) // 5)
        assert fits == (len("X-Auth-Token: " + pki.write_pki(authority.sign(body))) <= 8192)

    def test_compression_halves_a_large_catalog(self, authority):
        services = [
            {
                "type": f"service-{number}",
                "id": random.Random(number).randbytes(16).hex(),
                "endpoints": [
                    {
                        "id": random.Random(100 * number + kind).randbytes(16).hex(),
                        "interface": interface,
                        "region": "RegionOne",
                        "url": f"http://controller.example.com:{8774 + number}/v2.1/{'ab' * 16}",
                    }
                    for kind, interface in enumerate(("public", "internal", "admin"))
                ],
            }
            for number in range(12)
        ]
        message = authority.sign(json.dumps({"token": {"catalog": services}}).encode())
        plain, compressed = pki.write_pki(message), pki.write_pkiz(message)
        assert len(plain) > 8192 > len(compressed)


class TestOpenSsl:
    """Held against what the `openssl cms` program signed with the same key and certificate."""

    theirs = (Path(__file__).parent / "openssl-signed.pem").read_text()
    body = '{"token": {"user": {"id": "0123456789abcdef"}, "methods": ["password"], "catalog": []}}'

    def test_our_message_is_theirs_byte_for_byte(self, authority):
        assert self.theirs == pki.write_pem(authority.sign(self.body.encode()))

    def test_their_message_is_verified(self, authority):
        token = "".join(self.theirs.splitlines()[1:-1]).replace("/", "-")
        assert self.body == pki.verify(token, authority.trust, NOW)


def sign_otherwise(authority: Authority, *options: pkcs7.PKCS7Options) -> bytes:
    builder = pkcs7.PKCS7SignatureBuilder().set_data(b'{"token": {}}')
    signed = builder.add_signer(authority.trust.certificate, authority.key, SHA256())
    return signed.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary, *options])


def pem_of(token: str) -> bytes:
    return pki.write_pem(pki.read_message(token)).encode()


def pkiz_of(pem: bytes, cut: int = 0) -> str:
    compressed = zlib.compress(pem)
    return "PKIZ_" + base64.urlsafe_b64encode(compressed[: len(compressed) - cut]).decode()


def test_a_pkiz_token_compressed_by_others_is_verified(authority):
    token = pki.write_pki(authority.sign(b"{}" * 200))
    assert pki.verify(pkiz_of(pem_of(token)), authority.trust, NOW) == "{}" * 200


REFUSED = {
    "empty": lambda _: "",
    "a-uuid": lambda _: "a" * 32,
    "prefix-alone": lambda _: "MII",
    "pkiz-prefix-alone": lambda _: "PKIZ_",
    "truncated": lambda token: token[:-4],
    "half": lambda token: token[: len(token) // 2],
    "junk-inside": lambda token: token[:20] + "!!!!" + token[20:],
    "newline-inside": lambda token: token[:20] + "\n" + token[20:],
    "non-ascii": lambda token: token + "é",
    "lone-surrogate": lambda token: token + "\ud800",
    "more-after-it": lambda token: token + "AAAA",
    "pkiz-of-garbage": lambda _: "PKIZ_" + base64.urlsafe_b64encode(b"garbage").decode(),
    "pkiz-of-no-pem": lambda _: "PKIZ_" + base64.urlsafe_b64encode(zlib.compress(b"garbage")).decode(),
    "pkiz-cut-off": lambda _: "PKIZ_" + base64.urlsafe_b64encode(zlib.compress(b"x" * 9000)[:-4]).decode(),
    "pkiz-bomb": lambda _: "PKIZ_" + base64.urlsafe_b64encode(zlib.compress(bytes(50_000_000))).decode(),
    "pkiz-of-a-message-and-megabytes-of-blanks": lambda token: pkiz_of(pem_of(token) + b" " * 2_000_000),
    "pkiz-without-its-checksum": lambda token: pkiz_of(pem_of(token), cut=4),
    "huge": lambda _: "MII" + "A" * 1_000_000,
    "deep-der": lambda _: pki.write_pki(b"\x30\x82\x10\x00" + b"\x30\x80" * 2048),
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_what_is_no_signed_message_is_not_found(authority, claims, change):
    token = pki.write_pki(authority.sign(text_of(claims).encode()))
    with pytest.raises(TokenNotFound) as caught:
        pki.verify(change(token), authority.trust, NOW)
    assert (caught.value.subject_status, caught.value.caller_status) == (404, 401)


@pytest.mark.parametrize("prefix", ["MII", "PKIZ_", "x"])
@settings(max_examples=1000)
@given(text=st.text(max_size=60) | st.binary(max_size=120).map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_any_text_ends_in_a_refusal(authority, prefix, text):
    with pytest.raises(TokenNotFound):
        pki.verify(prefix + text, authority.trust, NOW)


@given(pem=st.binary(max_size=200) | st.binary(max_size=100).map(lambda data: pki.write_pem(data).encode()))
def test_any_compressed_bytes_end_in_a_refusal(authority, pem):
    with pytest.raises(TokenNotFound):
        pki.verify("PKIZ_" + base64.urlsafe_b64encode(zlib.compress(pem)).decode(), authority.trust, NOW)


@settings(max_examples=1000)
@given(data=st.data())
def test_a_message_with_any_bit_flipped_is_not_found(authority, data):
    message = bytearray(authority.sign(b'{"token": {}}'))
    bit = data.draw(st.integers(0, len(message) * 8 - 1))
    message[bit // 8] ^= 1 << bit % 8
    with pytest.raises(TokenNotFound):
        authority.trust.verify(bytes(message), NOW)


@pytest.mark.parametrize("odd", [b"\x03\x02ks", b"\x13\x02\xff\xff", b"\x0c\x00", b"\x1e\x02ks"])
def test_a_message_whose_signer_has_an_odd_name_is_not_found(authority, odd):
    """Nor does anything warn of it, since nothing reads the name."""
    message = authority.sign(b"{}")
    assert b"\x0c\x02ks" in message
    with pytest.raises(TokenNotFound):
        authority.trust.verify(message.replace(b"\x0c\x02ks", odd), NOW)


@settings(max_examples=2000)
@given(st.binary(max_size=300))
def test_any_bytes_are_no_message(authority, message):
    with pytest.raises(TokenNotFound):
        authority.trust.verify(message, NOW)


@pytest.mark.parametrize(
    "options",
    [
        [pkcs7.PKCS7Options.NoCerts],
        [pkcs7.PKCS7Options.NoAttributes],
        [pkcs7.PKCS7Options.NoAttributes, pkcs7.PKCS7Options.NoCerts, pkcs7.PKCS7Options.DetachedSignature],
    ],
    ids=["with-attributes", "with-certificates", "detached"],
)
def test_a_good_signature_in_another_shape_is_not_found(authority, options):
    with pytest.raises(TokenNotFound):
        authority.trust.verify(sign_otherwise(authority, *options), NOW)


def test_a_foreign_signature_is_not_found_even_under_the_same_name(authority, foreign):
    same_name = create_authority(random.Random(6).randbytes, NOW, subject=(), key_size=1024)
    other_key = evolve(authority, key=foreign.key)
    for signer in (foreign, same_name, other_key):
        with pytest.raises(TokenNotFound):
            authority.trust.verify(signer.sign(b"{}"), NOW)


@pytest.mark.parametrize(
    ("now", "valid"), [(NOW - 1, False), (NOW, True), (NOW + 3650 * DAY, True), (NOW + 3650 * DAY + 1, False)]
)
def test_certificates_are_valid_for_ten_years(authority, now, valid):
    message = authority.sign(b"{}")
    if valid:
        assert authority.trust.verify(message, now) == b"{}"
    else:
        with pytest.raises(TokenNotFound, match="valid from"):
            authority.trust.verify(message, now)


def test_a_certificate_of_another_authority_is_not_trusted(authority, foreign):
    with pytest.raises(KeyMalformed, match="not issued by this authority"):
        Trust(foreign.trust.ca, authority.trust.certificate)


def test_a_certificate_for_another_kind_of_key_is_not_trusted(authority, foreign):
    key = ec.derive_private_key(7, ec.SECP256R1())
    ca = authority.trust.ca
    certificate = x509.CertificateBuilder(
        ca.subject, ca.subject, key.public_key(), 3, ca.not_valid_before_utc, ca.not_valid_after_utc
    ).sign(key, SHA256())
    with pytest.raises(KeyMalformed, match="only RSA signs"):
        Trust(certificate, certificate)


def test_a_signed_body_that_is_not_text_is_malformed(authority):
    with pytest.raises(PayloadMalformed):
        pki.verify(pki.write_pki(authority.sign(b"\xff" * 100)), authority.trust, NOW)


class TestAuthority:
    """Keys and certificates, made at set-up."""

    def test_keys_and_certificates_follow_from_the_random_bytes_alone(self):
        first, again = (create_authority(random.Random(3).randbytes, NOW, key_size=1024) for _ in range(2))
        assert first.trust == again.trust
        assert first.sign(b"x") == again.sign(b"x")

    def test_the_certificates_have_the_name_of_keystones_default(self):
        trust = create_authority(random.Random(3).randbytes, NOW, key_size=1024).trust
        name = "CN=www.example.com,O=Unset,L=Unset,ST=Unset,C=US"
        assert name == trust.ca.subject.rfc4514_string() == trust.certificate.issuer.rfc4514_string()
        assert trust.ca.serial_number != trust.certificate.serial_number

    @pytest.mark.parametrize("key_size", [1024, 2048])
    def test_a_key_has_the_size_that_was_asked_for(self, key_size):
        """That it is a good key is checked by cryptography whenever it takes one."""
        numbers = create_rsa_key(random.Random(8).randbytes, key_size).private_numbers()
        assert key_size == numbers.public_numbers.n.bit_length()
        assert numbers.public_numbers.e == 65537

    def test_the_key_is_not_shown(self, authority):
        numbers = authority.key.private_numbers()
        assert not any(str(secret) in repr(authority) for secret in (numbers.d, numbers.p, numbers.q))


ODD_AUDIT_ID = b'{"revoked": [{"id": "a", "expires": "2023-11-14T23:13:20Z", "audit_id": 7}]}'


class TestRevocationList:
    """The signed list that services fetch."""

    @pytest.fixture
    def signed(self, provider, authority, claims) -> tuple[str, str]:
        """A list with one of two tokens on it, and the id of that one."""
        revoked = provider.issue(claims, text_of(claims))
        other = evolve(claims, audit_ids=("B" * 22,))
        provider.issue(other, text_of(other))
        provider.revoke(revoked)
        return pki.sign_revocation_list(provider.store.revoked(NOW), authority), pki.token_id(revoked)

    def test_a_list_names_the_revoked_tokens(self, signed, authority, claims):
        (entry,) = pki.read_revocation_list(signed[0], authority.trust, NOW)
        assert (signed[1], claims.expires_at, claims.audit_id) == (entry.id, entry.expires, entry.audit_id)

    def test_a_list_is_json_of_keystones_shape(self, signed, authority, claims):
        message = base64.b64decode("".join(signed[0].splitlines()[1:-1]))
        assert {
            "revoked": [{"id": signed[1], "expires": "2023-11-14T23:13:20.000000Z", "audit_id": claims.audit_id}]
        } == json.loads(authority.trust.verify(message, NOW))

    def test_an_expired_token_is_no_longer_named(self, provider, authority, claims):
        """So a service that does not look at expiry would take it again."""
        token = provider.issue(claims, text_of(claims))
        provider.revoke(token)
        signed = pki.sign_revocation_list(provider.store.revoked(claims.expires_at), authority)
        assert pki.read_revocation_list(signed, authority.trust, NOW) == ()

    def test_a_list_of_another_signer_is_refused(self, signed, foreign):
        with pytest.raises(TokenNotFound):
            pki.read_revocation_list(signed[0], foreign.trust, NOW)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"[]",
            b"{}",
            b'{"revoked": 7}',
            b'{"revoked": [7]}',
            b'{"revoked": [{"id": 7}]}',
            ODD_AUDIT_ID,
            b"[" * 9999,
            b"\xff",
        ],
        ids=lambda content: repr(content[:24]),
    )
    def test_a_signed_list_of_nonsense_is_malformed(self, authority, content):
        with pytest.raises(PayloadMalformed):
            pki.read_revocation_list(pki.write_pem(authority.sign(content)), authority.trust, NOW)

    @given(text=st.text(max_size=100) | st.binary(max_size=100).map(pki.write_pem))
    def test_any_text_ends_in_a_typed_error(self, authority, text):
        with pytest.raises(TokenError):
            pki.read_revocation_list(text, authority.trust, NOW)


def test_no_error_shows_a_token(authority, foreign, claims):
    token = pki.write_pki(foreign.sign(text_of(claims).encode()))
    with pytest.raises(TokenNotFound) as caught:
        pki.verify(token, authority.trust, NOW)
    assert token[:40] not in f"{caught.value} {caught.value.__cause__!r}"
