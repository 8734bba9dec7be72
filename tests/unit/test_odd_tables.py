"""Parquet files and tables: each column is read for what it means, or refused by its name."""

from __future__ import annotations

import struct
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features_pkg.orders.fields.order import read_order
from features_pkg.orders.order import content_hash
from jobs.importing.errors import ImportRefused
from jobs.importing.mapping import FileMapping
from tests.parity.doors import by_import
from tests.unit.odd_files import AT, a_parquet, columns, order

TABLES: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "float identifiers": (
        columns(2, document=[1234567890.0, None], zip_code=[1310100.0, 20040002.0]),
        [order(document="01234567890", zip_code="01310100"), order("b", zip_code="20040002")],
    ),
    "integer identifiers": (
        columns(document=[191], zip_code=[1310], phone=[11987654321]),
        [order(document="00000000191", zip_code="01310", phone="+5511987654321")],
    ),
    "decimals": (columns(card=[Decimal("4000000000000000000001.00")]),
                 [order(card="4000000000000000000001")]),
    "decimals of 32 and 64 bits": (
        {**columns(document=pa.array([Decimal("191.0")], pa.decimal64(12, 1))),
         "amount_cents": pa.array([Decimal("1990.00")], pa.decimal32(7, 2))},
        [order(document="00000000191")],
    ),
    "float ids": ({**columns(), "order_id": [2000003508419013.0]}, [order("2000003508419013")]),
    "texts as bytes": (columns(user=[b"ana"], product=[b"p"]), [order(user="ana", product=["p"])]),
    "categories": (columns(user=pa.array(["ana"]).dictionary_encode()), [order(user="ana")]),
    "views": (columns(user=pa.array(["ana"], pa.string_view())), [order(user="ana")]),
    "products of a fixed size": (
        columns(product=pa.array([["p", "q"]], pa.list_(pa.string(), 2))),
        [order(product=["p", "q"])],
    ),
    "numbers for products": (columns(product=[[7.0, 8.0]]), [order(product=["7", "8"])]),
    "no rows in a column of doubles": (
        columns(placed_at=[float("nan")], user=[float("nan")]), [order()],
    ),
    "a note of records": (columns(note=[{"a": 1}]), [order()]),
    "an item without its product": (
        columns(items=[[{"quantity": 1, "amount_cents": 1}]]),
        [("items[0].product", "is missing")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("given", "expected"), TABLES.values(), ids=TABLES)
def test_a_table_is_read_by_what_its_values_say(
    tmp_path: Path, given: dict[str, Any], expected: list[Any]
) -> None:
    table = pa.table(given)

    assert by_import(table) == expected
    if not any(pa.types.is_string_view(field.type) for field in table.schema):
        assert by_import(a_parquet(tmp_path, table)) == expected
        assert by_import(a_parquet(tmp_path, pa.Table.from_pandas(table.to_pandas()))) == expected
        polars = tmp_path / "polars.parquet"
        pl.DataFrame(pl.from_arrow(table)).write_parquet(polars)
        assert by_import(polars) == expected


NO_TEXT = pa.Array.from_buffers(
    pa.string(), 1, [None, pa.array([0, 1], pa.int32()).buffers()[1], pa.py_buffer(b"\xff")]
)
"""What a careless writer calls a text: nobody checks its bytes."""
BAD_COLUMNS: dict[str, tuple[dict[str, Any], str]] = {
    "parts of a number": (columns(card=[1.5]), "column card: has a number that is not whole"),
    "infinity": (columns(card=[float("inf")]), "column card: has a number that is not whole"),
    "decimals with a fraction": (columns(card=[Decimal("1.5")]), "card: .* not whole"),
    "beyond doubles": (columns(card=[2.0**53]), "card: has a number above 9007199254740991"),
    "beyond floats": (columns(card=pa.array([2.0**24], pa.float32())), "above 16777215"),
    "booleans": (columns(user=[True]), "user: is bool, which has no text"),
    "times": (columns(user=[AT]), "user: is timestamp.*, which has no text"),
    "records": (columns(user=[{"a": 1}]), "user: is struct"),
    "addresses": (columns(user=pa.array([b"12345678"], pa.binary(8))),
                  "user: is fixed_size_binary"),
    "bytes that are no text": (columns(user=[b"\xff"]), "user: has bytes that are not UTF-8"),
    "texts that are no text": (columns(user=NO_TEXT), "user: has bytes that are not UTF-8"),
    "products that are no text": (
        columns(product=pa.ListArray.from_arrays([0, 1], NO_TEXT)),
        "product: has bytes that are not UTF-8",
    ),
    "items that are no text": (
        columns(items=pa.ListArray.from_arrays(
            [0, 1], pa.StructArray.from_arrays([NO_TEXT], ["product"])
        )),
        "items: has bytes that are not UTF-8",
    ),
    "times that are no text": (columns(placed_at=NO_TEXT), "placed_at: has bytes that are not"),
    "amounts that are no text": (
        {**columns(), "amount_cents": NO_TEXT}, "amount_cents: has bytes that are not UTF-8",
    ),
    "half floats": (columns(card=np.array([2048], "float16")), "card: is halffloat"),
    "several users": (columns(user=[["a", "b"]]), "user: is large_list"),
    "products in products": (columns(product=[[["p"]]]), "product: is large_list"),
    "numbers for items": (columns(items=[5]), "items: is int64"),
    "numbers for times": ({**columns(), "event_at": [20240301]}, "event_at: is int64"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "sentence"), BAD_COLUMNS.values(), ids=BAD_COLUMNS)
def test_a_column_that_can_not_be_read_is_refused_by_name(
    tmp_path: Path, given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ImportRefused, match=sentence):
        by_import(pa.table(given))
    with pytest.raises(ImportRefused, match=sentence.split(": ")[0]):
        by_import(a_parquet(tmp_path, pa.table(given)))


def test_the_column_of_a_refusal_has_the_name_that_the_file_gives_it() -> None:
    table = pa.table(columns(cartao=[1.5]))

    with pytest.raises(ImportRefused, match="column cartao"):
        by_import(table, FileMapping(columns={"card": "cartao"}))


def test_a_column_twice_is_refused_in_parquet_as_in_csv(tmp_path: Path) -> None:
    table = pa.table(columns()).append_column("order_id", pa.array(["b"]))

    for source in (table, a_parquet(tmp_path, table)):
        with pytest.raises(ImportRefused, match="has the column order_id twice"):
            by_import(source)


def test_a_damaged_parquet_file_is_a_sentence(tmp_path: Path) -> None:
    whole = a_parquet(tmp_path, pa.table(columns(500, order_id=[str(n) for n in range(500)])))
    content = bytearray(whole.read_bytes())
    content[4:400] = bytes(396)
    whole.write_bytes(content)
    (tmp_path / "cut.parquet").write_bytes(bytes(content[:200]))

    for path in (whole, tmp_path / "cut.parquet"):
        with pytest.raises(ImportRefused, match="can't be read") as refused:
            by_import(path)
        assert "\n" not in str(refused.value)


def test_a_time_that_spark_wrote_is_an_instant_also_beside_a_zone(tmp_path: Path) -> None:
    naive = [datetime(2024, 3, 1, 12), datetime(9000, 1, 1)]  # noqa: DTZ001
    table = pa.table({**columns(2), "placed_at": pa.array(naive, pa.timestamp("us"))})
    pq.write_table(table, tmp_path / "s.parquet", use_deprecated_int96_timestamps=True)
    placed = content_hash(read_order("a", 1990, {}, placed_at="2024-03-01T12:00:00Z"))

    answers = by_import(tmp_path / "s.parquet", FileMapping(timezone="America/Sao_Paulo"))

    assert answers == [placed, ("placed_at", "is before 1970 or after 2199")]


def test_a_time_of_spark_that_no_microsecond_can_hold_does_not_wrap(tmp_path: Path) -> None:
    """Arrow reads the day 213,503,983 days after 1970 as the 2nd of January 1970."""
    table = pa.table({**columns(), "placed_at": pa.array([AT.replace(tzinfo=None)])})
    path = a_parquet(
        tmp_path, table, use_deprecated_int96_timestamps=True, use_dictionary=False,
        compression="none", write_statistics=False,
    )  # fmt: skip
    day_of_1970, nanoseconds = 2_440_588, 12 * 3600 * 10**9
    written = struct.pack("<qI", nanoseconds, day_of_1970 + (AT.date() - date(1970, 1, 1)).days)
    content = path.read_bytes()
    assert content.count(written) >= 1

    path.write_bytes(
        content.replace(written, struct.pack("<qI", nanoseconds, day_of_1970 + 213_503_983))
    )

    assert set(by_import(path)) <= {
        ("placed_at", "is before 1970 or after 2199"),
        ("event_at", "is before 1970 or after 2199"),
    }


def test_numbers_of_pandas_lose_nothing(tmp_path: Path) -> None:
    frame = pd.DataFrame(columns(2))
    frame["document"] = pd.Series([1234567890, None], dtype="Int64")
    frame["card"] = np.array([4111111111111111, 1], "uint64")
    frame["zip_code"] = [1310100, None]  # pandas makes doubles of it
    frame.to_parquet(tmp_path / "p.parquet")
    frame.to_csv(tmp_path / "p.csv", index=False)

    expected = [
        order(document="01234567890", card="4111111111111111", zip_code="01310100"),
        order("b", card="1"),
    ]
    assert by_import(tmp_path / "p.parquet") == by_import(tmp_path / "p.csv") == expected
