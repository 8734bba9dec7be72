"""The work of a delta in Spark: files to new rows, which are brought to their ranges of keys."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from jobs.snapshot.merging import MergeTask, merge_parts, new_rows
from jobs.snapshot.part_files import PART, PARTED_ROWS, part_marker
from jobs.snapshot.written_range import WRITTEN


def merge_in_spark(spark: SparkSession, task: MergeTask) -> pa.Table:
    """What becomes of each range of keys (`WRITTEN`)."""

    def explode_files(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        for number in (each for batch in batches for each in batch[0].to_pylist()):
            tables = [part_marker(~number)] if number < 0 else new_rows(task, task.events[number])
            for table in tables:
                yield from table.to_batches()

    def merge_ranges(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        rows = list(batches)
        if rows:
            for table in merge_parts(task, pa.Table.from_batches(rows)):
                yield from table.to_batches()

    work = spark.createDataFrame([(number,) for number in _numbers(task)], "number int")
    rows = work.mapInArrow(explode_files, from_arrow_schema(PARTED_ROWS))
    ranges = rows.repartitionById(task.parts, PART.name)
    return ranges.mapInArrow(merge_ranges, from_arrow_schema(WRITTEN)).toArrow()


def _numbers(task: MergeTask) -> Iterator[int]:
    """That of each file; and the complement of that of each range, which may have no new row."""
    yield from range(len(task.events))
    yield from (~part for part in range(task.parts))
