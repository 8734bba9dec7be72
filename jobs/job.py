"""What every job works with: settings, Spark, the database's clock, and how long it took."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.entity_keys import EntityKeys
from jobs.machine import usable_cores
from stores.postgres.clock import set_clock
from stores.postgres.connection import Connection
from stores.postgres.sessions import open_session
from stores.redis.keys import Namespace
from stores.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Say = Callable[[str], None]
"""Prints one sentence of progress."""

WORTH_SAYING: Final = 10.0
"""Seconds that a stage took last time from which on it is worth to be told before it ends."""

SparkSource = Callable[[str], AbstractContextManager["SparkSession"]]
"""A context that holds a Spark session for the job of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The settings of one job, its Spark, and where it prints progress.

    `name` is that of its command: PostgreSQL names its sessions so to whoever waits for them.
    `clock` is what the database takes for now, on a development stack; None is its own clock.
    `cores` is how many processes or threads may work at once.
    """

    settings: Settings
    spark: SparkSource
    say: Say
    name: str = "job"
    clock: datetime | None = None
    cores: int = field(default_factory=usable_cores)

    @property
    def feature_set(self) -> FeatureSet:
        """The shipped features under these settings."""
        return FeatureSet(self.settings.timezone, self.settings.snapshot_lag)

    @property
    def calendar(self) -> Calendar:
        """The civil days of these settings."""
        return Calendar(self.settings.timezone)

    @property
    def namespace(self) -> Namespace:
        """Where the loads of these settings are in Redis."""
        return Namespace.of(EntityKeys(self.settings.entity_secret, self.feature_set.timelines_id))

    def connect(self) -> Connection:
        """A session in autocommit with this job's clock.

        Raises PostgresUnavailable, SchemaRefused, OtherServer, ClockNotSettable.
        """
        connection = open_session(
            self.settings.postgres_url, application_name=f"ontem {self.name}", autocommit=True
        )
        if self.clock is not None:
            set_clock(connection, self.clock)
        return connection


@contextmanager
def one_spark(job: Job) -> Iterator[Job]:
    """The job with one Spark session for all that it does inside, from its first use to the end.

    On a cluster a job has no other: its Java ends with its first session.
    """
    with ExitStack() as stack:
        sessions: list[SparkSession] = []

        @contextmanager
        def spark(app_name: str) -> Iterator["SparkSession"]:
            if not sessions:
                sessions.append(stack.enter_context(job.spark(app_name)))
            yield sessions[0]

        yield replace(job, spark=spark)


@dataclass(slots=True)
class StageTimer:
    """The seconds that each stage of a job took, printed as each stage ends."""

    say: Say
    seconds: dict[str, float] = field(default_factory=dict)
    last_seconds: Mapping[str, float] = field(default_factory=dict)
    """Those of an earlier run: a stage that took long then says so when it begins."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the seconds of what runs inside, under `name`."""
        if (expected := self.last_seconds.get(name, 0.0)) >= WORTH_SAYING:
            self.say(f"  {name} ... (last time {expected:.0f} s)")
        start = time.monotonic()
        yield
        seconds = time.monotonic() - start
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        self.say(f"  {name}: {seconds:.1f} s")
