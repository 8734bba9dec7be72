"""From extracted events to a committed snapshot."""

import uuid
from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  as everybody calls it

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.shuffle import (
    explode,
    key_pieces,
    partial_states,
    snapshot_schema,
    snapshot_timelines,
)
from jobs.job import Job
from jobs.snapshot.activity import Activity
from jobs.snapshot.commit import SnapshotSource, commit_snapshot
from jobs.snapshot.described import describe_rows
from jobs.snapshot.facts import DATASET, PARTITION, SnapshotFacts
from jobs.snapshot.part_files import PART, PARTED_ROWS, with_part
from jobs.snapshot.stores import OpenStores
from jobs.spark.arrow import map_batches, map_parts
from jobs.spark.reading import read_chargebacks, read_events, read_orders, with_chargebacks
from jobs.spark.session import number_of_parts, split_shuffles
from stores.offline.revisions import Revision
from stores.offline.runs import describe_files, run_folder


def build_snapshot(
    job: Job,
    spark: SparkSession,
    stores: OpenStores,
    source: SnapshotSource,
) -> Revision[SnapshotFacts]:
    """Commit the snapshot of all events of a source."""
    run, read_bounds = uuid.uuid4().hex, source.read_bounds
    counts = source.extracted.rows
    split_shuffles(spark, counts.order)
    events = read_events(spark, stores.offline.files, source.extracted)
    chargebacks = read_chargebacks(events, read_bounds.watermark_key, before=read_bounds.cutoff)
    orders = with_chargebacks(read_orders(events, read_bounds), chargebacks, counts)
    folder = run_folder(DATASET, run)
    day = F.lit(source.as_of).alias(PARTITION)
    rows = timelines_of(orders, job.feature_set).select(day, "*")
    rows.write.mode("error").parquet(stores.offline.files.spark_location(folder))
    files = describe_files(stores.offline.files, folder)
    described, days = describe_rows(job, stores.offline.files, files)
    activity = Activity.of(days, source.as_of.toordinal())
    return commit_snapshot(job, stores, source, run=run, files=described, activity=activity)


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
