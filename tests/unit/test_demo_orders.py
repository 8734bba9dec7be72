"""How a demo cuts and moves orders, and which nights it runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from features_pkg.calendar import Calendar, to_us
from ontem.demo.nights import nights_before, nights_between
from ontem.demo.orders import DemoOrders, LiveChargeback, LiveOrder, moved_to

SAO_PAULO = Calendar("America/Sao_Paulo")
LAG = timedelta(hours=4)


def at(text: str) -> int:
    """Epoch microseconds of a local time in São Paulo."""
    return to_us(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/Sao_Paulo")))


def day(text: str) -> int:
    return datetime.fromisoformat(text).toordinal()


def orders(*rows: tuple[str, str, str | None]) -> pa.Table:
    """Orders by (id, local time, local time of the chargeback)."""
    instant = pa.timestamp("us", "UTC")
    return pa.table(
        {
            "order_id": [row[0] for row in rows],
            "event_at": pa.array([at(row[1]) for row in rows]).cast(instant),
            "amount_cents": [100] * len(rows),
            "card": ["c"] * len(rows),
            "product": [["p", "q"]] * len(rows),
            "chargeback_at": pa.array([at(row[2]) if row[2] else None for row in rows]).cast(
                instant
            ),
        }
    )


@pytest.mark.parametrize(
    ("first", "nights"),
    [
        ("2026-11-20T12:00", ["2026-11-20"]),
        ("2026-11-20T04:00", ["2026-11-20"]),
        ("2026-11-20T03:59:59.999999", ["2026-11-19", "2026-11-20"]),
        ("2026-11-20T00:00:05", ["2026-11-19"]),
        ("2026-11-20T00:00:10", ["2026-11-19", "2026-11-20"]),
    ],
)
def test_the_snapshots_that_the_first_request_needs_are_published_oldest_first(
    first: str, nights: list[str]
) -> None:
    assert nights_before(at(first), SAO_PAULO, LAG) == [day(night) for night in nights]


def test_each_cutoff_that_is_crossed_has_its_night_once() -> None:
    instants = [
        at("2026-11-19T23:00"),
        at("2026-11-20T00:00:03"),
        at("2026-11-20T00:00:10"),
        at("2026-11-20T09:00"),
        at("2026-11-22T09:00"),
    ]

    crossed = [
        list(nights_between(before, after, SAO_PAULO)) for before, after in pairwise(instants)
    ]

    assert crossed == [
        [],
        [day("2026-11-20")],
        [],
        [day("2026-11-21"), day("2026-11-22")],
    ]


def test_the_last_two_days_are_live_and_later_chargebacks_come_when_due() -> None:
    demo_orders = DemoOrders.of(
        orders(
            ("old", "2026-11-01T12:00", "2026-11-10T12:00"),
            ("late", "2026-11-02T12:00", "2026-11-19T12:00"),
            ("live", "2026-11-19T11:00", None),
            ("last", "2026-11-20T12:00", None),
        )
    )

    history = demo_orders.history().to_pylist()
    events = list(demo_orders.live())

    assert [row["order_id"] for row in history] == ["old", "late"]
    assert [row["chargeback_at"] is None for row in history] == [False, True]
    assert [type(event) for event in events] == [LiveOrder, LiveChargeback, LiveOrder]
    assert events[1] == LiveChargeback(at("2026-11-19T12:00"), "late")


def test_orders_move_by_whole_weeks_of_local_days_across_changes_of_the_clock() -> None:
    rows = orders(
        ("summer", "2018-12-01T23:30", "2019-03-01T00:10"), ("winter", "2019-06-01T00:05", None)
    )
    now = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)

    moved = moved_to(rows, now, "America/Sao_Paulo")

    zone = ZoneInfo("America/Sao_Paulo")
    before = [value.astimezone(zone) for value in rows["event_at"].to_pylist()]
    after = [value.astimezone(zone) for value in moved["event_at"].to_pylist()]
    shifts = {
        new.replace(tzinfo=None) - old.replace(tzinfo=None)
        for old, new in zip(before, after, strict=True)
    }
    assert len(shifts) == 1
    assert shifts.pop() % timedelta(days=7) == timedelta(0)
    assert timedelta(0) <= now - after[1] < timedelta(days=7)
    assert moved["chargeback_at"].to_pylist()[1] is None
