"""The group behind `ontem` and `python -m jobs`: a table of commands, each imported when called."""

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import click

from jobs.endings import ending_of


class CommandEntry(NamedTuple):
    """Where a command is, and what it does in one line."""

    module: str
    attribute: str
    help: str


class LazyGroup(click.Group):
    """A group of the commands in `entries`; what a person can put right ends in one sentence."""

    def __init__(self, *, entries: Mapping[str, CommandEntry], **settings: Any) -> None:
        super().__init__(**settings)
        self._entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, in the order of the table."""
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now; None when the table does not have it."""
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = getattr(importlib.import_module(entry.module), entry.attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table alone, importing none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self._entries.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error that is not a bug becomes a sentence on stderr and a code."""
        try:
            return super().invoke(ctx)
        except Exception as error:  # a bug keeps its traceback
            end = ending_of(error)
            if end is None:
                raise
            click.echo(f"ontem: {end.sentence}", err=True)
            ctx.exit(end.exit_code)
