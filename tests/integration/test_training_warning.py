"""Labels as of now, for a history that ended long ago: the command says so."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from jobs.training_set.run import TrainingPeriod, prepare_run
from stores.offline.tables import open_store
from tests.integration.history import NOON, History, a_job

PERIOD = TrainingPeriod(first_day=date(2018, 5, 14), end_day=date(2018, 5, 21))
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("order_at", "chargeback_at", "labels_as_of", "warns_of"),
    [
        (NOON, None, NOON + 7 * DAY, None),
        (NOON, None, NOON + 8 * DAY, NOON),
        (NOON, NOON + 2 * DAY, NOON + 8 * DAY, None),
        (NOON, NOON + 2 * DAY, datetime(2019, 1, 1, tzinfo=UTC), NOON + 2 * DAY),
        (None, None, NOON + 8 * DAY, None),
    ],
)
def test_a_label_instant_long_after_the_newest_event_is_a_warning(
    database_url: str,
    redis_url: str,
    storage_url: str,
    order_at: datetime | None,
    chargeback_at: datetime | None,
    labels_as_of: datetime,
    warns_of: datetime | None,
) -> None:
    history = History(database_url)
    if order_at is not None:
        order = history.order(order_at)
        if chargeback_at is not None:
            history.chargeback(order, chargeback_at)
    said: list[str] = []
    job = replace(a_job(database_url, redis_url, storage_url), say=said.append)

    with job.connect() as connection:
        period = replace(PERIOD, labels_as_of=labels_as_of)
        prepare_run(job, period, connection, open_store(job.settings))

    warnings = [sentence for sentence in said if sentence.startswith("warning: ")]
    assert len(warnings) == (warns_of is not None)
    assert warns_of is None or warns_of.isoformat() in warnings[0]
