"""Which day `ontem night` takes when it is told none: the newest; the first time, the due day."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from jobs.job import Job
from jobs.snapshot.nights import newest_day
from stores.postgres.loads import NewLoad, mark_published, mark_withdrawn, register_load
from tests.integration.history import a_job
from tests.integration.night_shop import CUTOFF, HOUR, JUNE

DAY = timedelta(days=1)
LATE_AFTER = timedelta(seconds=5)
MICROSECOND = timedelta(microseconds=1)


def a_load(job: Job, *, is_published: bool = True, is_withdrawn: bool = False) -> None:
    """A load of some day."""
    load = NewLoad(
        as_of=date(2018, 5, 2),
        cutoff=datetime(2018, 5, 2, 3, tzinfo=UTC),
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
        (CUTOFF + LATE_AFTER, JUNE - DAY),
        (CUTOFF + LATE_AFTER + MICROSECOND, JUNE),
        (CUTOFF + 23 * HOUR, JUNE),
    ],
)
def test_the_newest_day_is_the_one_that_the_database_is_in(
    database_url: str, redis_url: str, storage_url: str, now: datetime, newest: date
) -> None:
    job = replace(a_job(database_url, redis_url, storage_url), clock=now)
    a_load(job)

    assert newest_day(job) == newest


@pytest.mark.parametrize(
    ("now", "first"),
    [
        (CUTOFF + 4 * HOUR - MICROSECOND, JUNE - DAY),
        (CUTOFF + 4 * HOUR, JUNE),
        (CUTOFF + 23 * HOUR, JUNE),
    ],
)
@pytest.mark.parametrize("load", [None, {"is_published": False}, {"is_withdrawn": True}])
def test_the_first_night_is_of_the_day_that_requests_need_now(
    database_url: str,
    redis_url: str,
    storage_url: str,
    now: datetime,
    first: date,
    load: dict[str, bool] | None,
) -> None:
    job = replace(a_job(database_url, redis_url, storage_url), clock=now)
    if load is not None:
        a_load(job, **load)

    assert newest_day(job) == first


def test_without_a_lag_the_first_night_is_of_a_day_that_can_be_read(
    database_url: str, redis_url: str, storage_url: str
) -> None:
    job = a_job(database_url, redis_url, storage_url)
    settings = replace(job.settings, snapshot_lag=timedelta())

    assert newest_day(replace(job, settings=settings, clock=CUTOFF + LATE_AFTER)) == JUNE - DAY
