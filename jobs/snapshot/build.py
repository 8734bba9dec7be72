"""From extracted events to a committed snapshot."""

import uuid

from pyspark.sql import SparkSession

from jobs.job import Job
from jobs.parted_files import SHUFFLED, PartedFiles
from jobs.snapshot.activity import Activity
from jobs.snapshot.commit import SnapshotSource, commit_snapshot
from jobs.snapshot.facts import DATASET, SnapshotFacts
from jobs.snapshot.stores import OpenStores
from jobs.snapshot.timelines_in_spark import write_timelines
from jobs.snapshot.written_range import days_of_ranges, files_of_ranges
from jobs.spark.reading import read_chargebacks, read_events, read_orders, with_chargebacks
from jobs.spark.session import number_of_parts, split_shuffles
from stores.offline.revisions import Revision
from stores.offline.runs import run_folder


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
    files, folder = stores.offline.files, run_folder(DATASET, run)
    shuffled = PartedFiles(files, f"{folder}/{SHUFFLED}", number_of_parts(spark))
    with shuffled.while_there():
        ranges = write_timelines(orders, job.feature_set, shuffled, folder, source.as_of)
    if ranges:
        files.make_durable(folder)
    activity = Activity.of(days_of_ranges(ranges), source.as_of.toordinal())
    return commit_snapshot(
        job, stores, source, run=run, files=files_of_ranges(ranges), activity=activity
    )
