"""Signed messages, as PKI tokens and revocation lists are: CMS SignedData (RFC 5652) in Keystone's one shape.

`openssl cms -sign -nosmimecap -nodetach -nocerts -noattr -md sha256` makes that shape: the content within, one signer,
its certificate only named, and nothing signed but the content. The classes below are that shape for reading and for
writing, so that whatever is not exactly this is refused, and what is signed here is what OpenSSL signs, byte for byte.
"""

from typing import Annotated, Final

from attrs import Factory, field, frozen
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from actors.keystone.tokens.errors import KeyMalformed, TokenNotFound

_SIGNED_DATA: Final = x509.ObjectIdentifier("1.2.840.113549.1.7.2")
_DATA: Final = x509.ObjectIdentifier("1.2.840.113549.1.7.1")
_SHA256_OID: Final = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_RSA_OID: Final = x509.ObjectIdentifier("1.2.840.113549.1.1.1")
_VERSION: Final = 1


@asn1.sequence
class _Algorithm:
    algorithm: x509.ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class _SignerId:
    issuer: asn1.TLV  # a name, left as it is: cryptography warns of odd ones, and these may be forged
    serial_number: int


@asn1.sequence
class _SignerInfo:
    version: int
    signer: _SignerId
    digest_algorithm: _Algorithm
    signature_algorithm: _Algorithm
    signature: bytes


@asn1.sequence
class _Content:
    content_type: x509.ObjectIdentifier
    content: Annotated[bytes, asn1.Explicit(0)]


@asn1.sequence
class _SignedData:
    version: int
    digest_algorithms: asn1.SetOf[_Algorithm]
    content: _Content
    signers: asn1.SetOf[_SignerInfo]


@asn1.sequence
class _Message:
    content_type: x509.ObjectIdentifier
    content: Annotated[_SignedData, asn1.Explicit(0)]


@frozen
class Trust:
    """What a verifier has to know of a signer: two certificates, both public."""

    ca: x509.Certificate
    """Of the authority."""
    certificate: x509.Certificate
    """Of the signer, issued by the authority."""
    _key: RSAPublicKey = field(
        init=False,
        repr=False,
        eq=False,
        default=Factory(lambda self: _checked_key(self.ca, self.certificate), takes_self=True),
    )

    def verify(self, message: bytes, now: float) -> bytes:
        """Return the content of a signed message.

        Args:
            message: DER that may be anything.
            now: Seconds since the epoch; both certificates must be valid then.

        Raises:
            TokenNotFound: It is no signed message of Keystone's shape, or another key signed it.
        """
        for certificate in self.ca, self.certificate:
            first, last = certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()
            if not first <= now <= last:
                raise TokenNotFound(
                    f"a signing certificate is valid from {first} to {last}, but it is {now}; fetch a new one"
                )
        try:
            content, signature = self._read(message)
            self._key.verify(signature, content, PKCS1v15(), SHA256())
        except (ValueError, TypeError, InvalidSignature) as error:
            raise TokenNotFound(f"{len(message)} bytes that the trusted certificate did not sign") from error
        return content

    def _read(self, message: bytes) -> tuple[bytes, bytes]:
        outer = asn1.decode_der(_Message, message)
        data = outer.content
        signers = data.signers.as_list()
        expected = _shape(_signer_id(self.certificate), data.content.content, signers[0].signature if signers else b"")
        if asn1.encode_der(expected) != message:
            raise ValueError("not of the one shape that Keystone signs")
        return data.content.content, signers[0].signature


def unverified_content(message: bytes) -> bytes:
    """Return what a message says it signs, whoever signed it, if anybody did.

    Raises:
        TokenNotFound: It is no signed message of Keystone's shape.
    """
    try:
        return asn1.decode_der(_Message, message).content.content.content
    except (ValueError, TypeError) as error:
        raise TokenNotFound(f"{len(message)} bytes that are no signed message") from error


def sign(content: bytes, key: RSAPrivateKey, certificate: x509.Certificate) -> bytes:
    """Sign *content* with the key of *certificate*; return DER."""
    return asn1.encode_der(_shape(_signer_id(certificate), content, key.sign(content, PKCS1v15(), SHA256())))


def _signer_id(certificate: x509.Certificate) -> _SignerId:
    issuer = asn1.decode_der(asn1.TLV, certificate.issuer.public_bytes())
    return _SignerId(issuer=issuer, serial_number=certificate.serial_number)


def _shape(signer: _SignerId, content: bytes, signature: bytes) -> _Message:
    sha256 = _Algorithm(algorithm=_SHA256_OID, parameters=None)
    info = _SignerInfo(
        version=_VERSION,
        signer=signer,
        digest_algorithm=sha256,
        signature_algorithm=_Algorithm(algorithm=_RSA_OID, parameters=asn1.Null()),
        signature=signature,
    )
    data = _SignedData(
        version=_VERSION,
        digest_algorithms=asn1.SetOf([sha256]),
        content=_Content(content_type=_DATA, content=content),
        signers=asn1.SetOf([info]),
    )
    return _Message(content_type=_SIGNED_DATA, content=data)


def _checked_key(ca: x509.Certificate, certificate: x509.Certificate) -> RSAPublicKey:
    key = certificate.public_key()
    try:
        certificate.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise KeyMalformed("the signing certificate was not issued by this authority; fetch both anew") from error
    if not isinstance(key, RSAPublicKey):
        raise KeyMalformed(f"the signing certificate is for {type(key).__name__}, but only RSA signs tokens")
    return key
