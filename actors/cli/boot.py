"""``python -m actors boot``: the journey of one boot, and of the same boot with a token that dies on the way."""

import logging
from pathlib import Path
from typing import Any

import click
import structlog

from actors.keystone.config import TOKEN_PROVIDERS

_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--hosts", type=click.IntRange(min=1), default=2, show_default=True, help="Hypervisors in the cloud.")
@click.option("--from-volume", is_flag=True, help="Boot from a volume that is made from the image.")
@click.option("--body", type=_file, help="Ask for what this file says: the JSON body of POST /servers.")
@click.option("--sign-in", type=_file, help="Sign in as this file says: the JSON body of POST /v3/auth/tokens.")
@click.option("--adapt", is_flag=True, help="Let ids and names in the files stand for what this cloud has.")
@click.option("--token-dies-at", metavar="CALL", help="A call of nova-compute with the user's token, or never.")
@click.option(
    "--service-tokens/--no-service-tokens", default=None, help="Whether Nova sends one along then.  [default: both]"
)
@click.option(
    "--format", "provider", type=click.Choice(TOKEN_PROVIDERS), default="fernet", show_default=True, help="Of tokens."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of ids, keys and addresses.")
def boot(**options: Any) -> None:
    """Boot a server with a volume, and show who asked whom for what, when, and with which credential.

    Then boot it again with a token that expires on the way, and show what is left behind. Time is simulated. The status is
    1 if the request is refused.

    For your own --body: there are the flavors 1 to 4, the image c1205000-0000-4000-8000-000000000001, a network (say auto),
    and the user demo with the password demo-secret, the project demo, and the keypair demo-key.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    from actors.cli.tour import Wishes, tour  # noqa: PLC0415 (a cloud takes a second to import: other commands do not)

    if options["body"] is not None and options["from_volume"]:
        raise click.UsageError("--body says itself what to boot from: leave out --from-volume")
    tour(Wishes(**options))
