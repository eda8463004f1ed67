"""The command that all others belong to, and what happens to errors.

The exit status is 0 if all is well, 1 if something was refused or is not well, 2 for wrong use, 130 after Ctrl-C.
"""

from importlib import import_module
from typing import Any, Final

import click

from actors.keystone.tokens.errors import TokenError

REFUSALS: Final = (TokenError,)
"""Errors that are said in one line; any other is a mistake of ours, and shows where it happened."""
INTERRUPTED: Final = 130
COMMANDS: Final = {
    "boot": "actors.cli.boot:boot",
    "hunt": "actors.cli.hunt:hunt_command",
    "matrix": "actors.cli.matrix:matrix_command",
    "races": "actors.cli.races:races_command",
    "tokens": "actors.cli.tokens:tokens",
}
"""Where each command is: imported when it is asked for, since a cloud takes a second to import and most need none."""


class Commands(click.Group):
    """Commands that say refusals in one line, and stop without a word when they are told to."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

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
