"""From PostgreSQL to a committed snapshot: a delta on the one before, or one of all events."""

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date

from jobs.extract.run import extract
from jobs.job import Job, StageTimer
from jobs.snapshot.chain import chain_of, entities_of, files_of
from jobs.snapshot.checks import checksum_of
from jobs.snapshot.commit import SnapshotSource
from jobs.snapshot.delta import build_delta
from jobs.snapshot.delta_plan import DeltaPlan, commit_quiet, plan_delta
from jobs.snapshot.errors import FullBuildNeeded
from jobs.snapshot.facts import SnapshotFacts
from jobs.snapshot.stores import OpenStores
from jobs.watermark import ReadBounds
from stores.offline.revisions import Revision
from stores.postgres.loads import NewLoad


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """A snapshot that is to be made, within these bounds, while loads are `listed` in Redis.

    With `is_full` it is built of all events, whatever there is to go on from.
    """

    as_of: date
    read_bounds: ReadBounds
    listed: Collection[int] = ()
    is_full: bool = False


def make_snapshot(
    job: Job, stores: OpenStores, request: BuildRequest, timer: StageTimer
) -> Revision[SnapshotFacts]:
    """Commit the snapshot as of a day, which becomes no load by that.

    It is a delta on the newest published one before it, or is built in Spark of all events.
    """
    with timer.stage("extract what is new"):
        newest = request.read_bounds.newest
        extracted = extract(job, stores.connection, stores.offline, newest).extractions
    source = SnapshotSource(request.as_of, request.read_bounds, extracted)
    try:
        return _make_delta(job, stores, source, _plan(job, stores, source, request, timer), timer)
    except FullBuildNeeded as needed:
        job.say(f"  {needed}")
    return _build(job, stores, source, timer)


def _plan(
    job: Job, stores: OpenStores, source: SnapshotSource, request: BuildRequest, timer: StageTimer
) -> DeltaPlan:
    """What a delta has. Raises FullBuildNeeded, once the time that was spent on it is measured."""
    if request.is_full:
        raise FullBuildNeeded(reason="so it was asked for")
    with timer.stage("look for new events"):
        try:
            return plan_delta(job, stores, source, request.listed)
        except FullBuildNeeded as found:
            needed = found
    raise needed


def _make_delta(
    job: Job, stores: OpenStores, source: SnapshotSource, plan: DeltaPlan, timer: StageTimer
) -> Revision[SnapshotFacts]:
    before = plan.chain[0].facts.as_of
    if not plan.new.number:
        job.say(f"  no event is new since the snapshot of {before}")
        return commit_quiet(job, stores, source, plan)
    new = f"{plan.new.orders:,} orders and {plan.new.first_chargebacks:,} chargebacks are new"
    job.say(f"  {new} since the snapshot of {before}")
    return build_delta(job, stores, source, plan, timer)


def _build(
    job: Job, stores: OpenStores, source: SnapshotSource, timer: StageTimer
) -> Revision[SnapshotFacts]:
    from jobs.snapshot.build import build_snapshot  # PySpark takes a moment that others can save

    with ExitStack() as stack:
        with timer.stage("start Spark"):
            spark = stack.enter_context(job.spark("ontem night"))
        with timer.stage("build the snapshot"):
            return build_snapshot(job, spark, stores, source)


def new_load(stores: OpenStores, made: Revision[SnapshotFacts]) -> NewLoad:
    """A committed snapshot as a load that has no id yet."""
    facts, chain = made.facts, chain_of(stores.offline, made)
    return NewLoad(
        as_of=facts.as_of,
        cutoff=facts.cutoff,
        watermark=facts.watermark,
        generation=facts.generation,
        timelines=facts.timelines,
        entity_key_id=facts.entity_key_id,
        revision=made.name,
        snapshot_id=made.snapshot_id,
        metadata_location=made.metadata_location,
        entities=entities_of(chain),
        checksum=checksum_of(files_of(chain)),
    )
