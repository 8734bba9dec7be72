"""What the jobs' commands take from the process: project, environment and terminal."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from features_pkg.calendar import to_us
from features_pkg.orders.fields.instant import is_within, out_of_range
from features_pkg.orders.limits import YEARS
from jobs.job import Job
from jobs.machine import usable_cores
from stores.errors import SettingsError
from stores.settings import Settings, environment_of, project_here

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Instant(click.ParamType[datetime]):
    """An aware instant, such as 2018-06-01T12:00:00Z."""

    name = "instant"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The instant; a naive or malformed one ends the command with a sentence."""
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            at = datetime.min  # noqa: DTZ901  naive, so refused below
        if at.tzinfo is None:
            self.fail(
                f"{value!r} is not an instant with an offset; write it like 2018-06-01T12:00:00Z"
            )
        if not is_within(to_us(at)):
            self.fail(f"{value} {out_of_range(YEARS)}; write it like 2018-06-01T12:00:00Z")
        return at


class Day(click.ParamType[date]):
    """A civil day, such as 2018-06-01."""

    name = "day"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The day; a malformed one ends the command with a sentence."""
        try:
            day = date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day; write it like 2018-06-01")
        if day.year not in YEARS:
            self.fail(f"{value} {out_of_range(YEARS)}; write it like 2018-06-01")
        return day


CLOCK = click.option(
    "--clock",
    type=Instant(),
    help="The instant that the database takes for now; on a development stack only.",
)


def hand_on_aws_variables(environ: Mapping[str, str]) -> None:
    """Put the AWS variables of `environ` into this process's own environment.

    There the SDKs look for credentials: that of PyArrow, and that of the JVM, which inherits them.
    """
    os.environ.update({name: value for name, value in environ.items() if name.startswith("AWS_")})


def scratch_folder(project: Path) -> Path:
    """Where Spark has its scratch files: in `.ontem`, or elsewhere if that is read-only.

    The root of a container is, and its temporary folder is not.
    """
    home = project / ".ontem"
    if os.access(home if home.exists() else project, os.W_OK):
        return home / "spark"
    return Path(tempfile.gettempdir()) / f"ontem-spark-{os.getuid()}"


def spark_master(environ: Mapping[str, str]) -> str | None:
    """The master of a Spark in this process; None where spark-submit has chosen one.

    Raises SettingsError for a cluster: executors have neither our packages nor our Python unless
    spark-submit sends them.
    """
    if "PYSPARK_GATEWAY_PORT" in os.environ:  # spark-submit's word to the Python that it starts
        return None
    master = environ.get("SPARK_MASTER") or "local[*]"
    if not re.fullmatch(r"local(\[(\*|[1-9][0-9]*)\])?", master):
        raise SettingsError(
            variable="SPARK_MASTER",
            value=master,
            remedy="use local[*] or a number of cores such as local[4]; a cluster's jobs are "
            "started by `ontem emr submit`",
        )
    return master


def cores_of(master: str | None) -> int:
    """How many cores a job has with that master: those that it names, else all there are."""
    if master is None or "*" in master:
        return usable_cores()
    return int(re.sub(r"\D", "", master) or 1)


def environment_here() -> dict[str, str]:
    """The variables of this process and its project, and of the secrets that they name.

    Raises SettingsError.
    """
    environ = environment_of(project_here())
    if environ.get("ONTEM_SECRETS"):
        from jobs.secrets import with_secrets

        hand_on_aws_variables(environ)
        environ = with_secrets(environ, os.environ)
    return environ


def job_here(clock: datetime | None = None) -> Job:
    """The job of the running command, with the settings of this process; it prints to stdout.

    Raises SettingsError.
    """
    project = project_here()
    environ = environment_here()
    settings = Settings.from_environ(environ)
    hand_on_aws_variables(environ)
    master = spark_master(environ)

    @contextmanager
    def spark(app_name: str) -> Iterator["SparkSession"]:
        from jobs.spark.session import SparkSettings, session
        from jobs.spark.storage import storage_options

        of_spark = SparkSettings(
            jars=project / ".ontem" / "jars",
            scratch=scratch_folder(project),
            master=master,
            progress=sys.stderr.isatty(),
            storage=storage_options(settings.storage_url, environ),
        )
        with session(app_name, of_spark) as running:
            yield running

    command = click.get_current_context().command.name
    return Job(
        settings=settings,
        spark=spark,
        say=click.echo,
        name=command or "job",
        clock=clock,
        cores=cores_of(master),
    )
