"""The work of a full snapshot in Spark: orders to states, then timelines by ranges of keys."""

from collections.abc import Iterator
from datetime import date

import pyarrow as pa
from pyspark.sql import DataFrame

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.shuffle import explode, key_pieces, partial_states, snapshot_timelines
from jobs.snapshot.activity import last_days
from jobs.snapshot.part_files import PART, PARTED_ROWS, with_part, write_part
from jobs.snapshot.written_range import WRITTEN, WrittenRange
from jobs.spark.arrow import map_batches, map_parts
from jobs.spark.session import number_of_parts
from stores.offline.files import Files


def write_timelines(
    orders: DataFrame, features: FeatureSet, files: Files, folder: str, as_of: date
) -> pa.Table:
    """Write the rows of all entities of `orders` with their chargebacks, all before one cutoff.

    A file (`WRITTEN`) has a range of keys, in their order. The events of a batch are folded before
    the shuffle: of an entity that is in a third of all orders, each batch sends one row.
    """
    targets, timezone = features.timeline_targets, features.timezone
    parts = number_of_parts(orders.sparkSession)

    def fold_batch(batch: pa.Table) -> pa.Table:
        states = partial_states(explode(batch, targets), features, Calendar(timezone))
        return with_part(states, parts)

    def write_pieces(rows: pa.Table) -> Iterator[pa.Table]:
        calendar = Calendar(timezone)
        for piece in key_pieces(rows.drop_columns([PART.name])):
            timelines = snapshot_timelines(piece, features, calendar)
            if timelines.num_rows:
                file = write_part(files, folder, as_of, timelines)
                yield WrittenRange(file=file, days=last_days(timelines, calendar)).row()

    states = map_batches(orders, fold_batch, PARTED_ROWS)
    return map_parts(states, PART.name, parts, write_pieces, WRITTEN).toArrow()
