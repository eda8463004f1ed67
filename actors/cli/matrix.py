"""``matrix``: at which step of an operation does the user's token die, and what becomes of the operation."""

import logging
from typing import Final

import click
import structlog

from actors.cli.tables import show
from actors.testing.matrix import Setting, matrix
from actors.testing.operations import OPERATIONS

FORMATS: Final = ("fernet", "jws", "uuid", "pki", "pkiz")


@click.command("matrix")
@click.argument("operation", type=click.Choice(list(OPERATIONS)), nargs=-1)
@click.option(
    "--format",
    "formats",
    type=click.Choice(FORMATS),
    multiple=True,
    help="Of tokens. May be repeated.  [default: fernet]",
)
@click.option(
    "--cache", "caches", type=click.IntRange(-1), multiple=True,
    help="Seconds for which services remember a token (-1: not at all). May be repeated.  [default: 300]",
)  # fmt: skip
def matrix_command(operation: tuple[str, ...], formats: tuple[str, ...], caches: tuple[int, ...]) -> None:
    """Show what an expiring token does to OPERATION (all of them, if none is named), step by step.

    Each line is a call that carries the user's token, and what becomes of the operation if the token expires just before it: without
    service tokens, and with them. The calls differ a little between the two; a line counts the same call of the same service.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for name in operation or OPERATIONS:
        for provider in formats or ("fernet",):
            for cache in caches or (300,):
                click.echo(f"{name}: {provider} tokens, remembered for {cache} s")
                show(
                    ("step", "call", "by", "to", "without service tokens", "with service tokens"),
                    _rows(name, provider, cache),
                )


def _rows(name: str, provider: str, cache: int) -> list[tuple[str, ...]]:
    rows: dict[tuple[str, str, str, int], list[str]] = {}
    for column, service_tokens in enumerate((False, True)):
        setting = Setting(provider=provider, service_tokens=service_tokens, token_cache_time=cache)
        seen: dict[tuple[str, str, str], int] = {}
        for step, text in matrix(OPERATIONS[name], setting):
            call = (step.call, step.sender or "the user", step.receiver)
            seen[call] = seen.get(call, 0) + 1
            rows.setdefault((*call, seen[call]), ["", ""])[column] = text
    return [
        (str(number), call, by, to, *texts) for number, ((call, by, to, _), texts) in enumerate(rows.items(), start=1)
    ]
