"""``python -m actors tokens``: key repositories, and what is in a token. No key is ever shown."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import attrs
import click

from actors.cli import options
from actors.cli.advise import advise
from actors.cli.machine import randomness
from actors.cli.tables import show
from actors.keystone.tokens.body import format_time
from actors.keystone.tokens.cipher import Envelope
from actors.keystone.tokens.directory import Directory, DiskDirectory
from actors.keystone.tokens.fernet import FernetProvider
from actors.keystone.tokens.keys import KeyRepository, read_key_ring, role
from actors.keystone.tokens.rotation import DEFAULT_MAX_ACTIVE_KEYS, Remove, Rename, Step, rotate, set_up
from actors.keystone.tokens.survey import survey
from actors.keystone.tokens.unverified import Format, read_jws, read_signed_body, recognize

_UNSIGNED: Final = "no signature was checked, so anybody may have written this, at any time"
_OPENED: Final = "a key of this folder made this, but it may have expired since, or been revoked"

_folder = click.argument("folder", type=click.Path(path_type=Path))
_token = click.argument("token", type=options.token)
_max_active_keys = click.option(
    "--max-active-keys",
    type=click.IntRange(min=1),
    default=DEFAULT_MAX_ACTIVE_KEYS,
    show_default=True,
    help="Key files to keep, the staged one too.",
)


@click.group()
def tokens() -> None:
    """Look after Fernet keys, and look into tokens.

    FOLDER is a key repository, such as /etc/keystone/fernet-keys. TOKEN is a token, or - to read it from the standard
    input: other users of the machine can see what a command is given.
    """


tokens.add_command(advise)


@tokens.command()
@_folder
@_max_active_keys
def setup(folder: Path, max_active_keys: int) -> None:
    """Make a key repository in FOLDER.

    It is for its owner alone, so run this as Keystone's user. One that has a staged key is left as it is.
    """
    directory = DiskDirectory(folder)
    if not _run(set_up(directory, randomness, max_active_keys), directory):
        click.echo("There is a staged key already: nothing was changed.")
    _warn_if_exposed(directory)


@tokens.command("rotate")
@_folder
@_max_active_keys
def rotate_keys(folder: Path, max_active_keys: int) -> None:
    """Make the staged key in FOLDER the primary one.

    A new key is staged, and the oldest are dropped. Copy the folder to all other nodes before rotating again.
    """
    directory = DiskDirectory(folder)
    _run(rotate(directory, randomness, max_active_keys), directory)
    _warn_if_exposed(directory)


@tokens.command()
@_folder
def keys(folder: Path) -> None:
    """Tell what each file in FOLDER does.

    Keys come in the order in which they are tried. The status is 1 if every token fails.
    """
    directory = DiskDirectory(folder)
    show(("file", "what it does"), survey(directory).items())
    _warn_if_exposed(directory)
    read_key_ring(directory)


@tokens.command()
@_folder
@_token
def which(folder: Path, token: str) -> None:
    """Tell which key in FOLDER reads TOKEN."""
    ring = read_key_ring(DiskDirectory(folder))
    number, _ = ring.open(Envelope.parse(token))
    click.echo(f"Key {number}, the {role(number, ring.primary)} one, reads it.")


@tokens.command()
@_token
@click.option("--keys", "folder", type=click.Path(path_type=Path), help="A key repository; a Fernet token needs one.")
def decode(token: str, folder: Path | None) -> None:
    """Show what TOKEN says as JSON, without validating it."""
    said, doubt = _read(token, folder)
    click.secho(f"NOT VALIDATED: {doubt}.", fg="red", bold=True, err=True)
    click.echo(json.dumps(said, indent=2))


def _read(token: str, folder: Path | None) -> tuple[Any, str]:
    """Return what a token says, and what may be wrong with it."""
    match recognize(token):
        case Format.FERNET:
            if folder is None:
                raise click.UsageError("a Fernet token is encrypted: give --keys, a folder with the key that made it")
            return _read_fernet(token, folder), _OPENED
        case Format.JWS:
            header, payload = read_jws(token)
            return {"header": header, "payload": payload}, _UNSIGNED
        case Format.PKI | Format.PKIZ:
            return read_signed_body(token), _UNSIGNED
        case Format.UUID:
            raise click.ClickException("a UUID token is only a name: what it stands for is in Keystone's table")


def _read_fernet(token: str, folder: Path) -> dict[str, Any]:
    provider = FernetProvider(keys=KeyRepository(DiskDirectory(folder)), randomness=randomness)
    claims = attrs.asdict(provider.read(token), filter=lambda _, value: value is not None)
    return claims | {time: format_time(claims[time]) for time in ("issued_at", "expires_at")}


def _run(steps: Iterable[Step], directory: Directory) -> bool:
    """Take the steps one by one and say each; tell whether there were any."""
    any_step = False
    for step in steps:
        step.apply(directory)
        any_step = True
        match step:
            case Rename(old, new):
                click.echo(f"renamed {old} to {new}")
            case Remove(name):
                click.echo(f"removed {name}")
            case _:
                click.echo("wrote a new key")
    return any_step


def _warn_if_exposed(directory: Directory) -> None:
    if directory.is_exposed():
        click.echo(
            "Warning: every user of the machine may look into the folder; take that away with chmod o=.", err=True
        )
