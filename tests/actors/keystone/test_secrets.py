"""No secret is in any log, trace, repr or error, after a story in which a bit of everything happens."""

import traceback

import attrs
import pytest
import structlog

from actors.context import Credentials
from actors.errors import CloudError
from actors.ids import ProjectId, RoleId, UserId
from actors.keystone.config import TOKEN_PROVIDERS, KeystoneConfig
from actors.keystone.messages import (
    Authenticate,
    ChangePassword,
    CreateApplicationCredential,
    CreateTrust,
    CreateUser,
    DistributeKeys,
    ListUsers,
    RevokeToken,
    RotateKeys,
    UpdateUser,
    ValidateToken,
)  # fmt: skip
from actors.keystone.models import TrustScope, Unscoped
from actors.keystone.tokens.errors import TokenError
from actors.keystone.tokens_region import TokensRegion
from bus.middleware import Middleware
from bus.trace import MemorySink
from tests.actors.town import DEFAULT, Town, play

DEMO, MEMBER, PROJECT = UserId("demo"), RoleId("member"), ProjectId("demo")
PASSWORDS = ("demo-secret", "nova-secret", "admin-secret", "hunter2", "tr0ub4dor", "guessed", "chosen-secret")


class Ears(Middleware):
    """Writes down all that is sent, answered and raised, as it looks."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def send(self, passage) -> None:
        self.heard.append(repr(passage))

    async def handle(self, passage, proceed):
        try:
            answer = await proceed()
        except Exception as error:
            self.heard.append("".join(traceback.format_exception(error)))
            raise
        self.heard.append(repr(answer))
        return answer


async def mixed(town: Town, heard: list[str]) -> list[str]:
    """Do a bit of everything, well and badly; return the secrets."""
    admin, issued = town.session("admin"), [await town.sign_in(name) for name in ("demo", "nova", "admin")]
    demo, nova, _ = issued
    new = await town.ask(CreateApplicationCredential(user_id=DEMO, name="made"), demo.id)
    chosen = attrs.evolve(CreateApplicationCredential(user_id=DEMO, name="chosen"), secret="chosen-secret")
    await town.ask(chosen, demo.id)
    by_credential = Authenticate(
        application_credential_id=new.application_credential.id, application_credential_secret=new.secret
    )
    issued.append(await town.world.bus.ask(by_credential))
    trust = await town.ask(
        CreateTrust(
            trustor_user_id=DEMO,
            trustee_user_id=UserId("nova"),
            impersonation=True,
            project_id=PROJECT,
            roles=(MEMBER,),
        ),
        demo.id,
    )
    issued.append(await town.sign_in("nova", scope=TrustScope(id=trust.id)))
    issued.append(await town.world.bus.ask(Authenticate(token=demo.id, scope=Unscoped())))
    await town.who(demo.id, nova.id)
    await admin.ask(CreateUser(name="u", domain_id=DEFAULT, password="hunter2"))
    secrets = [*PASSWORDS, new.secret, *(token.id for token in issued)]
    for bad in (
        town.sign_in(password="guessed"),
        town.world.bus.ask(attrs.evolve(by_credential, application_credential_secret="guessed")),
        town.ask(ValidateToken(subject=nova.id), demo.id),
        town.ask(ListUsers(), demo.id),
        town.ask(ListUsers(), demo.id[:-4]),
        town.ask(ChangePassword(original_password="guessed", password="tr0ub4dor"), demo.id),
        town.ask(ValidateToken(subject=demo.id[:-4]), nova.id),
        town.who(demo.id[:-4]),
    ):
        with pytest.raises(CloudError) as raised:
            await bad
        secrets.append(demo.id[:-4])
        heard.append("".join(traceback.format_exception(raised.value)))
    await town.ask(ChangePassword(original_password="demo-secret", password="tr0ub4dor"), demo.id)
    await admin.ask(UpdateUser(user_id=DEMO, password="hunter2"))
    await town.ask(RevokeToken(subject=nova.id), nova.id)
    return secrets + await keys(town, heard)


async def keys(town: Town, heard: list[str]) -> list[str]:
    """Rotate and copy keys, also where one is broken; return the texts of all."""
    secrets: list[str] = []
    for keystone in town.keystones:
        provider = town.world.bus.cell(keystone).actor.provider
        folder = town.world.bus.cell(keystone).actor.keys
        heard.append(repr((provider, folder, town)))
        if folder is not None:
            secrets += map(folder.read, folder.names())
    if town.keys is not None:
        await town.operate(RotateKeys())
        await town.operate(DistributeKeys(server=str(town.keystones[1].server)))
        secrets += map(town.keys.read, town.keys.names())
        town.keys.write("99", "garbled-key-text")
        with pytest.raises((CloudError, TokenError)) as raised:
            await town.world.bus.ask(town.account("nova"), to=town.keystone)
        heard.append("".join(traceback.format_exception(raised.value)))
        secrets.append("garbled-key-text")
    if town.backing.private is not None:
        secrets += [line for line in town.backing.private.read("private.pem").splitlines() if "---" not in line]
    return secrets


@pytest.mark.parametrize("provider", TOKEN_PROVIDERS)
def test_no_secret_is_in_any_log_trace_repr_or_error(provider):
    ears, trace = Ears(), MemorySink()

    async def story(town: Town):
        secrets = await mixed(town, ears.heard)
        ears.heard.append(repr((town, town.store, vars(town.store), Credentials(token=secrets[-1]))))
        return secrets

    with structlog.testing.capture_logs() as logs:
        secrets = play(
            story, config=KeystoneConfig(provider=provider), keystones=2, region=TokensRegion(), trace=trace,
            middleware=[ears],
        )  # fmt: skip
    everything = "\n".join((*ears.heard, *map(repr, logs), *(record.json() for record in trace.records)))

    assert len(secrets) > 20
    assert [secret for secret in secrets if secret in everything] == []
