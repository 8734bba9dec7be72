"""The work of a full snapshot in Spark: orders to states, then timelines by ranges of keys."""

from datetime import date
from typing import Final

import pyarrow as pa
from pyspark.sql import DataFrame

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.shuffle import (
    STATE_ROWS,
    explode,
    key_pieces,
    partial_states,
    snapshot_timelines,
)
from jobs.parted_files import PartedFiles
from jobs.snapshot.activity import last_days
from jobs.snapshot.part_files import by_range, write_part
from jobs.snapshot.written_range import WrittenRange
from jobs.spark.arrow import map_batches
from jobs.spark.tasks import on_workers

FOLDED: Final = pa.schema([("file", pa.string())])
"""The file with the states of a batch of orders."""


def write_timelines(
    orders: DataFrame, features: FeatureSet, shuffled: PartedFiles, folder: str, as_of: date
) -> list[WrittenRange]:
    """Write the rows of all entities of `orders` with their chargebacks, all before one cutoff.

    A file in `folder` has a range of keys, in their order. The events of a batch are folded before
    the shuffle, which is through the files `shuffled`: of an entity that is in a third of all
    orders, each batch sends one row.
    """
    targets, timezone = features.timeline_targets, features.timezone

    def fold_batch(batch: pa.Table) -> pa.Table:
        states = partial_states(explode(batch, targets), features, Calendar(timezone))
        return pa.table([[shuffled.write(by_range(states, shuffled.parts))]], schema=FOLDED)

    files = [row.file for row in map_batches(orders, fold_batch, FOLDED).collect()]

    def write_pieces(part: int) -> list[WrittenRange]:
        written, calendar = [], Calendar(timezone)
        for piece in key_pieces(pa.Table.from_batches(shuffled.read(files, part), STATE_ROWS)):
            timelines = snapshot_timelines(piece, features, calendar)
            if timelines.num_rows:
                file = write_part(shuffled.files, folder, as_of, timelines)
                written.append(WrittenRange(file=file, days=last_days(timelines, calendar)))
        return written

    ranges = on_workers(orders.sparkSession, shuffled.parts, write_pieces)
    return [written for of_part in ranges for written in of_part]
