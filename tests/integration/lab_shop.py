"""A made-up shop in which trials are made: its orders are imported, and it has a training set."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from jobs.importing import ImportOptions, import_orders
from jobs.job import Job
from jobs.training_set.run import TrainingPeriod, training_set
from ontem.generating.generate import generate
from stores.postgres.connection import connect
from stores.settings import Settings
from tests.integration.history import a_job
from tests.integration.imports import Recorder

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

END = datetime(2018, 6, 1, tzinfo=UTC)
MATURITY = timedelta(days=20)


def a_lab_shop(database_url: str, storage_url: str, spark: "SparkSession") -> Job:
    """The job of a shop of 2,500 orders, each placed 90 seconds before we knew of it."""
    orders = generate(2500, 80, 5, END)
    placed = pa.array(orders["event_at"].cast(pa.int64()).to_numpy() - 90_000_000)
    orders = orders.append_column("placed_at", placed.cast(pa.timestamp("us", "UTC")))
    with connect(database_url, application_name="test") as connection:
        connection.execute("INSERT INTO merchants (name) VALUES ('one')")
        connection.commit()
        options = ImportOptions(listener=Recorder(), processes=1)
        import_orders(connection, orders, 1, None, options)
    job = a_job(database_url, "redis://127.0.0.1:1", storage_url, spark)
    job = replace(job, settings=replace(job.settings, label_maturity=MATURITY))
    period = TrainingPeriod(first_day=date(2018, 3, 15), end_day=date(2018, 6, 1), labels_as_of=END)
    training_set(job, period)
    return job


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables of a command with these settings."""
    return {
        "ONTEM_POSTGRES_URL": settings.postgres_url,
        "ONTEM_ENVIRONMENT": "development",
        "ONTEM_REDIS_URL": settings.redis_url,
        "ONTEM_STORAGE_URL": settings.storage_url,
        "ONTEM_ENTITY_KEY": settings.entity_secret.hex(),
        "LABEL_MATURITY_DAYS": str(settings.label_maturity.days),
    }
