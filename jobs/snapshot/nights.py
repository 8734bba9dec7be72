"""Nights as they are run and recorded: that of the newest day, of a given one, or of several."""

from datetime import date
from typing import Final

from features_pkg.calendar import from_us, to_us
from jobs.errors import DayNotOver
from jobs.job import Job
from jobs.run_record import Recording, recorded
from jobs.snapshot.chain import chain_of, entities_of
from jobs.snapshot.errors import PeriodReversed
from jobs.snapshot.facts import SnapshotFacts, snapshot_slot
from jobs.snapshot.make import BuildRequest, make_snapshot
from jobs.snapshot.night import snapshot
from jobs.snapshot.past_load import is_there
from jobs.snapshot.stores import open_stores
from jobs.snapshot.summary import describe_made, summary
from jobs.snapshot.withdraw import loads_of_namespace
from jobs.watermark import LATE_AFTER, newest_readable_day, wait_for_read_bounds
from stores.offline.revisions import Revision, newest_revision, read_revision
from stores.offline.tables import open_store
from stores.postgres.clock import database_clock
from stores.postgres.runs import Outcome, RunResult
from stores.redis.connection import connect_redis
from stores.redis.published import read_published

COMMAND: Final = "night"


def days_to_run(job: Job) -> tuple[date, ...]:
    """The days whose nights to run now, oldest first: the newest one, and maybe the due day.

    The newest is the civil day that the database's clock is in; in the first seconds of a day,
    while late rows of the one before may come, it is that one. Until its lag is over requests read
    the due day's snapshot. After days without a night that one comes first, because it can't be
    published later. As long as nothing is published it is the only one.
    """
    with job.connect() as connection:
        now = database_clock(connection)
        loads = loads_of_namespace(connection, job.namespace)
    newest = newest_readable_day(now, job.calendar)
    due_day = job.calendar.due_day(to_us(now), job.settings.snapshot_lag)
    due = min(newest, date.fromordinal(due_day))
    published = [load.as_of for load in loads if load.published_at and not load.withdrawn_at]
    if not published:
        return (due,)
    return (due, newest) if max(published) < due < newest else (newest,)


def nights_of_now(job: Job, *, full: bool = False) -> None:
    """The nights of `days_to_run`, each as `night` runs it."""
    for day in days_to_run(job):
        night(job, day, full=full)


def night(job: Job, as_of: date, *, full: bool = False) -> None:
    """Build, commit and publish the snapshot as of a day, on record; with `full` of all events.

    Raises what `snapshot` raises, and Interrupted.
    """
    with recorded(job, COMMAND, as_of) as recording:
        _publish(job, as_of, recording, full=full)


def nights(job: Job, first_day: date, last_day: date, *, full: bool = False) -> None:
    """The nights of all days from one to another, each on record; those that are done stay so.

    A day before the newest published one can't be published any more. Its snapshot is built for the
    offline store alone, unless that has it.

    Raises PeriodReversed, DayNotOver before the first night, and what `snapshot` raises.
    """
    if last_day < first_day:
        raise PeriodReversed(first_day=first_day, last_day=last_day)
    _check_begun(job, last_day)
    for ordinal in range(first_day.toordinal(), last_day.toordinal() + 1):
        day = date.fromordinal(ordinal)
        with recorded(job, COMMAND, day) as recording:
            if ordinal >= _newest_published(job):
                _publish(job, day, recording, full=full)
            else:
                _keep_offline(job, day, recording, full=full)


def _publish(job: Job, as_of: date, recording: Recording, *, full: bool) -> None:
    job.say(f"night of {as_of}")
    night = snapshot(job, as_of, recording.timer, full=full)
    result, load = recording.result, night.load
    result.load_id, result.revision, result.rows = load.load_id, load.revision, load.entities
    result.written = night.written
    if night.was_published:
        recording.outcome = Outcome.UNCHANGED
    else:
        made = read_revision(open_store(job.settings), load.revision, SnapshotFacts)
        _fill_in(recording.result, made)
        job.say(describe_made(made, load.entities))
    job.say(summary(night))


def _fill_in(result: RunResult, made: Revision[SnapshotFacts]) -> None:
    """Put on record what a snapshot has."""
    facts = made.facts
    result.revision, result.bytes = made.name, made.bytes
    if facts.parent is not None:
        result.parent, result.delta_rows = facts.parent.revision, made.rows
    result.active, result.inactive = facts.activity.active, facts.activity.inactive


def _keep_offline(job: Job, as_of: date, recording: Recording, *, full: bool) -> None:
    job.say(f"night of {as_of}, for the offline store alone: a newer day is published")
    with open_stores(job, builds=True) as stores:
        slot = snapshot_slot(job.feature_set.timelines_id, as_of)
        if revision := newest_revision(stores.offline, slot):
            name = slot.name(revision)
            if is_there(stores.offline, name):
                recording.outcome, recording.result.revision = Outcome.UNCHANGED, name
                job.say(f"  {name} is there already: nothing was done")
                return
            job.say(f"  {name} lacks files, or what it stands on: the day is built again")
        bounds = wait_for_read_bounds(stores.connection, as_of, job.calendar, say=job.say)
        request = BuildRequest(as_of, bounds, is_full=full)
        made = make_snapshot(job, stores, request, recording.timer)
        _fill_in(recording.result, made)
        recording.result.rows = entities_of(chain_of(stores.offline, made))
        job.say(describe_made(made, recording.result.rows))
        job.say(f"  {made.name}")


def _newest_published(job: Job) -> int:
    """The day (ordinal) of the newest published load, 0 without one."""
    with connect_redis(job.settings.redis_url) as client:
        newest = read_published(client, job.namespace).newest
    return newest.as_of if newest else 0


def _check_begun(job: Job, day: date) -> None:
    """Raises DayNotOver unless the night of `day` can run by now."""
    with job.connect() as connection:
        now = database_clock(connection)
    possible_at = from_us(job.calendar.cutoff_us(day.toordinal())) + LATE_AFTER
    if now <= possible_at:
        raise DayNotOver(day=day, possible_at=possible_at, now=now)
