"""From extracted events to a committed snapshot."""

import uuid

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812  as everybody calls it

from jobs.job import Job
from jobs.snapshot.activity import Activity
from jobs.snapshot.commit import SnapshotSource, commit_snapshot
from jobs.snapshot.described import describe_rows
from jobs.snapshot.facts import DATASET, PARTITION, SnapshotFacts
from jobs.snapshot.stores import OpenStores
from jobs.snapshot.timelines_in_spark import timelines_of
from jobs.spark.reading import read_chargebacks, read_events, read_orders, with_chargebacks
from jobs.spark.session import split_shuffles
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
