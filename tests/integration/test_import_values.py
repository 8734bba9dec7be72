"""Amounts and times of a file, and the rows and files that are refused."""

from datetime import UTC, datetime
from typing import Any

import pytest

from jobs.importing import FileMapping, ImportRefused
from stores.postgres.connection import Connection
from tests.integration.imports import DAY, NOON, Recorder, an_order, orders, read_rows


@pytest.mark.parametrize(
    ("wrong", "field", "reason"),
    [
        ({"order_id": None}, "order_id", "is missing"),
        ({"order_id": "a\0b"}, "order_id", "contains U+0000 or half of a surrogate pair"),
        ({"order_id": "x" * 129}, "order_id", "has more than 128 characters"),
        ({"event_at": None}, "event_at", "is missing"),
        ({"event_at": datetime(2199, 1, 1, tzinfo=UTC)}, "event_at", "is in the future"),
        (
            {"event_at": datetime(1900, 1, 1, tzinfo=UTC)},
            "event_at",
            "is before 1970 or after 2199",
        ),
        ({"amount_cents": None}, "amount_cents", "is missing"),
        ({"amount_cents": -1}, "amount_cents", "is negative"),
        ({"amount_cents": 10**15}, "amount_cents", "is more than 999999999999999 cents"),
        ({"chargeback_at": NOON - DAY}, "chargeback_at", "is before its order"),
        ({"user": "u" * 513}, "user", "has more than 512 characters"),
    ],
)
def test_a_wrong_row_is_refused_with_its_field_and_the_rest_is_loaded(
    load: Any, recorder: Recorder, wrong: dict[str, Any], field: str, reason: str
) -> None:
    nothing = {"chargeback_at": None, "user": None}
    rows = [an_order("good", **nothing), {**an_order("bad", **nothing), **wrong}]

    done = load(orders(*rows))

    assert (done.orders_new, done.rows_refused) == (1, 1)
    assert [(row.row, row.field, row.reason) for row in recorder.refusals] == [(2, field, reason)]


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), 19.999, -0.01])
def test_an_amount_that_is_not_a_whole_number_of_cents_is_refused(load: Any, amount: float) -> None:
    done = load(orders(an_order(amount_cents=amount)), FileMapping(amount_unit="currency"))

    assert done.rows_refused == 1


@pytest.mark.parametrize(
    ("amount", "cents"),
    [(17.34, 1734), (0.29, 29), (167772.17, 16777217), (1e9 + 0.01, 100000000001)],
)
def test_an_amount_in_currency_is_exact_to_the_cent(
    connection: Connection, load: Any, amount: float, cents: int
) -> None:
    load(orders(an_order(amount_cents=amount)), FileMapping(amount_unit="currency"))

    assert read_rows(connection, "amount_cents") == [(cents,)]


SAO_PAULO = FileMapping(timezone="America/Sao_Paulo")


@pytest.mark.parametrize(
    ("local", "instant"),
    [
        ("2018-11-03 23:59:59.999999", "2018-11-04T02:59:59.999999+00:00"),
        ("2018-11-04 01:00:00", "2018-11-04T03:00:00+00:00"),
        ("2019-02-16 22:59:59", "2019-02-17T00:59:59+00:00"),
        ("2019-02-16 23:30:00", "2019-02-17T01:30:00+00:00"),
        ("2019-02-17 00:00:00", "2019-02-17T03:00:00+00:00"),
    ],
)
@pytest.mark.parametrize("as_text", [True, False])
def test_a_local_time_is_its_zone_s_and_the_earlier_one_of_two(
    connection: Connection, load: Any, local: str, instant: str, *, as_text: bool
) -> None:
    event_at = local if as_text else datetime.fromisoformat(local)

    load(orders(an_order(event_at=event_at)), SAO_PAULO)

    assert read_rows(connection, "event_at") == [(datetime.fromisoformat(instant),)]


@pytest.mark.parametrize("local", ["2018-11-04 00:00:00", "2018-11-04 00:59:59.999999"])
def test_a_local_time_that_never_occurred_is_refused(
    load: Any, recorder: Recorder, local: str
) -> None:
    load(orders(an_order(event_at=datetime.fromisoformat(local)), an_order("o2")), SAO_PAULO)

    assert [row.row for row in recorder.refusals][:1] == [1]
    assert "never occurred in America/Sao_Paulo" in recorder.refusals[0].reason


def test_a_naive_time_without_a_zone_in_the_mapping_is_refused(
    load: Any, recorder: Recorder
) -> None:
    assert load(orders(an_order(event_at=NOON.replace(tzinfo=None)))).orders_new == 0
    assert "has no time zone" in recorder.refusals[0].reason
    assert "in its mapping" in recorder.refusals[0].reason


def test_a_file_with_missing_columns_is_refused_before_anything_is_loaded(
    connection: Connection, load: Any
) -> None:
    table = orders(an_order()).drop_columns(["event_at"])

    with pytest.raises(
        ImportRefused, match=r"no column event_at, mail .for email.; it has order_id"
    ):
        load(table, FileMapping(columns={"email": "mail"}))

    assert read_rows(connection, "*", "imports") == []


def test_a_column_that_holds_no_times_is_refused(connection: Connection, load: Any) -> None:
    with pytest.raises(ImportRefused, match="event_at: is int64, which does not hold times"):
        load(orders(an_order(event_at=20180601)))

    assert read_rows(connection, "*") == read_rows(connection, "*", "imports") == []
