"""The command `ontem`: a table of commands, each loaded only when it is called."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from features_pkg.errors import OntemError


class Place(NamedTuple):
    """Where a command lives, and what it does in one line."""

    module: str
    attribute: str
    help: str


COMMANDS = {
    "up": Place("ontem.stack.commands", "up", "Start the local PostgreSQL and Redis."),
    "down": Place("ontem.stack.commands", "down", "Stop them; their data stay."),
    "status": Place("ontem.stack.commands", "status", "Show what is up, where, and how big it is."),
    "migrate": Place("ontem.commands.migrate", "migrate", "Create or complete the schema."),
    "merchant": Place(
        "ontem.commands.merchant", "merchant", "Add and list merchants; give and end API keys."
    ),
    "generate": Place(
        "ontem.generating.commands", "generate", "Make up orders, with fraud in them."
    ),
    "import": Place(
        "jobs.importing.commands", "import_", "Load past orders or chargebacks from a file."
    ),
    "snapshot": Place(
        "jobs.snapshot.commands", "snapshot", "Build the snapshot as of a day and publish it."
    ),
    "publish": Place(
        "jobs.snapshot.commands", "publish", "Publish the newest snapshot that Redis lost."
    ),
    "unpublish": Place(
        "jobs.snapshot.commands", "unpublish", "Withdraw the newest published snapshot for good."
    ),
    "snapshots": Place("jobs.snapshot.commands", "snapshots", "List the loads and their state."),
    "training-set": Place(
        "jobs.training_set.commands", "training_set", "Build the training set of a period."
    ),
    "train": Place("jobs.train.commands", "train", "Train a model on a training set."),
    "demo": Place("ontem.demo.commands", "demo", "Run the whole of Ontem once, then serve it."),
    "serve": Place("service.commands", "serve", "Answer POST /evaluate until stopped."),
}


def exit_code(error: OntemError) -> int:
    """What a command exits with after `error`: its class's code, or its nearest base's."""
    from jobs.__main__ import EXIT_CODES

    codes = {**EXIT_CODES, "ontem.stack.errors.StackError": 4}
    names = (f"{base.__module__}.{base.__qualname__}" for base in type(error).__mro__)
    return next(codes[name] for name in names if name in codes)


def _ontem_error() -> type[OntemError]:
    """The base of our errors, imported only once something went wrong: its package is large."""
    from features_pkg.errors import OntemError

    return OntemError


class LazyGroup(click.Group):
    """A group that reads its commands from `COMMANDS` and tells an OntemError in one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now; None when the table has none."""
        if cmd_name not in COMMANDS:
            return None
        place = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(place.module), place.attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table alone, importing none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.help) for name, place in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an OntemError is one sentence on stderr and an exit code."""
        try:
            return super().invoke(ctx)
        except _ontem_error() as error:
            click.echo(f"ontem: {error}", err=True)
            ctx.exit(exit_code(error))


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ontem")
def main() -> None:
    """Ontem: a fraud feature store and scoring service."""
