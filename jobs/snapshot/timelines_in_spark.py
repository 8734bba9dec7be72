"""The work of a full snapshot in Spark: orders to states, then timelines by ranges of keys."""

from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql import DataFrame

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.shuffle import (
    explode,
    key_pieces,
    partial_states,
    snapshot_schema,
    snapshot_timelines,
)
from jobs.snapshot.part_files import PART, PARTED_ROWS, with_part
from jobs.spark.arrow import map_batches, map_parts
from jobs.spark.session import number_of_parts


def timelines_of(orders: DataFrame, features: FeatureSet) -> DataFrame:
    """The rows of all entities of `orders` with their chargebacks, all before one cutoff.

    Each partition has a range of keys, in their order. The events of a batch are folded before the
    shuffle: of an entity that is in a third of all orders, each batch sends one row.
    """
    targets, timezone = features.timeline_targets, features.timezone
    parts = number_of_parts(orders.sparkSession)

    def fold_batch(batch: pa.Table) -> pa.Table:
        states = partial_states(explode(batch, targets), features, Calendar(timezone))
        return with_part(states, parts)

    def build_timelines(rows: pa.Table) -> Iterator[pa.Table]:
        calendar = Calendar(timezone)
        for piece in key_pieces(rows.drop_columns([PART.name])):
            yield snapshot_timelines(piece, features, calendar)

    states = map_batches(orders, fold_batch, PARTED_ROWS)
    return map_parts(states, PART.name, parts, build_timelines, snapshot_schema(features))
