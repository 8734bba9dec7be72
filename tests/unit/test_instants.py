"""Instants of texts, timestamps and dates: one rule for all of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features_pkg.calendar import from_us, to_us
from features_pkg.errors import OrdersRefused
from features_pkg.orders.columns.instant import column_us
from features_pkg.orders.fields.instant import NO_INSTANT
from features_pkg.orders.fields.refusals import Refusals

SAO_PAULO = "America/Sao_Paulo"
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


def read(values: Any, kind: pa.DataType | None = None, zone: str | None = None) -> list[Any]:
    """The instant of each row, None, or the reason of its refusal."""
    column = values if isinstance(values, pa.Array) else pa.array(values, kind)
    refusals = Refusals(len(column))
    instants = column_us(column, "placed_at", zone, refusals).tolist()
    return [
        refusals.reasons[row][1]
        if row in refusals.reasons
        else None
        if us == NO_INSTANT
        else from_us(us)
        for row, us in enumerate(instants)
    ]


@pytest.mark.parametrize(
    "text",
    ["2024-03-01T12:00:00Z", "2024-03-01t12:00:00z", "2024-03-01 12:00:00+00:00",
     "2024-03-01 12:00:00 +0000", "2024-03-01T12:00Z", " 2024-03-01T09:00-03 ",
     "2024-03-01T12:00:00,0Z", "2024-03-01T12:00:00.0000009Z"],
)  # fmt: skip
def test_a_text_with_an_offset_needs_no_zone(text: str) -> None:
    assert read([text]) == [NOON]
    assert read([text], zone=SAO_PAULO) == [NOON]


@pytest.mark.parametrize(
    "text",
    ["noon", "01/03/2024", "2024-3-1", "2024-02-30", "2024-03-01T24:00Z", "2024-03-01T12:60Z",
     "2024-03-01T12:00:60Z", "20240301T1200Z", "2024-W09-5", "2024-03-01T12:00:00.Z",
     "2024-03-01T12Z", "1709294400", "2024-03-01T12:00:00+25:00", "\u0662024-03-01", "2024-03-01Z"],
)  # fmt: skip
def test_other_texts_are_not_times(text: str) -> None:
    assert read([text], zone="UTC") == ["is not a time; write it like 2018-06-01T12:00:00Z"]


def test_digits_beyond_the_microsecond_are_cut_off_in_every_form() -> None:
    cut = datetime(2024, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)

    assert read(["2024-03-01T12:00:00.1234567Z", "2024-03-01T12:00:00.123456999999Z"]) == [cut] * 2
    nanoseconds = to_us(cut) * 1000 + 999
    assert read([nanoseconds], pa.timestamp("ns", "UTC")) == [cut]


@pytest.mark.parametrize(
    ("day", "instant"),
    [
        (date(2018, 11, 3), datetime(2018, 11, 3, 3, tzinfo=UTC)),
        (date(2018, 11, 4), datetime(2018, 11, 4, 3, tzinfo=UTC)),  # 01:00: there was no midnight
        (date(2018, 11, 5), datetime(2018, 11, 5, 2, tzinfo=UTC)),
    ],
)
def test_a_date_is_the_first_instant_of_its_day(day: date, instant: datetime) -> None:
    for column in (
        pa.array([day.isoformat()]),
        pa.array([day], pa.date32()),
        pa.array([day], pa.date64()),
        pa.array([day.isoformat()]).dictionary_encode(),
    ):
        assert read(column, zone=SAO_PAULO) == [instant]
        assert str(read(column)[0]).startswith("has no time zone")


def test_a_local_time_is_the_earlier_of_two_and_refused_where_it_never_was() -> None:
    twice, never = datetime(2019, 2, 16, 23, 30), datetime(2018, 11, 4, 0, 30)  # noqa: DTZ001
    for values in ([twice, never], [str(twice), str(never)]):
        first, second = read(values, zone=SAO_PAULO)
        assert first == datetime(2019, 2, 17, 1, 30, tzinfo=UTC)
        assert str(second).startswith(f"never occurred in {SAO_PAULO}")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_time_that_is_far_off_does_not_wrap(unit: str) -> None:
    far = [np.iinfo(np.int64).max, np.iinfo(np.int64).min, -1]

    assert read(far, pa.timestamp(unit, "UTC")) == ["is before 1970 or after 2199"] * 3
    assert read([2**31 - 1, -(2**31)], pa.date32(), "UTC") == ["is before 1970 or after 2199"] * 2


@given(us=st.integers(0, to_us(datetime(2200, 1, 1, tzinfo=UTC)) - 1), hours=st.integers(-12, 14))
def test_an_instant_is_the_same_as_text_and_as_timestamp(us: int, hours: int) -> None:
    at = from_us(us)
    local = f"{(at + timedelta(hours=hours)).replace(tzinfo=None).isoformat()}{hours:+03d}:00"

    assert read([local]) == read([at.isoformat()]) == read([at]) == [at]
    assert read([at.replace(tzinfo=None)], zone="UTC") == [at]


def test_a_row_without_a_time_has_none() -> None:
    assert read(["", None], pa.string()) == [None, None]
    assert read([float("nan")]) == [None]
    assert read([None], pa.timestamp("us")) == [None]


@pytest.mark.parametrize("values", [[1], [1.5], [True], [timedelta(1)]], ids=str)
def test_a_column_that_holds_no_times_is_refused(values: Any) -> None:
    with pytest.raises(OrdersRefused, match="does not hold times"):
        read(values)
