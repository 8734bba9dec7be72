"""`ontem emr submit`."""

import shutil
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import click

from jobs.emr.sizes import MACHINES
from jobs.entry import Day, Instant
from jobs.train.choice import Recipe
from jobs.train.options import SAMPLE, recipe_options
from stores.settings import environment_of, project_here

Command = TypeVar("Command", bound=Callable[..., Any])
WITHOUT_A_COUNT: Final = 10_000_000
RETRAINING_DAYS: Final = 180


def _option(name: str, variable: str, help_: str, **settings: Any) -> Callable[[Command], Command]:
    return click.option(name, envvar=variable, show_envvar=True, help=help_, **settings)


OPTIONS: Final = (
    _option("--release", "ONTEM_EMR_RELEASE", "The release of EMR.",
            default="emr-spark-8.1.0", show_default=True),
    _option("--service-role", "ONTEM_EMR_SERVICE_ROLE", "The role with which EMR starts machines.",
            required=True, metavar="ROLE"),
    _option("--instance-profile", "ONTEM_EMR_INSTANCE_PROFILE",
            "The profile of the machines, with whose rights the job reads and writes.",
            required=True, metavar="PROFILE"),
    _option("--subnet", "ONTEM_EMR_SUBNET", "The subnet of the machines.",
            required=True, metavar="SUBNET"),
    _option("--secrets", "ONTEM_SECRETS",
            "Where the job finds its URLs and keys: names or ARNs in Secrets Manager, or names of "
            "parameters of Systems Manager, which begin with /; separated by commas.",
            required=True, metavar="NAMES"),
    _option("--name", "ONTEM_EMR_NAME",
            "What the names of clusters begin with: another one for each stage of an account.",
            default="ontem", show_default=True),
    _option("--instance-type", "ONTEM_EMR_INSTANCE_TYPE", "The machines, all of one kind.",
            type=click.Choice(list(MACHINES)), default="r6i.2xlarge", show_default=True),
    _option("--orders", "ONTEM_EMR_ORDERS",
            "How many orders there are: how many machines work follows from it.  [default: what "
            f"PostgreSQL estimates where ONTEM_POSTGRES_URL is set, else {WITHOUT_A_COUNT:,}]",
            type=click.IntRange(min=1), metavar="N"),
    _option("--wheel", "ONTEM_EMR_WHEEL",
            "The wheel of Ontem, as `make package` builds it.  [default: the one in dist]",
            type=click.Path(exists=True, dir_okay=False, path_type=Path)),
    _option("--python", "ONTEM_EMR_PYTHON", "The Python of the release.",
            type=click.Choice(["3.11", "3.13"]), default="3.11", show_default=True),
)  # fmt: skip


def on_emr(command: Command) -> Command:
    """Give a command the options of every submission."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@click.group()
def emr() -> None:
    """Run jobs on Amazon EMR."""


@emr.group()
def submit() -> None:
    """Start a job on a cluster of its own, wait for its end, and end as it ended.

    The job is packed and sent to the offline store, once for each version. A cluster that does this
    very job already is followed. Ctrl-C or a TERM ends the cluster, but not one that another
    machine began.
    """


@submit.command()
@click.option("--as-of", type=Day(), help="The night of this day.  [default: today]")
@click.option(
    "--backfill", type=(Day(), Day()), metavar="FROM TO", help="All nights of these days."
)
@on_emr
def night(as_of: date | None, backfill: tuple[date, date] | None, **options: Any) -> None:
    """Run the night of a day, as `ontem night` does."""
    if as_of and backfill:
        raise click.UsageError("--as-of names one day and --backfill several: give one of them")
    variables = _variables()
    day = backfill[1] if backfill else as_of or _today(variables)
    words = ("--backfill", *map(str, backfill)) if backfill else ("--as-of", str(day))
    _submit("night", words, day, variables, options)


@submit.command(name="training-set")
@click.option("--from", "first_day", type=Day(), required=True, help="The first day of orders.")
@click.option("--to", "end_day", type=Day(), help="The day after the last one.  [default: today]")
@click.option("--labels-as-of", type=Instant(), help="What is known then.  [default: now]")
@on_emr
def training_set(
    first_day: date, end_day: date | None, labels_as_of: datetime | None, **options: Any
) -> None:
    """Build the training set of a period, as `ontem training-set` does."""
    variables = _variables()
    day = end_day or _today(variables)
    words = ["--from", str(first_day), "--to", str(day)]
    if labels_as_of:
        words += ["--labels-as-of", labels_as_of.isoformat()]
    _submit("training-set", words, day, variables, options)


@submit.command()
@click.option(
    "--from", "first_day", type=Day(),
    help=f"The first day of orders.  [default: {RETRAINING_DAYS} days before the last one]",
)  # fmt: skip
@click.option("--to", "end_day", type=Day(), help="The day after the last one.  [default: today]")
@SAMPLE
@recipe_options
@on_emr
def retrain(
    first_day: date | None,
    end_day: date | None,
    sample: int | None,
    recipe: Recipe,
    **options: Any,
) -> None:
    """Build a training set and train a model on it, as `ontem retrain` does."""
    variables = _variables()
    day = end_day or _today(variables)
    first_day = first_day or day - timedelta(days=RETRAINING_DAYS)
    words = ["--from", str(first_day), "--to", str(day)]
    if sample:
        words += ["--sample", str(sample)]
    words += recipe.words
    _submit("retrain", words, day, variables, options)


def _variables() -> Mapping[str, str]:
    return environment_of(project_here())


def _today(variables: Mapping[str, str]) -> date:
    """The civil day that this machine's clock is in."""
    zone = variables.get("BUSINESS_TIMEZONE") or "America/Sao_Paulo"
    return datetime.now(ZoneInfo(zone)).date()


def _submit(
    job: str, words: Any, day: date, variables: Mapping[str, str], options: dict[str, Any]
) -> None:
    from jobs.emr.submit import Request, submit_job

    request = Request(job=job, words=(job, *words), day=day, variables=variables, **options)
    uv = project_here() / ".ontem" / "tools" / "bin" / "uv"
    ended = submit_job(request, str(uv) if uv.exists() else shutil.which("uv") or "uv", click.echo)
    if ended.exit_code:
        click.echo(f"ontem: {ended.error}", err=True)
    click.get_current_context().exit(ended.exit_code)
