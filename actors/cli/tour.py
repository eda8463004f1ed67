"""What ``python -m actors boot`` shows: one boot after the other, each in a new cloud."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs
import click
from rich.text import Text

from actors.accounts import ACCOUNTS
from actors.cli.bodies import read
from actors.cli.launch import Launch, Plan, changed, launch, launch_dying
from actors.cli.story import end_of_token, journey, refusal, tell
from actors.cloud import CloudConfig
from actors.contents import FLAVORS, IMAGE, Contents
from actors.errors import CloudError
from actors.ids import DomainId
from actors.keystone.config import KeystoneConfig
from actors.keystone.messages import Authenticate
from actors.keystone.requests import read_sign_in
from actors.nova.config import NovaConfig
from actors.nova.messages.servers import CreateServer
from actors.nova.models import BlockDevice
from actors.nova.requests.servers import read_create_server

NEVER: Final = "never"
DIES_AT: Final = "CompleteAttachment"
"""Where a token dies unless told otherwise, for a volume is there then, and half attached; or else at the last call."""
LOCAL_DISK: Final = BlockDevice(source_type="image", destination_type="local", boot_index=0, image_id=IMAGE)
VOLUME: Final = BlockDevice(source_type="blank", destination_type="volume", volume_size=1, delete_on_termination=True)
BOOT_VOLUME: Final = attrs.evolve(VOLUME, source_type="image", image_id=IMAGE, boot_index=0)


@attrs.frozen(kw_only=True)
class Wishes:
    """The options of the command, by their names."""

    hosts: int
    from_volume: bool
    body: Path | None
    sign_in: Path | None
    adapt: bool
    token_dies_at: str | None
    service_tokens: bool | None
    provider: str
    seed: int

    def plan(self, *, service_tokens: bool = True) -> Plan:
        """What is to be tried."""
        nova = NovaConfig(send_service_user_token=service_tokens, notify_on_state_change="vm_and_task_state")
        config = CloudConfig(hosts=self.hosts, nova=nova, keystone=KeystoneConfig(provider=self.provider))
        return Plan(
            config=config, seed=self.seed, account=self._account(), request=self._request(),
            adapt=self.adapt or self.body is None,
        )  # fmt: skip

    def _request(self) -> CreateServer:
        if self.body is not None:
            return read(self.body, read_create_server, "Nova")
        return CreateServer(
            name="one", flavor_ref=FLAVORS[0].id, image_ref=None if self.from_volume else IMAGE,
            key_name=Contents().key_name, security_groups=("web",),
            block_devices=(BOOT_VOLUME,) if self.from_volume else (LOCAL_DISK, VOLUME),
        )  # fmt: skip

    def _account(self) -> Authenticate:
        domain = DomainId(KeystoneConfig().default_domain_id)
        if self.sign_in is None:
            return ACCOUNTS["demo"].sign_in(domain)
        account = read(self.sign_in, read_sign_in, "Keystone")
        known = ACCOUNTS.get(account.user_name or "")
        if not self.adapt or known is None:
            return account
        return changed(account, password=known.sign_in(domain).password)


def tour(wishes: Wishes) -> None:
    """Boot, show it, and boot again with a token that dies."""
    plan = wishes.plan()
    try:
        calm = launch(plan)
    except CloudError as error:
        hint = "" if plan.adapt else " --adapt lets ids and names in the files stand for what this cloud has."
        raise click.ClickException(f"the cloud refuses: {refusal(error)}{hint}") from error
    name = _chosen(wishes.token_dies_at, calm)
    tell(_titled("A boot", journey(calm)))
    if name is not None:
        for service_tokens in (False, True) if wishes.service_tokens is None else (wishes.service_tokens,):
            dying = launch_dying(wishes.plan(service_tokens=service_tokens), calm, name)
            beside = "a service token" if service_tokens else "no service token"
            tell(_titled(f"\nThe same boot; its token expires before {name}; {beside} beside it", end_of_token(dying)))


def _chosen(wish: str | None, calm: Launch) -> str | None:
    """The call before which the token is to die; None for none."""
    names = list(dict.fromkeys(call.message for call in calm.users_calls))
    if wish == NEVER or not names:
        return None
    if wish is None:
        return DIES_AT if DIES_AT in names else names[-1]
    if wish not in names:
        raise click.BadParameter(f"{wish!r} is none of {', '.join(names)}, nor {NEVER}", param_hint="--token-dies-at")
    return wish


def _titled(title: str, lines: Iterator[Text]) -> Iterator[Text]:
    yield Text(title, "bold underline")
    yield Text()
    yield from lines
