"""A backup is restored into the server that it was made on: its identity says nothing of that."""

from collections.abc import Callable
from typing import LiteralString

import psycopg
import pyarrow.parquet as pq
import pytest
from psycopg import sql

from jobs.extract.facts import committed_extractions, events_slot
from jobs.extract.run import ExtractResult, extract
from jobs.job import Job
from jobs.watermark import wait_for_rows
from stores.offline.restoring import restore_tables
from stores.offline.tables import OfflineStore, open_store
from tests.integration.history import NOON, History, a_job

Backup = dict[str, bytes]
TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    " ORDER BY oid"  # those that others refer to come first
)
BOUND = "SELECT relname FROM pg_class WHERE relforcerowsecurity"


@pytest.fixture
def job(database_url: str, storage_url: str) -> Job:
    return a_job(database_url, "redis://127.0.0.1:1", storage_url)


@pytest.fixture
def run(job: Job) -> Callable[[], ExtractResult]:
    def extraction() -> ExtractResult:
        with job.connect() as connection:
            watermark = wait_for_rows(connection, say=job.say)
            return extract(job, connection, open_store(job.settings), watermark)

    return extraction


def back_up(url: str) -> Backup:
    """The rows of all tables, as `pg_dump --data-only` has them."""
    with psycopg.connect(url) as connection:
        names = [str(name) for (name,) in connection.execute(TABLES).fetchall()]
        return {name: _copied(connection, name) for name in names}


def _copied(connection: psycopg.Connection, name: str) -> bytes:
    query = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(name))
    with connection.cursor().copy(query) as rows:
        return b"".join(bytes(each) for each in rows)


def restore(url: str, backup: Backup) -> None:
    """Put the rows in the place of the present ones, as `pg_restore` does: policies come later."""
    tables = [sql.Identifier(name) for name in backup]
    with psycopg.connect(url) as connection:
        bound = [sql.Identifier(str(name)) for (name,) in connection.execute(BOUND).fetchall()]
        switch(connection, bound, "NO FORCE ROW LEVEL SECURITY")
        switch(connection, tables, "DISABLE TRIGGER USER")
        connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(tables)))
        for table, rows in zip(tables, backup.values(), strict=True):
            with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(table)) as copy:
                copy.write(rows)
        switch(connection, tables, "ENABLE TRIGGER USER")
        switch(connection, bound, "FORCE ROW LEVEL SECURITY")


def switch(connection: psycopg.Connection, tables: list[sql.Identifier], to: LiteralString) -> None:
    for table in tables:
        connection.execute(sql.SQL("ALTER TABLE {} {}").format(table, sql.SQL(to)))


def extracted_orders(job: Job, store: OfflineStore) -> int:
    extractions = committed_extractions(store, events_slot(job.namespace))
    tables = [pq.read_table(store.files.open(each.key)) for each in extractions.files]
    return sum(table["kind"].to_pylist().count("order") for table in tables)


def test_after_a_backup_from_before_an_extraction_everything_is_extracted_again(
    job: Job, run: Callable[[], ExtractResult], database_url: str
) -> None:
    history, store = History(database_url), open_store(job.settings)
    history.order(NOON, order_id="kept", card="c1")
    run()
    backup = back_up(database_url)
    history.order(NOON, order_id="lost", card="c2")
    run()
    restore(database_url, backup)
    restore_tables(store)
    history.order(NOON, order_id="imported again", card="c3")

    new = run().new
    assert new is not None
    assert (new.from_key, new.rows.order) == (None, 2)
    assert extracted_orders(job, store) == 2


def test_after_a_backup_from_after_the_newest_extraction_it_goes_on(
    job: Job, run: Callable[[], ExtractResult], database_url: str
) -> None:
    history, store = History(database_url), open_store(job.settings)
    history.order(NOON, order_id="kept", card="c1")
    run()
    backup = back_up(database_url)
    history.order(NOON, order_id="lost", card="c2")
    restore(database_url, backup)
    assert restore_tables(store) == []
    history.order(NOON, order_id="imported again", card="c3")

    new = run().new
    assert new is not None
    assert (new.from_key is None, new.rows.order) == (False, 1)
    assert extracted_orders(job, store) == 2
