"""A Keystone that does as it is told, and notes what it was asked, before a probe that tells whom it let in."""

import json
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from random import Random
from typing import Any, ClassVar

import attrs
from cryptography.hazmat.primitives.serialization import Encoding

from actors.auth_token import AuthTokenConfig
from actors.client.gate import AuthTokenGate
from actors.context import Credentials, RequestContext
from actors.errors import NotFound
from actors.ids import DomainId, ProjectId, RoleId, UserId
from actors.keystone.messages import Authenticate, FetchCertificates, FetchRevocationList, ValidateToken
from actors.keystone.models import Certificates, Domain, Endpoint, IssuedToken, Project, Role, Token, User
from actors.keystone.rendering import render
from actors.keystone.tokens import pki
from actors.keystone.tokens.authority import Authority, create_authority
from actors.keystone.tokens.body import format_time
from actors.keystone.tokens.claims import TokenClaims
from bus.actor import Actor
from bus.sim import World
from bus.sim.world import EPOCH
from bus.topic import Target
from tests.actors.town import Probe, WhoAmI

ACCOUNT = Authenticate(user_name="nova", password="secret")
DEFAULT = Domain(id=DomainId("default"), name="Default")


def token_of(
    name: str, *, roles: tuple[str, ...] = ("member",), expires_at: float = EPOCH + 3600, system: str | None = None,
    services: int = 0,
) -> Token:  # fmt: skip
    """What Keystone says of a token of the user and the project *name*, with so many *services* of three endpoints."""
    scoped = system is None
    return Token(
        user=User(id=UserId(name), name=name, domain_id=DEFAULT.id),
        user_domain=DEFAULT,
        methods=("password",),
        audit_ids=(f"audit-of-{name}",),
        issued_at=expires_at - 3600,
        expires_at=expires_at,
        project=Project(id=ProjectId(name), name=name, domain_id=DEFAULT.id) if scoped else None,
        project_domain=DEFAULT if scoped else None,
        system=system,
        roles=tuple(Role(id=RoleId(role), name=role) for role in roles),
        catalog=tuple(endpoints(services)),
    )


def endpoints(services: int) -> Iterator[Endpoint]:
    """Three endpoints for each service, with ids that do not compress, as in real catalogs."""
    chance = Random(services)
    for n in range(services):
        service_id = chance.randbytes(16).hex()
        for interface in ("public", "internal", "admin"):
            yield Endpoint(
                id=chance.randbytes(16).hex(),
                service_id=service_id,
                service_type=f"type-{n}",
                service_name=f"name-{n}",
                topic=f"http://controller:8774/v2.1/{'0123456789abcdef' * 2}",
                interface=interface,
            )


@attrs.define
class Script:
    """What Keystone answers."""

    good: dict[str, Token] = attrs.Factory(dict)
    """Tokens that are valid, by their text."""
    errors: dict[type, list[Exception]] = attrs.Factory(dict)
    """What is raised for the next messages of a kind, instead of an answer."""
    certificates: Certificates | None = None
    revocation_list: str = ""
    asked: list[Any] = attrs.Factory(list)
    token_life: float = 3600
    """Seconds that a token lives that is given to whoever signs in."""

    def count(self, kind: type) -> int:
        """How many messages of a kind came."""
        return sum(isinstance(message, kind) for message in self.asked)

    def validations(self) -> list[tuple[str, bool]]:
        """Which tokens were asked about, and whether they might be expired."""
        return [(m.subject, m.allow_expired) for m in self.asked if isinstance(m, ValidateToken)]

    def note(self, message: Any) -> None:
        """Take a message down, and raise what it is to fail with."""
        self.asked.append(message)
        if errors := self.errors.get(type(message)):
            raise errors.pop(0)


class ScriptedKeystone(Actor):
    """Answers from a script."""

    topic: ClassVar[str] = "keystone"

    def __init__(self, script: Script) -> None:
        self.script = script

    @Authenticate.handler
    async def authenticate(self, msg: Authenticate) -> IssuedToken:
        self.script.note(msg)
        expires_at = self.clock.time() + self.script.token_life
        name = f"token {self.script.count(Authenticate)} of {msg.user_name}"
        token = token_of(str(msg.user_name), roles=("service",), expires_at=expires_at)
        self.script.good[name] = token
        return IssuedToken(id=name, token=token)

    @ValidateToken.handler
    async def validate(self, msg: ValidateToken) -> Token:
        self.script.note(msg)
        token = self.script.good.get(msg.subject)
        if token is None or not (msg.allow_expired or self.clock.time() < token.expires_at):
            raise NotFound("Failed to validate token")
        return token

    @FetchRevocationList.handler
    async def revoked(self, msg: FetchRevocationList) -> str:
        self.script.note(msg)
        return self.script.revocation_list

    @FetchCertificates.handler
    async def certificates(self, msg: FetchCertificates) -> Certificates:
        self.script.note(msg)
        if self.script.certificates is None:
            raise NotFound("no PKI here")
        return self.script.certificates


@attrs.frozen
class Stage:
    """What a story has at hand."""

    world: World
    script: Script
    keystone: Target

    async def who(
        self, token: str | None, service_token: str | None = None, *, request_id: str = "", to: Target | str = "probe"
    ) -> RequestContext:
        """Call a probe with these tokens."""
        credentials = Credentials(token=token, service_token=service_token, request_id=request_id)
        return await self.world.bus.ask(WhoAmI(), to=to, context=credentials, timeout=1000)


def play(
    story: Callable[[Stage], Awaitable[Any]], script: Script | None = None, *, seed: int | None = None, **config: Any
) -> Any:
    """Play a story before a scripted Keystone and a probe with these options."""
    script = Script() if script is None else script

    async def program(world: World) -> Any:
        keystone = await world.bus.start(ScriptedKeystone, script)
        await world.bus.start(Probe, AuthTokenGate(account=ACCOUNT, config=AuthTokenConfig(**config)))
        return await story(Stage(world, script, keystone))

    return World(seed).run(program)


# -- PKI ---------------------------------------------------------------------------------------------------------------


@cache
def authority(seed: int = 0) -> Authority:
    """One whose key is as short as can be, to be quick."""
    return create_authority(Random(seed).randbytes, EPOCH - 86400, key_size=1024)


def certificates_of(signer: Authority) -> Certificates:
    """What services fetch."""
    trust = signer.trust
    ca, signing = (cert.public_bytes(Encoding.PEM).decode() for cert in (trust.ca, trust.certificate))
    return Certificates(signing=signing, ca=ca)


def body_of(token: Token) -> str:
    """The JSON body of a token."""
    claims = TokenClaims(
        user_id=token.user.id,
        methods=token.methods,
        audit_ids=token.audit_ids,
        issued_at=token.issued_at,
        expires_at=token.expires_at,
        system=token.system,
        domain_id=token.domain and token.domain.id,
        project_id=token.project and token.project.id,
    )
    return render(token, claims)


def pki_token(token: Token, *, compress: bool = False, signer: Authority | None = None) -> str:
    """A PKI or PKIZ token."""
    message = (signer or authority()).sign(body_of(token).encode())
    return pki.write_pkiz(message) if compress else pki.write_pki(message)


def revocations(*entries: dict[str, Any], signer: Authority | None = None) -> str:
    """A signed revocation list."""
    listed = [{"expires": format_time(EPOCH), **entry} for entry in entries]
    return pki.write_pem((signer or authority()).sign(json.dumps({"revoked": listed}).encode()))


def pki_script(**fields: Any) -> Script:
    """The script of a Keystone with PKI tokens."""
    return Script(certificates=certificates_of(authority()), revocation_list=revocations(), **fields)
