"""Night by night or all at once: the same timelines and training rows, and nobody is named."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features_pkg.identifiers import SINGLE_VALUED
from jobs.extract.facts import committed_extractions, events_slot
from jobs.extract.run import extract
from jobs.job import Job, StageTimer
from jobs.parted_files import PartedFiles
from jobs.snapshot.make import BuildRequest, make_snapshot
from jobs.snapshot.stores import open_stores
from jobs.snapshot.timelines_in_spark import write_timelines
from jobs.snapshot.written_range import files_of_ranges
from jobs.spark.reading import (
    read_chargebacks,
    read_events,
    read_orders,
    read_questions,
    with_chargebacks,
)
from jobs.training_set.run import TrainingPeriod, training_set
from jobs.watermark import ReadBounds, wait_for_read_bounds, wait_for_rows
from stores.offline.runs import DataFile
from stores.offline.tables import OfflineStore, open_store
from stores.postgres.connection import connect
from tests.integration.history import History, a_job
from tests.offline import a_store

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAY = timedelta(days=1)
START = datetime(2018, 1, 10, 15, tzinfo=UTC)
PARTS = 3
DAYS = (date(2018, 1, 11), date(2018, 3, 1), date(2018, 6, 1))


class World:
    """One past, extracted step by step into one store."""

    def __init__(self, history: History, job: Job) -> None:
        self.history, self.job = history, job
        self.watermarks: list[ReadBounds] = []

    @property
    def store(self) -> OfflineStore:
        return open_store(self.job.settings)

    def extract(self, store: OfflineStore | None = None) -> None:
        job = self.job
        with job.connect() as connection:
            watermark = wait_for_rows(connection, say=job.say)
            extract(job, connection, store or self.store, watermark)
            self.watermarks.append(
                wait_for_read_bounds(connection, DAYS[-1], job.calendar, say=job.say)
            )

    def steps(self) -> Iterator[str]:
        """Everything that can come late, one thing after the other."""
        history = self.history
        yield "an order with a chargeback on day 119, and one that waits"
        history.order(START, order_id="a", card="c1", user="u1", zip_code="01310100")
        history.chargeback("waits", START + 2 * DAY)
        live = history.live_order(START + DAY, order_id="live", card="c1", product=["p", "q"])
        history.evaluation(live, START + DAY, as_of=DAYS[0], stale_days=0)
        yield "the chargeback"
        history.chargeback("a", START + 119 * DAY)
        yield "an import of older history, with the order that was waited for"
        history.order(START - 30 * DAY, order_id="older", card="c1", user="u1")
        history.order(START + DAY, order_id="waits", card="c2", zip_code="01310100")
        yield "an earlier first chargeback, and a reversal"
        history.chargeback("a", START + 3 * DAY)
        history.chargeback("a", START + 5 * DAY, kind="reversal")
        yield "a back-fill after an outage, stored days later"
        with history.connect() as connection:
            connection.execute("SET ontem.clock = '2018-02-01T12:00:00Z'")
            connection.execute(
                "INSERT INTO orders (merchant_id, order_id, evaluated_at, content_hash,"
                " amount_cents, card) VALUES (%s, 'back-filled', %s,"
                " decode(repeat('00', 32), 'hex'), 5, 'c1')",
                (history.merchant_id, START + 4 * DAY),
            )
        yield "an imported order that was posted later"
        history.evaluation("older", START + 20 * DAY, missing=["recent"], as_of=DAYS[0])

    def across_a_watermark(self) -> None:
        """A transaction that is open while one extraction ends and the next begins."""
        with connect(self.history.url, application_name="slow") as slow:
            self.extract()
            slow.execute(
                "INSERT INTO orders (merchant_id, order_id, event_at, content_hash, amount_cents,"
                " card, import_id) VALUES (%s, 'slow', %s, decode(repeat('00', 32), 'hex'), 7,"
                " 'c1', %s)",
                (self.history.merchant_id, START, self.history.import_id),
            )
            self.history.order(START + 6 * DAY, order_id="meanwhile", card="c1")
            slow.commit()
        self.extract()


@pytest.fixture
def world(database_url: str, redis_url: str, storage_url: str, spark: "SparkSession") -> World:
    return World(History(database_url), a_job(database_url, redis_url, storage_url, spark))


def rows_of(store: OfflineStore, file: DataFile) -> list[Any]:
    with store.files.open(file.key) as source:
        rows: list[Any] = pq.read_table(source).to_pylist()
    return rows


def everything(
    job: Job, store: OfflineStore, spark: "SparkSession", bounds: list[ReadBounds]
) -> list[Any]:
    """All timelines as of some days and watermarks, and all rows with their questions, sorted."""
    extracted = committed_extractions(store, events_slot(job.namespace))
    events = read_events(spark, store.files, extracted)
    found: list[Any] = []
    for each in bounds:
        for day in DAYS:
            cutoff = datetime(day.year, day.month, day.day, 3, tzinfo=UTC)
            before = replace(each, cutoff=cutoff)
            chargebacks = read_chargebacks(events, before.watermark_key, before=cutoff)
            orders = with_chargebacks(read_orders(events, before), chargebacks, extracted.rows)
            folder = f"timelines/{uuid.uuid4().hex}"
            shuffled = PartedFiles(store.files, f"{folder}/shuffled", PARTS)
            files = files_of_ranges(write_timelines(orders, job.feature_set, shuffled, folder, day))
            found.append([row for file in files for row in rows_of(store, file)])
        questions = read_questions(events, each.watermark_key, extracted.rows).collect()
        found.append(sorted(str(sorted(row.asDict().items())) for row in questions))
    return found


@pytest.mark.slow
def test_step_by_step_or_at_once_is_the_same(
    world: World, spark: "SparkSession", tmp_path: Path
) -> None:
    for _ in world.steps():
        world.extract()
    world.extract()
    world.across_a_watermark()
    series = committed_extractions(world.store, events_slot(world.job.namespace)).revisions
    assert len(series) >= 7
    at_once = a_store(tmp_path / "b")
    world.extract(at_once)

    bounds = [world.watermarks[0], world.watermarks[2], world.watermarks[-1]]
    step_by_step = everything(world.job, world.store, spark, bounds)
    assert step_by_step == everything(world.job, at_once, spark, bounds)
    entities, orders = step_by_step[-2:]
    assert (len(entities), len(orders)) == (7, 7)

    with world.history.connect() as connection:
        connection.execute(
            "INSERT INTO generations SELECT 2, system_identifier, timeline_id FROM generations"
        )
    world.history.order(START + 7 * DAY, order_id="after the restore", card="c1")
    world.extract()
    world.history.chargeback("meanwhile", START + 9 * DAY)
    world.extract()
    restored = a_store(tmp_path / "c")
    world.extract(restored)
    bounds = [world.watermarks[0], world.watermarks[-1]]
    assert everything(world.job, world.store, spark, bounds) == everything(
        world.job, restored, spark, bounds
    )


SECRETS = {name: f"raw-{name}-5551234" for name in SINGLE_VALUED}


def test_no_raw_identifier_leaves_postgresql(
    world: World, storage_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[str] = []
    job = replace(world.job, say=said.append)
    for number in range(3):
        order_id = world.history.order(START + number * DAY, **SECRETS, product=["raw-product-1"])
        world.history.chargeback(order_id, START + 10 * DAY)
    with open_stores(job) as stores:
        bounds = wait_for_read_bounds(stores.connection, DAYS[-1], job.calendar, say=job.say)
        make_snapshot(job, stores, BuildRequest(DAYS[-1], bounds), StageTimer(job.say))
    period = TrainingPeriod(first_day=date(2018, 1, 1), end_day=date(2018, 2, 1))
    assert training_set(job, period).facts.orders == 3
    tables = list(storage_folder.rglob("*.parquet"))
    assert {path.relative_to(storage_folder).parts[1] for path in tables} == {
        "events", "snapshots", "training_sets",
    }  # fmt: skip
    for path in tables:
        assert b"raw-" not in plain_bytes(path), path
    for path in storage_folder.rglob("*"):
        assert not path.is_file() or b"raw-" not in path.read_bytes(), path
    assert "raw-" not in "\n".join([*said, caplog.text])


def plain_bytes(path: Path) -> bytes:
    """All values of a Parquet file, which compresses them."""
    sink = pa.BufferOutputStream()
    table = pq.read_table(path)
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
