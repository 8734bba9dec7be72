"""A night that costs what happened: the rows of entities with a new event, beside the day before's.

The new events of each entity are brought together and added to its state, which is read from the
files of the chain where that is done: by workers of Spark, or by threads of this process where few
events are new. All that comes back is counts.
"""

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Final

import pyarrow as pa

from features_pkg.shuffle import STATE_ROWS
from jobs.job import Job, StageTimer
from jobs.parted_files import SHUFFLED, PartedFiles
from jobs.parts import parts_of, parts_of_delta
from jobs.snapshot.chain import Link
from jobs.snapshot.commit import SnapshotSource, commit_snapshot
from jobs.snapshot.delta_plan import DeltaPlan
from jobs.snapshot.errors import FullBuildNeeded
from jobs.snapshot.facts import DATASET
from jobs.snapshot.merging import MergeTask, merge_range, new_states
from jobs.snapshot.part_files import by_range
from jobs.snapshot.stores import OpenStores
from jobs.snapshot.written_range import WrittenRange, days_of_ranges, files_of_ranges
from stores.offline.runs import DataFile, run_folder

FEW_EVENTS: Final = 125_000
"""Up to so many new events are merged without Spark, which takes longer, and its start again."""


def build_delta(
    job: Job, stores: OpenStores, source: SnapshotSource, plan: DeltaPlan, timer: StageTimer
) -> Link:
    """Commit the snapshot of a source as a delta, or whole where its chain is long.

    Raises FullBuildNeeded where a file of the chain is damaged, EventsDamaged.
    """
    run = uuid.uuid4().hex
    task = _task(job, stores, source, plan, run_folder(DATASET, run))
    ranges = _merged(job, plan, task, timer)
    if damage := next((each.damage for each in ranges if each.damage), None):
        raise FullBuildNeeded(reason=damage)
    files = files_of_ranges(ranges)
    if files:  # a chargeback of an order that names nobody changes no entity
        stores.offline.files.make_durable(task.folder)
    return commit_snapshot(
        job,
        stores,
        source,
        run=run,
        files=files,
        parent=None if plan.is_whole else plan.parent,
        newcomers=0 if plan.is_whole else sum(each.newcomers for each in ranges),
        activity=plan.activity_after(days_of_ranges(ranges), source.as_of),
    )


def _task(
    job: Job, stores: OpenStores, source: SnapshotSource, plan: DeltaPlan, folder: str
) -> MergeTask:
    parts = parts_of_delta(plan.new.number, job.cores)
    if plan.is_whole:
        all_orders = parts_of(source.extracted.rows.order, job.cores)
        parts = max(all_orders, len(plan.chain[-1].files))
    return MergeTask(
        files=stores.offline.files,
        folder=folder,
        as_of=source.as_of,
        features=job.feature_set,
        between=plan.between,
        chargebacks=plan.new.chargebacks,
        events=plan.new.files,
        links=tuple(link.files for link in plan.chain),
        parts=parts,
        is_whole=plan.is_whole,
    )


def _merged(job: Job, plan: DeltaPlan, task: MergeTask, timer: StageTimer) -> list[WrittenRange]:
    """What becomes of each range of keys."""
    stage = "merge the chain" if plan.is_whole else "add what is new"
    if plan.new.number <= FEW_EVENTS and not plan.is_whole:
        with timer.stage(stage):
            return merge_here(task, job.cores)
    from jobs.snapshot.merging_in_spark import merge_in_spark  # PySpark takes a moment

    shuffled = PartedFiles(task.files, f"{task.folder}/{SHUFFLED}", task.parts)
    with ExitStack() as stack:
        with timer.stage("start Spark"):
            spark = stack.enter_context(job.spark("ontem night"))
        with timer.stage(stage), shuffled.while_there():
            return merge_in_spark(spark, task, shuffled)


def merge_here(task: MergeTask, threads: int) -> list[WrittenRange]:
    """What becomes of each range of keys, by threads of this process."""
    with ThreadPoolExecutor(threads) as pool:
        shares = [task.events[first::threads] for first in range(threads)]
        divided = list(pool.map(partial(_divide_files, task), shares))
        ranges = [batches for of_share in divided for batches in of_share]
        return list(pool.map(partial(_merge_part, task, ranges), range(task.parts)))


def _divide_files(task: MergeTask, files: Sequence[DataFile]) -> list[list[pa.RecordBatch]]:
    return [list(by_range(states, task.parts)) for states in new_states(task, files)]


def _merge_part(
    task: MergeTask, ranges: Sequence[Sequence[pa.RecordBatch]], part: int
) -> WrittenRange:
    of_part = (batches[part] for batches in ranges)
    return merge_range(task, part, pa.Table.from_batches(of_part, STATE_ROWS))
