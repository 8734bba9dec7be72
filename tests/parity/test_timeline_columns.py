"""A snapshot's columns say all that its bytes say: the bytes can be made of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features_pkg.calendar import DAY_US, to_us
from features_pkg.definitions.catalogue import served
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.history.past_orders import PastOrder
from features_pkg.identifiers import IDENTIFIERS, MERCHANT, Event
from features_pkg.shuffle import snapshot_schema
from features_pkg.timelines.read import decode
from jobs.snapshot.table import snapshots_table
from tests.parity import worlds
from tests.parity.rows import CALENDAR, FEATURES, snapshot_table

Row = dict[str, Any]
LATEST = CALENDAR.day_of(to_us(max(worlds.AROUND))) + 100
NOON = CALENDAR.cutoff_us(LATEST - 100) + DAY_US // 2


def an_order(**values: str) -> PastOrder:
    """An order of a real at `NOON` that names these values."""
    named = {i: (values[i],) if i in values else () for i in IDENTIFIERS}
    return PastOrder("m1", "1", NOON, 100, named)


def encoded(row: Row) -> bytes:
    """The bytes of a timeline, made of its columns as `timelines/read.py` describes them."""
    lasts = [row[f"last_{event}_at"] for event in Event]
    base = max(CALENDAR.day_of(to_us(at)) + 1 for at in lasts if at is not None)
    shape, instants, numbers = 0, b"", []
    for position, event in enumerate(Event):
        if row[f"last_{event}_at"] is not None:
            targets = [
                t for t in IDENTIFIERS if row.get(f"distinct_{t}_{event.plural}") is not None
            ]
            shape |= (len(targets) + 1) << 4 * position
            first_us = to_us(row[f"first_{event}_at"])
            instants += first_us.to_bytes(7, "little", signed=True)
            numbers.append(to_us(row[f"last_{event}_at"]) - first_us)
            names = [event.plural, *(f"distinct_{t}_{event.plural}" for t in targets)]
            numbers += [n for name in names for n in days_of(row, name, base)]
            numbers += [day["cents"] for day in row[event.plural]]
            if row[f"{event.plural}_older"]:
                numbers.append(row[f"{event.plural}_older_cents"])
    return (base << 8 | shape).to_bytes(4, "little") + instants + msgspec.msgpack.encode(numbers)


def days_of(row: Row, name: str, base: int) -> Iterator[int]:
    """The *days* of a list."""
    counts, older = [day["count"] for day in row[name]], row[f"{name}_older"]
    several = any(count != 1 for count in counts)
    yield 4 * len(counts) + 2 * several + bool(older)
    yield from (day["day"].toordinal() - (base - 90) for day in row[name])
    yield from counts if several else ()
    yield from [older] if older else ()


@given(worlds.orders(), st.sampled_from((LATEST, LATEST - 100, LATEST - 300)))
def test_the_bytes_can_be_made_of_the_columns(history: list[PastOrder], as_of: int) -> None:
    rows = snapshot_table(history, as_of).to_pylist()

    assert [row["entity"] for row in rows] == sorted(row["entity"] for row in rows)
    for row in rows:
        if row["identifier"] != MERCHANT:
            assert encoded(row) == row["timeline"]


@given(worlds.orders())
def test_a_merchant_has_its_first_order_alone(history: list[PastOrder]) -> None:
    merchants = [
        row for row in snapshot_table(history, LATEST).to_pylist() if row["identifier"] == MERCHANT
    ]

    assert len(merchants) == len({order.merchant for order in history})
    for row in merchants:
        orders = decode(row["timeline"]).of(Event.ORDER)
        assert orders is not None
        assert to_us(row["first_order_at"]) == orders.first_us
        other = row.keys() - {"entity", "identifier", "timeline", "first_order_at", "state"}
        assert {row[name] for name in other} == {None}


def test_null_where_nothing_is_kept_and_empty_where_nothing_happened() -> None:
    named = an_order(card="c", zip_code="z", user="u")
    rows = {row["identifier"]: row for row in snapshot_table([named], LATEST).to_pylist()}
    day = date.fromordinal(CALENDAR.day_of(NOON))

    card, user = rows["card"], rows["user"]
    assert card["orders"] == [{"day": day, "count": 1, "cents": 100}]
    assert card["distinct_zip_code_orders"] == [{"day": day, "count": 1}]
    # Cards keep documents, and this one came with none; they keep no devices, as users do.
    assert (card["distinct_document_orders"], card["distinct_document_orders_older"]) == ([], 0)
    assert (card["distinct_device_orders"], card["distinct_device_orders_older"]) == (None, None)
    assert (user["distinct_device_orders"], user["distinct_device_orders_older"]) == ([], 0)
    assert (card["chargebacks"], card["chargebacks_older"]) == ([], 0)
    assert card["chargebacks_older_cents"] == 0
    assert (card["first_chargeback_at"], card["last_chargeback_at"]) == (None, None)


def test_an_event_that_no_feature_looks_at_is_null() -> None:
    features = FeatureSet(
        FEATURES.timezone, FEATURES.snapshot_lag, served(("card_orders_7d_distant",))
    )
    named = an_order(card="c")
    rows = snapshot_table([named], LATEST, features).to_pylist()

    (card,) = (row for row in rows if row["identifier"] == "card")
    assert len(card["orders"]) == 1
    assert (card["chargebacks"], card["chargebacks_older"]) == (None, None)


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("card_orders_7d_distant", set()),
        ("card_distinct_zip_code_orders_24h_recent", set()),
        ("card_distinct_zip_code_orders_7d_distant", {"distinct_zip_code_orders"}),
        ("ip_distinct_card_chargebacks_7d_distant", {"distinct_card_chargebacks"}),
    ],
)
def test_other_targets_are_other_columns_of_another_table(name: str, columns: set[str]) -> None:
    plain = FeatureSet("UTC", FEATURES.snapshot_lag, served(("ip_orders_7d_distant",)))
    features = FeatureSet("UTC", FEATURES.snapshot_lag, served((name,)))
    more = set(snapshot_schema(features).names) - set(snapshot_schema(plain).names)

    assert more == columns | {f"{column}_older" for column in columns}
    assert features.timelines_id != plain.timelines_id


def test_every_column_says_what_it_holds() -> None:
    table = snapshots_table(FEATURES)

    assert table.columns.names[1:] == snapshot_schema(FEATURES).names
    for column in table.columns:
        assert column.metadata[b"doc"].endswith(b"."), column.name
    docs = [column.metadata[b"doc"] for column in table.columns]
    assert len(set(docs)) == len(docs)
