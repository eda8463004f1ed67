"""The keys and certificates that sign PKI tokens, made at set-up as `keystone-manage pki_setup` did.

RSA keys are made here from the caller's random bytes, since cryptography takes them from the machine, and a simulation
that is run again must sign with the same key. Whoever has keys and certificates already makes an `Authority` of them.
"""

from datetime import UTC, datetime, timedelta
from math import gcd
from typing import Final

from attrs import field, frozen
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from actors.keystone.tokens.cms import Trust, sign
from actors.keystone.tokens.randomness import Randomness

DEFAULT_SUBJECT: Final = (
    (NameOID.COUNTRY_NAME, "US"),
    (NameOID.STATE_OR_PROVINCE_NAME, "Unset"),
    (NameOID.LOCALITY_NAME, "Unset"),
    (NameOID.ORGANIZATION_NAME, "Unset"),
    (NameOID.COMMON_NAME, "www.example.com"),
)
"""`[signing] cert_subject`."""
DEFAULT_KEY_SIZE: Final = 2048
"""`[signing] key_size`, in bits; 1024 in Folsom."""
DEFAULT_VALID_DAYS: Final = 3650
"""`[signing] valid_days`."""
_EXPONENT: Final = 65537
_ROUNDS: Final = 8
"""Of the Miller-Rabin test: far more than 1024 random bits need."""
_SMALL_PRIMES: Final = [
    number for number in range(3, 2000, 2) if all(number % divisor for divisor in range(3, int(number**0.5) + 1, 2))
]


@frozen
class Authority:
    """Who signs PKI tokens."""

    key: rsa.RSAPrivateKey = field(repr=False)
    trust: Trust
    """The certificates that every service fetches."""

    def sign(self, content: bytes) -> bytes:
        """Sign *content*; return DER."""
        return sign(content, self.key, self.trust.certificate)


def create_authority(
    randomness: Randomness,
    now: float,
    *,
    subject: tuple[tuple[x509.ObjectIdentifier, str], ...] = DEFAULT_SUBJECT,
    key_size: int = DEFAULT_KEY_SIZE,
    valid_days: int = DEFAULT_VALID_DAYS,
) -> Authority:
    """Make an authority: its own key and certificate, and those that sign.

    Args:
        randomness: Where the keys come from; some 10 kB are drawn.
        now: Seconds since the epoch, from which on the certificates are valid.
        subject: The name on both certificates.
        key_size: Bits of each key.
        valid_days: Days that the certificates are valid.
    """
    ca_key, signing_key = create_rsa_key(randomness, key_size), create_rsa_key(randomness, key_size)
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in subject])
    start = datetime.fromtimestamp(int(now), UTC)
    template = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=valid_days))
    )
    ca, signing = (
        template.public_key(key.public_key())
        .serial_number(serial)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, SHA256())
        for key, serial, is_ca in ((ca_key, 1, True), (signing_key, 2, False))
    )
    return Authority(signing_key, Trust(ca, signing))


def create_rsa_key(randomness: Randomness, key_size: int) -> rsa.RSAPrivateKey:
    """Make an RSA key of *key_size* bits from the caller's random bytes alone; takes a part of a second."""
    p, q = sorted((_prime(randomness, key_size // 2), _prime(randomness, key_size // 2)), reverse=True)
    d = pow(_EXPONENT, -1, (p - 1) * (q - 1) // gcd(p - 1, q - 1))
    public = rsa.RSAPublicNumbers(_EXPONENT, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public).private_key()


def _prime(randomness: Randomness, bits: int) -> int:
    """Make a prime whose two highest bits are set, so that the product of two of them has all its bits."""
    while True:
        number = int.from_bytes(randomness(bits // 8)) | 0b11 << (bits - 2) | 1
        if all(number % prime for prime in _SMALL_PRIMES) and number % _EXPONENT != 1 and _is_prime(number, randomness):
            return number


def _is_prime(number: int, randomness: Randomness) -> bool:
    """Try *number* with Miller and Rabin's test."""
    halvings = (number - 1 & 1 - number).bit_length() - 1
    odd = number - 1 >> halvings
    for _ in range(_ROUNDS):
        power = pow(int.from_bytes(randomness(16)) + 2, odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(halvings - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True
