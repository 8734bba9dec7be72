"""Which nights `ontem night` runs if told no day: the newest, after the due one if need be."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from jobs.job import Job
from jobs.snapshot.nights import days_to_run
from stores.postgres.loads import NewLoad, mark_published, mark_withdrawn, register_load
from tests.integration.history import a_job
from tests.integration.night_shop import CUTOFF, HOUR, JUNE

DAY = timedelta(days=1)
YESTERDAY = JUNE - DAY
LATE_AFTER = timedelta(seconds=5)
MICROSECOND = timedelta(microseconds=1)
LAG = 4 * HOUR


@pytest.fixture
def job(database_url: str, redis_url: str, storage_url: str) -> Job:
    """A job at the end of the lag of 1 June."""
    return replace(a_job(database_url, redis_url, storage_url), clock=CUTOFF + LAG - MICROSECOND)


def a_load(job: Job, day: date, *, is_published: bool = True, is_withdrawn: bool = False) -> None:
    """A load of that day."""
    load = NewLoad(
        as_of=day,
        cutoff=datetime(day.year, day.month, day.day, 3, tzinfo=UTC),
        watermark=3,
        generation=1,
        timelines=job.namespace.timelines,
        entity_key_id=job.namespace.key_id,
        revision="manifests/1.json",
        snapshot_id=1,
        metadata_location="of/a/test.metadata.json",
        entities=1,
        checksum="",
    )
    with job.connect() as connection:
        load_id = register_load(connection, load).load_id
        if is_published:
            mark_published(connection, load_id)
        if is_withdrawn:
            mark_withdrawn(connection, load_id)


@pytest.mark.parametrize(
    ("now", "newest"),
    [
        (CUTOFF + LATE_AFTER, YESTERDAY),
        (CUTOFF + LATE_AFTER + MICROSECOND, JUNE),
        (CUTOFF + 23 * HOUR, JUNE),
    ],
)
def test_the_newest_day_is_the_one_that_the_database_is_in(
    job: Job, now: datetime, newest: date
) -> None:
    a_load(job, YESTERDAY)

    assert days_to_run(replace(job, clock=now)) == (newest,)


@pytest.mark.parametrize(
    ("now", "days"),
    [
        (CUTOFF + LATE_AFTER, [YESTERDAY]),
        (CUTOFF + LAG - MICROSECOND, [YESTERDAY, JUNE]),
        (CUTOFF + LAG, [JUNE]),
        (CUTOFF + 23 * HOUR, [JUNE]),
    ],
)
def test_after_days_without_a_night_the_day_that_requests_read_now_comes_first(
    job: Job, now: datetime, days: list[date]
) -> None:
    a_load(job, JUNE - 5 * DAY)

    assert list(days_to_run(replace(job, clock=now))) == days


@pytest.mark.parametrize(
    ("now", "first"),
    [(CUTOFF + LAG - MICROSECOND, YESTERDAY), (CUTOFF + LAG, JUNE), (CUTOFF + 23 * HOUR, JUNE)],
)
@pytest.mark.parametrize("load", [None, {"is_published": False}, {"is_withdrawn": True}])
def test_the_first_night_is_of_the_day_that_requests_read_now(
    job: Job, now: datetime, first: date, load: dict[str, bool] | None
) -> None:
    if load is not None:
        a_load(job, YESTERDAY, **load)

    assert days_to_run(replace(job, clock=now)) == (first,)


def test_a_day_before_a_published_one_is_left_out(job: Job) -> None:
    a_load(job, JUNE)

    assert days_to_run(job) == (JUNE,)


def test_without_a_lag_there_is_one_day_that_can_be_read(job: Job) -> None:
    settings = replace(job.settings, snapshot_lag=timedelta())

    assert days_to_run(replace(job, settings=settings, clock=CUTOFF + LATE_AFTER)) == (YESTERDAY,)
