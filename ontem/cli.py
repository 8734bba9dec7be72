"""The command `ontem`: a table of commands, each imported only when it is called."""

import click

from jobs.__main__ import JOBS
from jobs.lazy_group import CommandEntry, LazyGroup
from ontem.version import version_here

COMMANDS = {
    "up": CommandEntry("ontem.stack.commands", "up", "Start the local PostgreSQL and Redis.", None),
    "down": CommandEntry(
        "ontem.stack.commands",
        "down",
        "Stop the local PostgreSQL and Redis; their data stay.",
        None,
    ),
    "status": CommandEntry(
        "ontem.stack.commands",
        "status",
        "Show the state, address, version and size of both servers.",
        None,
    ),
    "migrate": CommandEntry(
        "ontem.commands.migrate",
        "migrate",
        "Create or complete the schema; a second call changes nothing.",
    ),
    "merchant": CommandEntry(
        "ontem.commands.merchant",
        "merchant",
        "Manage merchants, their policies and API keys.",
        "service",
    ),
    "chargeback": CommandEntry(
        "ontem.commands.chargeback",
        "chargeback",
        "Record the chargeback of an order, or its reversal, as reported now.",
        "service",
    ),
    "generate": CommandEntry(
        "ontem.generating.commands",
        "generate",
        "Make up orders: honest customers, patterns of fraud, chargebacks weeks later.",
    ),
    "import": CommandEntry(
        "jobs.importing.commands",
        "import_",
        "Load orders or chargebacks of the past from a CSV or Parquet FILE.",
    ),
    **JOBS,
    "models": CommandEntry(
        "ontem.models.commands",
        "models",
        "List the models with their metrics, which one serves, and why one can't.",
    ),
    "features": CommandEntry(
        "ontem.feature_store.commands",
        "features",
        "Find features by words, show what one means, and compare two sets of them.",
    ),
    "trial": CommandEntry(
        "ontem.lab.commands",
        "trial",
        "Try candidate features: what they cost, look like and are worth; each step is on record.",
    ),
    "compose": CommandEntry(
        "ontem.compose.commands",
        "compose",
        "Do one step of docker-compose.yml; a step that is done is not done again.",
    ),
    "demo": CommandEntry(
        "ontem.demo.commands",
        "demo",
        "Run the whole of Ontem once, on a database of its own, and serve it afterwards.",
        None,
    ),
    "serve": CommandEntry(
        "service.commands", "serve", "Answer POST /evaluate until stopped.", "service"
    ),
}


def _print_version(context: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001  click gives flags so
    if value and not context.resilient_parsing:
        click.echo(version_here().sentence)
        context.exit()


@click.command(
    cls=LazyGroup, entries=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and the commit, and exit.",
)
@click.pass_context
def main(context: click.Context) -> None:
    """Ontem: a fraud feature store and scoring service."""
    context.obj = version_here
