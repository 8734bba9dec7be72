"""From extracted events to a committed snapshot."""

import uuid
from datetime import date

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  as everybody calls it

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.shuffle import (
    SHUFFLE_ROWS,
    explode,
    snapshot_schema,
    snapshot_timelines,
)
from jobs.extract.facts import Extractions
from jobs.job import Job
from jobs.snapshot.facts import DATASET, PARTITION, SnapshotFacts, snapshot_slot
from jobs.snapshot.stores import OpenStores
from jobs.snapshot.table import snapshots_table
from jobs.spark.arrow import map_batches, map_partitions
from jobs.spark.reading import read_chargebacks, read_events, read_orders, with_chargebacks
from jobs.watermark import ReadBounds
from stores.offline.commit import commit_run
from stores.offline.revisions import Revision
from stores.offline.runs import Run, describe_files, provenance, run_folder
from stores.postgres.clock import database_clock


def build_snapshot(
    job: Job,
    spark: SparkSession,
    stores: OpenStores,
    extracted: Extractions,
    read_bounds: ReadBounds,
    as_of: date,
) -> Revision[SnapshotFacts]:
    """Commit the snapshot as of a day, of all events in `read_bounds`.

    `extracted` has all that was recorded below the watermark.
    """
    features, run = job.feature_set, uuid.uuid4().hex
    events = read_events(spark, stores.offline.files, extracted)
    chargebacks = read_chargebacks(events, read_bounds.watermark_key, before=read_bounds.cutoff)
    orders = with_chargebacks(read_orders(events, read_bounds), chargebacks)
    folder = run_folder(DATASET, run)
    rows = timelines_of(orders, features).select(F.lit(as_of).alias(PARTITION), "*")
    rows.write.mode("error").parquet(stores.offline.files.spark_location(folder))
    written = Run(
        slot=snapshot_slot(features.timelines_id, as_of),
        id=run,
        files=describe_files(stores.offline.files, folder),
        facts=SnapshotFacts(
            as_of=as_of,
            cutoff=read_bounds.cutoff,
            watermark=read_bounds.watermark,
            generation=read_bounds.generation,
            timelines=features.timelines_id,
            feature_set=features.version,
            timezone=features.timezone,
            entity_key_id=job.namespace.key_id,
        ),
        provenance=provenance(at=database_clock(stores.connection), by="ontem night"),
    )
    return commit_run(stores.offline, snapshots_table(features), written)


def timelines_of(orders: DataFrame, features: FeatureSet) -> DataFrame:
    """The timelines of all entities of `orders` with their chargebacks, all before one cutoff."""
    targets, timezone = features.timeline_targets, features.timezone

    def explode_batch(batch: pa.Table) -> pa.Table:
        return explode(batch, targets)

    def build_timelines(rows: pa.Table) -> pa.Table:
        return snapshot_timelines(rows, features, Calendar(timezone))

    events = map_batches(orders, explode_batch, SHUFFLE_ROWS)
    return map_partitions(events, ("entity_hi",), build_timelines, snapshot_schema(features))
