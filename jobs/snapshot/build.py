"""From orders in PostgreSQL to a committed snapshot."""

import uuid
from datetime import date

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.entity_keys import EntityKeys
from features_pkg.shuffle import (
    SHUFFLE_ROWS,
    TIMELINES,
    explode,
    snapshot_timelines,
    with_entity_keys,
)
from jobs.job import Job
from jobs.snapshot.facts import DATASET, SnapshotFacts, snapshot_slot
from jobs.snapshot.stores import OpenStores
from jobs.spark.arrow import map_batches, map_partitions
from jobs.spark.reading import order_pks, read_chargebacks, read_orders, with_chargebacks
from jobs.watermark import ReadBounds
from stores.files.manifest import Manifest, commit_manifest, describe_files, provenance, run_folder
from stores.postgres.clock import database_clock


def build_snapshot(
    job: Job, spark: SparkSession, stores: OpenStores, read_bounds: ReadBounds, as_of: date
) -> tuple[str, Manifest[SnapshotFacts]]:
    """Commit the snapshot as of a day, of all rows in `read_bounds`; its key and its manifest."""
    features, run = job.feature_set, uuid.uuid4().hex
    orders = _read_events(job, spark, stores, read_bounds)
    folder = run_folder(DATASET, run)
    rows = timelines_of(orders, features, job.settings.entity_secret)
    rows.write.mode("error").parquet(stores.offline.location(folder))
    manifest = Manifest(
        slot=snapshot_slot(features.timelines_id, as_of),
        run=run,
        files=describe_files(stores.offline, folder),
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
    return commit_manifest(stores.offline, manifest), manifest


def timelines_of(orders: DataFrame, features: FeatureSet, secret: bytes) -> DataFrame:
    """The timelines of all entities of `orders` with their chargebacks, all before one cutoff."""
    targets, timezone = features.timeline_targets, features.timezone
    namespace = features.timelines_id

    def explode_batch(batch: pa.Table) -> pa.Table:
        return explode(with_entity_keys(batch, EntityKeys(secret, namespace)), targets)

    def build_timelines(rows: pa.Table) -> pa.Table:
        return snapshot_timelines(rows, features, Calendar(timezone))

    events = map_batches(orders, explode_batch, SHUFFLE_ROWS)
    return map_partitions(events, ("entity_hi",), build_timelines, TIMELINES)


def _read_events(
    job: Job, spark: SparkSession, stores: OpenStores, read_bounds: ReadBounds
) -> DataFrame:
    url, pks = job.settings.postgres_url, order_pks(stores.connection)
    chargebacks = read_chargebacks(
        spark, url, pks, read_bounds.watermark_key, before=read_bounds.cutoff
    )
    return with_chargebacks(read_orders(spark, url, pks, read_bounds), chargebacks)
