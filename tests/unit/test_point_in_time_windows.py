"""The windows of `features_pkg.point_in_time`: any length, civil days, the snapshot lag."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from tests.unit.three_orders import DAY, HOUR, NOON, answers_of, columns, values


@pytest.mark.parametrize(
    ("window", "expected"),
    [("3599s", 0), ("1h", 1), ("90d", 2), ("400d", 3), ("999999999d", 3), ("ever", 3)],
)
def test_a_recent_window_has_any_length(window: str, expected: int) -> None:
    table = pa.table(
        {
            "order_id": [1, 2, 3, 4],
            "merchant_id": [1] * 4,
            "event_at": [NOON, NOON - HOUR, NOON - 90 * DAY, NOON - 400 * DAY],
            "card": ["c"] * 4,
            "user": ["u", "v", "w", "x"],
        }
    )

    assert values(table, f"card_orders_{window}_recent")[0] == expected
    assert values(table, f"card_distinct_user_orders_{window}_recent")[0] == expected


@pytest.mark.parametrize(
    ("asked", "before", "days"),
    [
        # 2018-11-04 has 23 hours: from 03:00 UTC, where midnight would be, to 02:00 UTC.
        ("2018-11-05T12:00:00Z", "2018-11-04T02:59:59.999999Z", 2),
        ("2018-11-05T12:00:00Z", "2018-11-04T03:00:00.000000Z", 1),
        ("2018-11-05T12:00:00Z", "2018-11-05T01:59:59.999999Z", 1),
        # 2019-02-16 has 25 hours: from 02:00 UTC to 03:00 UTC of the next day.
        ("2019-02-17T12:00:00Z", "2019-02-16T01:59:59.999999Z", 2),
        ("2019-02-17T12:00:00Z", "2019-02-16T02:00:00.000000Z", 1),
        ("2019-02-17T12:00:00Z", "2019-02-17T02:59:59.999999Z", 1),
    ],
)
def test_days_of_23_and_25_hours_are_whole_days(asked: str, before: str, days: int) -> None:
    at = [datetime.fromisoformat(before), datetime.fromisoformat(asked)]
    table = pa.table(
        {"order_id": [1, 2], "merchant_id": [1, 1], "event_at": at, "card": ["c", "c"]}
    )

    found = {n: values(table, f"card_orders_{n}d_distant")[1] for n in (1, 2)}

    assert found == {1: int(days <= 1), 2: 1}


def test_the_lag_decides_which_day_is_distant() -> None:
    midnight = datetime(2018, 6, 2, 3, tzinfo=UTC)
    at = [midnight - HOUR, midnight + 4 * HOUR - timedelta(microseconds=1), midnight + 4 * HOUR]
    yesterday = "card_orders_1d_distant"

    assert answers_of(yesterday, event_at=at) == [0, 0, 1]
    assert values(pa.table(columns(event_at=at)), yesterday, snapshot_lag=timedelta(0)) == [0, 1, 1]
    assert values(pa.table(columns(event_at=at)), yesterday, timezone="UTC") == [0, 0, 0]
