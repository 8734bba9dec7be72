"""The parts of a snapshot, as Spark makes them: ranges of keys, with one entity in many batches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features_pkg import shuffle
from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.entity_keys import EntityKeys
from features_pkg.identifiers import Identifier
from jobs.parted_files import PartedFiles
from jobs.snapshot.activity import last_days
from jobs.snapshot.timelines_in_spark import write_timelines
from jobs.snapshot.written_range import days_of_ranges, files_of_ranges
from jobs.spark.session import PARTITIONS
from stores.offline.files import open_files
from tests.integration.offline_runs import Place
from tests.part_of_orders import orders_with_questions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FEATURES = FeatureSet("America/Sao_Paulo", timedelta(hours=4))
KEYS = EntityKeys(b"a secret of the tests", FEATURES.timelines_id)
AS_OF = date(2018, 6, 1)
ORDERS, PARTS = 1_000, 5
HOT_CEP = "01001000"
OPTIONS = {PARTITIONS: str(PARTS), "spark.sql.execution.arrow.maxRecordsPerBatch": "100"}


@pytest.fixture
def in_batches(spark: SparkSession) -> Iterator[SparkSession]:
    """The session with batches of a hundred orders, and five parts."""
    before = {name: spark.conf.get(name) for name in OPTIONS}
    for name, value in OPTIONS.items():
        spark.conf.set(name, value)
    try:
        yield spark
    finally:
        for name, value in before.items():
            spark.conf.set(name, value)


def test_files_are_ranges_of_keys_and_a_hot_cep_counts_all_its_orders(
    in_batches: SparkSession, tmp_path: Path
) -> None:
    orders = orders_with_a_hot_cep()
    source, folder = tmp_path / "orders.parquet", tmp_path / "snapshot"
    pq.write_table(orders, source)

    read = in_batches.read.parquet(str(source)).repartition(3)
    shuffled = PartedFiles(open_files(tmp_path.as_uri(), Place("", "")), "shuffled", PARTS)
    written = write_timelines(read, FEATURES, shuffled, "snapshot", AS_OF)

    files = [file.key for file in files_of_ranges(written)]
    assert files == sorted(f"snapshot/{file.name}" for file in folder.glob("*.parquet"))
    tables = [pq.read_table(tmp_path / file) for file in files]
    rows = pa.concat_tables(tables).select(shuffle.snapshot_schema(FEATURES).names)
    assert len(files) == PARTS
    keys = rows["entity"].combine_chunks()
    assert pc.all(pc.less(keys[:-1], keys[1:])).as_py()  # from file to file, too
    smallest, *_, largest = sorted(table.num_rows for table in tables)
    assert largest < 1.5 * smallest

    events = shuffle.explode(orders, FEATURES.timeline_targets)
    calendar = Calendar(FEATURES.timezone)
    expected = shuffle.snapshot_timelines(events, FEATURES, calendar)
    assert rows.to_pylist() == expected.to_pylist()
    assert days_of_ranges(written) == last_days(expected, calendar)
    hot = KEYS.key(1, Identifier.ZIP_CODE, HOT_CEP)
    (cep,) = rows.filter(pc.equal(rows["entity"], hot)).to_pylist()
    assert cep["orders_older"] + sum(day["count"] for day in cep["orders"]) >= 3 * ORDERS // 10


def orders_with_a_hot_cep() -> pa.Table:
    """Generated orders of a year as `KEYED_ROWS`; three of ten name the same CEP."""
    table = orders_with_questions(ORDERS, FEATURES)
    ceps = table[Identifier.ZIP_CODE].to_pylist()
    ceps = [HOT_CEP if number % 10 < 3 else cep for number, cep in enumerate(ceps)]
    position = table.schema.get_field_index(Identifier.ZIP_CODE)
    table = table.set_column(position, Identifier.ZIP_CODE, pa.array(ceps))
    names = [field.name for field in shuffle.KEYED_ROWS]
    keyed = shuffle.keyed(table, KEYS)
    return keyed.select([name for name in names if name in keyed.column_names])
