"""What `normalise` and `point_in_time` make of tables: one reader, and sentences."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features_pkg import normalise, point_in_time
from features_pkg.errors import OrdersRefused
from tests.unit.three_orders import CARD, CENTS, PRODUCT, answers_of, columns, values

UUIDS = [uuid.UUID(int=1), uuid.UUID(int=1), uuid.UUID(int=2)]


def in_polars(**more: Any) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(pa.table(columns()))).with_columns(
        **{name: pl.Series(name, column) for name, column in more.items()}
    )


def in_pandas(**more: Any) -> pd.DataFrame:
    return pd.DataFrame(columns()).assign(**more)


REFUSED: dict[str, tuple[Any, str, str]] = {
    "objects of Polars": (
        in_polars(card=pl.Series(UUIDS, dtype=pl.Object)), "card", "is of dtype Object",
    ),
    "integers of 128 bits": (
        in_polars(card=pl.Series([2**70, 1, 2], dtype=pl.Int128)), "card", "is of dtype Int128",
    ),
    "objects of pandas": (in_pandas(card=[object()] * 3), "card", "neither text, number nor time"),
    "beyond 64 bits": (in_pandas(card=[2**70, 2**70, 1]), "card", "an integer beyond 64 bits"),
    "half a character": (in_pandas(card=["\ud800", "x", "x"]), "card", "half of a surrogate pair"),
    "text and numbers": (in_pandas(card=["x", 7, 7]), "card", "mixes types"),
    "parts of a number": (in_pandas(card=[1.5, 2, 3]), "card", "not whole"),
    "beyond doubles": (in_pandas(card=[2.0**60, 2, 3]), "card", "above 9007199254740991"),
    "booleans": (in_pandas(card=[True, False, True]), "card", "has no text"),
    "durations": (in_pandas(card=pd.to_timedelta([1, 2, 3])), "card", "has no text"),
    "products in products": (in_pandas(product=[[["p"]]] * 3), "product", "has no text"),
    "records": (pa.table(columns(card=[{"a": 1}] * 3)), "card", "struct"),
    "twice": (pa.table(columns()).append_column("card", pa.array("abc")), "card", "twice"),
}  # fmt: skip


@pytest.mark.parametrize("read", [normalise, lambda table: point_in_time(table, [CARD, PRODUCT])],
                         ids=["normalise", "point_in_time"])  # fmt: skip
@pytest.mark.parametrize(("table", "column", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_column_that_can_not_be_read_is_refused_by_name(
    read: Any, table: Any, column: str, sentence: str
) -> None:
    with pytest.raises(OrdersRefused, match=sentence) as refused:
        read(table)

    assert refused.value.column == column


@pytest.mark.parametrize(
    "table", [in_pandas()["card"], pl.Series([1]), pa.array([1]), in_polars().lazy(), [], None],
    ids=["a Series", "a Series of Polars", "an array", "a lazy frame", "a list", "nothing"],
)  # fmt: skip
def test_what_is_not_a_table_is_refused(table: Any) -> None:
    for read in (normalise, point_in_time):
        with pytest.raises(OrdersRefused, match="give a pandas, Polars or Arrow table"):
            read(table)


@pytest.mark.parametrize(
    "cards",
    [
        [52998224725.0, 52998224725.0, None],
        [Decimal("52998224725.00"), Decimal(52998224725), None],
        pa.array([52998224725, 52998224725, None], pa.uint64()),
        pa.array([str(7), str(7), None]).dictionary_encode(),
        pa.array(["7", "7", None], pa.string_view()),
        pa.array([b"7", b"7", None]),
        pc.run_end_encode(pa.array(["7", "7", None])),
        pd.Series([UUIDS[0], UUIDS[1], None]),
        pa.array([UUIDS[0].bytes, UUIDS[1].bytes, None], pa.uuid()),
    ],
    ids=lambda cards: str(getattr(cards, "type", type(cards[0]).__name__))[:30],
)  # fmt: skip
def test_both_read_a_column_of_any_type_alike(cards: Any) -> None:
    normalised = normalise(pa.table(columns(card=cards)))

    first, second, third = normalised["card"].to_pylist()
    assert (first, third) == (second, None)
    assert answers_of(card=cards) == values(normalised) == [0, 1, None]


def test_a_uuid_is_its_text() -> None:
    table = pa.table({"device": pa.array([UUIDS[0].bytes], pa.uuid())})

    assert normalise(table)["device"].to_pylist() == [str(UUIDS[0])]


def test_columns_that_are_not_identifiers_stay_as_they_are() -> None:
    frame = in_pandas(note=pd.Categorical(["x", "y", "x"])).set_index("order_id")

    table = normalise(frame)

    assert table["note"].to_pylist() == ["x", "y", "x"]
    assert table["order_id"].to_pylist() == columns()["order_id"]


def test_an_amount_may_be_a_whole_float_or_a_decimal() -> None:
    assert answers_of(CENTS, amount_cents=[100.0, 20.0, 3.0]) == answers_of(CENTS)
    assert answers_of(CENTS, amount_cents=[Decimal(100), Decimal("20.00"), Decimal(3)]) == (
        answers_of(CENTS)
    )


def test_a_sum_that_no_feature_can_hold_is_refused() -> None:
    rows = 9_300
    frame = pd.DataFrame(
        {
            "order_id": range(rows),
            "merchant_id": "shop",
            "event_at": pd.date_range("2024-01-01", periods=rows, freq="s", tz="UTC"),
            "card": "x",
            "amount_cents": 10**15 - 1,
        }
    )

    assert point_in_time(frame[:9_000], [CENTS])[CENTS].to_pylist()[-1] == 8_999 * (10**15 - 1)
    with pytest.raises(OrdersRefused, match="its sum is above 9223372036854775807"):
        point_in_time(frame, [CENTS])


def test_an_order_id_has_the_limits_of_an_import() -> None:
    with pytest.raises(OrdersRefused, match="row 1, column 'order_id': contains U\\+0000"):
        point_in_time(pa.table(columns(order_id=["a", "b\0", "c"])), [CARD])
