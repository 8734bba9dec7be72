"""From orders in PostgreSQL to a committed snapshot."""

import uuid
from datetime import date

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.entity_keys import EntityKeys
from features_pkg.shuffle import SHUFFLE_ROWS, TIMELINES, explode, snapshot_timelines
from jobs.job import Job
from jobs.snapshot.facts import DATASET, SnapshotFacts, snapshot_slot
from jobs.spark.arrow import map_batches, map_partitions
from jobs.spark.reading import order_pks, read_chargebacks, read_orders, with_chargebacks
from jobs.watermark import ReadBounds
from stores.files.manifest import Manifest, commit_manifest, describe_files, provenance, run_folder
from stores.files.store import OfflineStore
from stores.postgres.clock import database_clock
from stores.postgres.connection import Connection


def build(
    job: Job,
    spark: SparkSession,
    connection: Connection,
    store: OfflineStore,
    read_bounds: ReadBounds,
    as_of: date,
) -> tuple[str, Manifest[SnapshotFacts]]:
    """Commit the snapshot as of a day from all rows of `read_bounds`; its key and its manifest."""
    features, run = job.feature_set, uuid.uuid4().hex
    url, pks = job.settings.postgres_url, order_pks(connection)
    bounds = {"cutoff": read_bounds.cutoff, "watermark_key": read_bounds.watermark_key}
    orders = read_orders(spark, url, pks, bounds)
    happened = with_chargebacks(orders, read_chargebacks(spark, url, pks, bounds))
    folder = run_folder(DATASET, run)
    made_of = timelines_of(happened, features, job.settings.entity_key)
    made_of.write.mode("error").parquet(store.location(folder))
    manifest = Manifest(
        slot=snapshot_slot(features.timelines_id, as_of),
        run=run,
        files=describe_files(store, folder),
        facts=SnapshotFacts(
            as_of=as_of,
            cutoff=read_bounds.cutoff,
            watermark=read_bounds.watermark,
            generation=read_bounds.generation,
            timelines=features.timelines_id,
            feature_set=features.version,
            timezone=features.timezone,
            entity_key_id=job.entity_key_id,
        ),
        provenance=provenance(at=database_clock(connection), by="ontem snapshot"),
    )
    return commit_manifest(store, manifest), manifest


def timelines_of(orders: DataFrame, features: FeatureSet, secret: bytes) -> DataFrame:
    """The timelines of all entities of `orders` with their chargebacks, all before one cutoff."""
    zone, namespace, targets = features.timezone, features.timelines_id, features.timeline_targets

    def exploded(batch: pa.Table) -> pa.Table:
        return explode(batch, EntityKeys(secret, namespace), targets)

    def of_entities(rows: pa.Table) -> pa.Table:
        return snapshot_timelines(rows, features, Calendar(zone))

    narrow = map_batches(orders, exploded, SHUFFLE_ROWS)
    return map_partitions(narrow, ("entity_hi",), of_entities, TIMELINES)
