"""A reader of one day of `events` opens the files of that day alone."""

from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest
from pyiceberg.table import Table

from jobs.extract.facts import events_slot
from jobs.extract.run import extract
from jobs.job import Job
from jobs.watermark import wait_for_rows
from stores.offline.tables import find_table, open_store
from tests.integration.history import History, a_job

FIRST = datetime(2018, 6, 1, 15, tzinfo=UTC)
DAY = timedelta(days=1)
NOWHERE = "redis://127.0.0.1:1"


@pytest.fixture
def job(database_url: str, storage_url: str) -> Job:
    return a_job(database_url, NOWHERE, storage_url)


def extracted(job: Job) -> Table:
    """The table, once it has all that is in PostgreSQL."""
    store = open_store(job.settings)
    with job.connect() as connection:
        extract(job, connection, store, wait_for_rows(connection, say=job.say))
    table = find_table(store, events_slot(job.namespace).table)
    assert table is not None
    return table


def of_one_day(table: Table, day: datetime) -> list[str]:
    """The files that a reader of a day opens."""
    period = f"event_at >= '{day.isoformat()}' AND event_at < '{(day + DAY).isoformat()}'"
    return [task.file.file_path for task in table.scan(period).plan_files()]


def test_a_scan_of_a_day_opens_the_files_of_that_day_alone(job: Job) -> None:
    history = History(job.settings.postgres_url)
    for number in range(4):
        at = FIRST + number * DAY
        order = history.order(at, card=f"c{number}")
        if number > 1:
            history.chargeback(order, at + timedelta(hours=1))
        table = extracted(job)

    midnight = FIRST - timedelta(hours=12)
    for number, files in ((0, 1), (1, 1), (2, 2), (3, 2)):
        paths = of_one_day(table, midnight + number * DAY)
        assert len(paths) == files  # one of orders, one of chargebacks
        for path in paths:
            instants = pq.read_table(path, columns=["event_at"])["event_at"].to_pylist()
            days = {instant.date() for instant in instants}
            assert days == {(midnight + number * DAY).date()}
    assert of_one_day(table, midnight - DAY) == []
    assert len(list(table.scan().plan_files())) == 6


def test_nothing_but_instants_is_in_the_metadata(job: Job) -> None:
    History(job.settings.postgres_url).order(FIRST, card="c1", amount_cents=987_654_321)
    table = extracted(job)

    ((task),) = table.scan().plan_files()
    bounded = {table.schema().find_column_name(field) for field in task.file.lower_bounds}
    assert bounded == {"event_at"}
