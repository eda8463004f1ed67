"""Requests as clients send them: files with the JSON body of a request."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from actors.cli.story import refusal
from actors.errors import CloudError

R = TypeVar("R")


def read(path: Path, reader: Callable[[Any], R], service: str) -> R:
    """What the body in a file asks for.

    Args:
        path: of the file.
        reader: makes a message of the parsed body.
        service: whom it is for.

    Raises:
        BadParameter: if the file is no JSON.
        ClickException: if the service would refuse the body without asking anybody.
    """
    try:
        body = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise click.BadParameter(f"{path} is no JSON: {error}") from error
    try:
        return reader(body)
    except CloudError as error:
        raise click.ClickException(f"{service} refuses {path}: {refusal(error)}") from error
