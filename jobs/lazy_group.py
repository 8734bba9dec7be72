"""The group behind `ontem` and `python -m jobs`: a table of commands, each imported when called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from jobs.endings import ending_of

if TYPE_CHECKING:
    from jobs.errors import ExtraMissing


class CommandEntry(NamedTuple):
    """Where a command is, what it does in one line, and the extra of the package that it needs.

    An `extra` of None is a command of a checkout: what it needs is in no extra.
    """

    module: str
    attribute: str
    help: str
    extra: str | None = "jobs"


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
        try:
            command: click.Command = getattr(importlib.import_module(entry.module), entry.attribute)
        except ModuleNotFoundError as missing:
            raise self._extra_missing(cmd_name, missing) or missing from None
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
            missing = isinstance(error, ModuleNotFoundError) and self._extra_missing(
                ctx.invoked_subcommand, error
            )
            end = ending_of(missing or error)
            if end is None:
                raise
            click.echo(f"ontem: {end.sentence}", err=True)
            ctx.exit(end.exit_code)

    def _extra_missing(self, name: str | None, error: ModuleNotFoundError) -> ExtraMissing | None:
        """The refusal for a library that a command needs; None where a module of ours is lost."""
        entry = self._entries.get(name or "")
        library = (error.name or "").partition(".")[0]
        if entry is None or not library or library == entry.module.partition(".")[0]:
            return None
        from jobs.errors import ExtraMissing  # here, so that help imports nothing

        return ExtraMissing(command=name or "", library=library, extra=entry.extra)
