"""What every job of one process works with."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.entity_keys import EntityKeys
from stores.postgres.clock import set_clock
from stores.postgres.connection import Connection, connect
from stores.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Say = Callable[[str], None]
SparkSource = Callable[[str], AbstractContextManager["SparkSession"]]
"""Gives the session for a job of that name, for as long as it is entered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Settings, the feature set they make, and where to tell progress.

    `clock` is what the database shall take for now, on a development stack; None is its own.
    """

    settings: Settings
    spark: SparkSource
    say: Say
    clock: datetime | None = None

    @property
    def feature_set(self) -> FeatureSet:
        """The shipped features under these settings."""
        return FeatureSet(self.settings.timezone, self.settings.snapshot_lag)

    @property
    def calendar(self) -> Calendar:
        """The civil days of these settings."""
        return Calendar(self.settings.timezone)

    @property
    def entity_key_id(self) -> str:
        """Tells secrets apart without telling them."""
        keys = EntityKeys(self.settings.entity_key, self.feature_set.timelines_id)
        return keys.key(0, "key id", "").hex()[:16]

    def connect(self) -> Connection:
        """A session in autocommit whose clock is this job's; raises PostgresUnavailable."""
        connection = connect(
            self.settings.postgres_url, application_name="ontem night", autocommit=True
        )
        if self.clock is not None:
            set_clock(connection, self.clock)
        return connection


@dataclass(slots=True)
class Stages:
    """How long each stage of a job took, told as it goes."""

    say: Say
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what runs inside under `name`."""
        start = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - start
        self.say(f"  {name}: {self.seconds[name]:.1f} s")
