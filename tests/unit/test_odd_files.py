"""Files as people bring them: each is read for what it means, or refused in a sentence."""

from __future__ import annotations

from datetime import UTC, datetime
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
from jobs.importing.csv_source import CsvSource
from jobs.importing.errors import ImportRefused
from jobs.importing.mapping import FileMapping, read_mapping
from tests.parity.doors import by_import

AT = datetime(2024, 3, 1, 12, tzinfo=UTC)
HEAD = "order_id,event_at,amount_cents"
ROW = "2024-03-01T12:00:00Z,1990"


def order(order_id: str = "a", cents: int = 1990, **identifiers: Any) -> bytes:
    products = identifiers.pop("product", ())
    return content_hash(read_order(order_id, cents, identifiers, products=products))


def a_csv(folder: Path, text: str | bytes) -> Path:
    path = folder / "orders.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def columns(rows: int = 1, **more: Any) -> dict[str, Any]:
    ids = [chr(ord("a") + row) for row in range(rows)]
    return {"order_id": ids, "event_at": [AT] * rows, "amount_cents": [1990] * rows, **more}


def a_parquet(folder: Path, table: pa.Table, **options: Any) -> Path:
    pq.write_table(table, folder / "orders.parquet", **options)
    return folder / "orders.parquet"


SWALLOWED = (
    "has a value of 3 lines, of which one is a row by itself (from line 2 on): "
    "look for a quote that does not close"
)
CSV_FILES: dict[str, tuple[str | bytes, list[Any]]] = {
    "no last line end": (f"{HEAD}\na,{ROW}", [order()]),
    "only a header": (HEAD, []),
    "only a header, with its line end": (f"{HEAD}\n", []),
    "a BOM": (f"\ufeff{HEAD}\na,{ROW}\n", [order()]),
    "line ends of Windows": (f"{HEAD}\r\na,{ROW}\r\n", [order()]),
    "line ends of an old Mac": (f"{HEAD}\ra,{ROW}\r", [order()]),
    "blank lines": (f"{HEAD}\n\na,{ROW}\n\n\nb,{ROW}\n", [order(), order("b")]),
    "a line end in a quoted value": (f'{HEAD},user\na,{ROW},"x\ny"\n', [order(user="x\ny")]),
    "quotes inside a value": (f'{HEAD},user\na,{ROW},"x ""y"""\n', [order(user='x "y"')]),
    "an inch mark": (f'{HEAD},user\na,{ROW},5" screen\n', [order(user='5" screen')]),
    "an empty quoted value": (f'{HEAD},user,placed_at\na,{ROW},"",""\n', [order()]),
    "a trailing comma": (
        f"{HEAD}\na,{ROW},\nb,{ROW}\n",
        [("", "has more or fewer fields than the header"), order("b")],
    ),
    "identifiers that were floats": (
        f"{HEAD},document,phone,zip_code,user\na,{ROW},1234567890.0,11987654321.0,1310100.0,7.0\n",
        [order(document="01234567890", phone="+5511987654321", zip_code="01310100", user="7.0")],
    ),
    "identifiers that were integers": (
        f"{HEAD},document,zip_code\na,{ROW},1234567890,1310100\n",
        [order(document="01234567890", zip_code="01310100")],
    ),
    "a product in brackets": (
        f"{HEAD},product\na,{ROW},[Kit] 3 meias\n", [order(product=["[Kit] 3 meias"])],
    ),
    "100,000 brackets": (
        f"{HEAD},product\na,{ROW},{'[' * 100_000}\n",
        [("product", "has more than 512 characters")],
    ),
    "100,000 brackets for items": (
        f"{HEAD},items\na,{ROW},{'[' * 100_000}\n", [("items", "is nested deeper than 8")],
    ),
    "an item with sku": (
        f'{HEAD},items\na,{ROW},"[{{""sku"":""p"",""quantity"":1,""amount_cents"":1}}]"\n',
        [("items[0].sku", "is not a known field: leave it out")],
    ),
    "an item with a field twice": (
        f'{HEAD},items\na,{ROW},"[{{""quantity"":1,""quantity"":2}}]"\n',
        [("quantity", "appears more than once: send it once")],
    ),
    "an id with a tab": (f'{HEAD}\n"a\tb",{ROW}\n', [order("a\tb")]),
    "NUL in a value": (
        f"{HEAD},user\na,{ROW},x\0y\n",
        [("user", "contains U+0000 or half of a surrogate pair")],
    ),
    "a quote that swallows rows": (
        f'{HEAD},note\na,{ROW},"ok\nb,{ROW},x\nc,{ROW},5"\nd,{ROW},ok\n',
        [
            ("", SWALLOWED),
            order("d"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CSV_FILES.values(), ids=CSV_FILES)
def test_a_csv_file_is_read_row_by_row(tmp_path: Path, text: str, expected: list[Any]) -> None:
    assert by_import(a_csv(tmp_path, text)) == expected


UNREADABLE: dict[str, tuple[str | bytes, str]] = {
    "a quote that never closes": (
        f'{HEAD},note\na,{ROW},ok\nb,{ROW},"great\n' + f"c,{ROW},x\n" * 999,
        r"row 2 \(from line 3 on\): a quote opens here and never closes",
    ),
    "a quote that closes early": (
        f'{HEAD},note\na,{ROW},"so "great" it is"\n',
        "row 1 .* a quote closes before its value ends",
    ),
    "a quote that closes at another": (
        f'{HEAD},note\na,{ROW},"ok\nb,{ROW},"fine"\n', "row 1 .* a quote closes before",
    ),
    "a value that is far too long": (
        f'{HEAD},note\na,{ROW},"' + "x\n" * 70_000 + '"\n', "row 1 .* longer than 131,072",
    ),
    "latin-1": (f"{HEAD},user\na,{ROW},João\n".encode("latin-1"), "not UTF-8: save it as UTF-8"),
    "latin-1 in a column that nobody reads": (
        f"{HEAD},note\na,{ROW},João\n".encode("latin-1"), "not UTF-8: save it as UTF-8",
    ),
    "latin-1 far down": (
        f"{HEAD},note\n".encode() + f"a,{ROW},x\n".encode() * 1000 + b"a,\xe3\n",
        "after line .* UTF-8",
    ),
    "UTF-16": (f"{HEAD}\na,{ROW}\n".encode("utf-16"), "not UTF-8"),
    "a column twice": (f"{HEAD},email,email\na,{ROW},x,y\n", "has the column email twice"),
    "a header whose quote never closes": (f'"{HEAD}\na,{ROW}\n', "header: a quote opens here"),
    "amounts of Brazil": (
        f'{HEAD}\na,2024-03-01T12:00:00Z,"19,90"\nb,2024-03-01T12:00:00Z,1.230\n',
        "column amount_cents: .* state the decimal mark",
    ),
    "nothing": ("", "has no column order_id"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "sentence"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_csv_file_that_means_two_things_is_refused_whole(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(ImportRefused, match=sentence):
        by_import(a_csv(tmp_path, text))


def test_rows_keep_their_numbers_around_those_that_are_refused(tmp_path: Path) -> None:
    source = CsvSource(a_csv(tmp_path, f"{HEAD}\na,{ROW}\nb\n\nc,{ROW}\n"), ",")

    (batch,) = source.batches(["order_id"])

    assert batch.numbers.tolist() == [1, 3]
    assert [number for number, _ in source.refused_rows] == [2]


def test_amounts_of_brazil_are_read_with_their_marks(tmp_path: Path) -> None:
    path = a_csv(tmp_path, "order_id;event_at;amount\na;2024-03-01T12:00:00Z;1.234,56\n")
    (tmp_path / "m.toml").write_text(
        '\ufefftimezone = "UTC"\namount_unit = "currency"\ndecimal_mark = ","\n'
        'thousands_mark = "."\n'
        'delimiter = ";"\n[columns]\namount_cents = "amount"\n',
        encoding="utf-8",
    )

    assert by_import(path, read_mapping(tmp_path / "m.toml")) == [order(cents=123456)]


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
