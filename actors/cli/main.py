"""The command that all others belong to, and what happens to errors.

The exit status is 0 if all is well, 1 if something was refused or is not well, 2 for wrong use, 130 after Ctrl-C.
"""

from typing import Any, Final

import click

from actors.cli.boot import boot
from actors.cli.matrix import matrix_command
from actors.cli.tokens import tokens
from actors.keystone.tokens.errors import TokenError

REFUSALS: Final = (TokenError,)
"""Errors that are said in one line; any other is a mistake of ours, and shows where it happened."""
INTERRUPTED: Final = 130


class Commands(click.Group):
    """Commands that say refusals in one line, and stop without a word when they are told to."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except REFUSALS as error:
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)


@click.group(cls=Commands, name="actors", context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """OpenStack's control plane as actors, from the command line."""


main.add_command(boot)
main.add_command(matrix_command)
main.add_command(tokens)
