"""The work of a delta in Spark: files to new states, which are brought to their ranges of keys."""

from collections.abc import Sequence
from functools import partial
from typing import Final

import pyarrow as pa
from pyspark.sql import SparkSession

from features_pkg.shuffle import STATE_ROWS
from jobs.parted_files import PartedFiles
from jobs.snapshot.merging import MergeTask, merge_range, new_states
from jobs.snapshot.part_files import by_range
from jobs.snapshot.written_range import WrittenRange
from jobs.spark.tasks import on_workers

SHARES_OF_A_PART: Final = 4
"""Into so many shares for each part the files are divided: one that ends late leaves few cores
idle."""


def merge_in_spark(
    spark: SparkSession, task: MergeTask, shuffled: PartedFiles
) -> list[WrittenRange]:
    """What becomes of each range of keys; `shuffled` has a part for each."""
    shares = min(len(task.events), SHARES_OF_A_PART * task.parts)
    divided = on_workers(spark, shares, partial(_divide_files, task, shuffled, shares))
    files = [file for of_share in divided for file in of_share]
    return on_workers(spark, task.parts, partial(_merge_part, task, shuffled, files))


def _divide_files(task: MergeTask, shuffled: PartedFiles, shares: int, first: int) -> list[str]:
    found = new_states(task, task.events[first::shares])
    return [shuffled.write(by_range(states, task.parts)) for states in found]


def _merge_part(
    task: MergeTask, shuffled: PartedFiles, files: Sequence[str], part: int
) -> WrittenRange:
    rows = pa.Table.from_batches(shuffled.read(files, part), STATE_ROWS)
    return merge_range(task, part, rows)
