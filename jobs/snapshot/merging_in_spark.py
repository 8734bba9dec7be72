"""The work of a delta in Spark: files to new states, which are brought to their ranges of keys."""

from collections.abc import Sequence
from functools import partial

import pyarrow as pa
from pyspark.sql import SparkSession

from features_pkg.shuffle import STATE_ROWS
from jobs.parted_files import PartedFiles
from jobs.snapshot.merging import MergeTask, merge_range, new_states
from jobs.snapshot.part_files import by_range
from jobs.snapshot.written_range import WrittenRange
from jobs.spark.tasks import on_workers


def merge_in_spark(
    spark: SparkSession, task: MergeTask, shuffled: PartedFiles
) -> list[WrittenRange]:
    """What becomes of each range of keys; `shuffled` has a part for each."""
    divided = on_workers(spark, len(task.events), partial(_divide_file, task, shuffled))
    files = [file for of_file in divided for file in of_file]
    return on_workers(spark, task.parts, partial(_merge_part, task, shuffled, files))


def _divide_file(task: MergeTask, shuffled: PartedFiles, number: int) -> list[str]:
    found = new_states(task, task.events[number])
    return [shuffled.write(by_range(states, task.parts)) for states in found]


def _merge_part(
    task: MergeTask, shuffled: PartedFiles, files: Sequence[str], part: int
) -> WrittenRange:
    rows = pa.Table.from_batches(shuffled.read(files, part), STATE_ROWS)
    return merge_range(task, part, rows)
