"""The doors that an order comes in by, and random orders in everything that people write them in.

An order is drawn as the texts that its merchant would send. Each door gets it in its own form, and
answers with the order's content hash, or with the field and reason of its refusal.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from features_pkg.calendar import to_us
from features_pkg.identifiers import SINGLE_VALUED
from features_pkg.orders.order import content_hash
from jobs.importing.mapping import FileMapping
from jobs.importing.prepare import Rules, prepare_batch
from jobs.importing.source import open_source
from service.body import parse
from service.errors import FieldRefused

EVENT = datetime(2024, 3, 1, 12, tzinfo=UTC)
NOW_US = to_us(datetime(2026, 1, 1, tzinfo=UTC))
CURRENCY, CENTS = FileMapping(amount_unit="currency"), FileMapping()
BRAZILIAN = FileMapping(amount_unit="currency", decimal_mark=",", thousands_mark=".")

Answer = bytes | tuple[str, str]
"""The content hash of an order, or the field and the reason of its refusal."""

PIECES = [
    " ", "0", "1", "55", "0055", "11", "98765", "4321", "+", "-", "–", "−", ".", ".0", "/", "(", ")",
    "@", "a", "B", "İ", "ß", "gmail.com", "bücher.de", "192.0.2.1", "::ffff:", "529.982.247-25",
    "52998224725", "1234567890", "1310100", "01310-100", "00000000", "null", "n/a", "\u200b", "e\u0301",
    "\u00a0", "\n", "\r\n", "\t", '"', '""', ",", ";", "\\", "'", "{}", "[Kit] 3", '["a"]', "x" * 200,
    "😀", "٣", "\x7f", "=1+1", "\ufeff",
]  # fmt: skip
TIMES = [
    "2024-03-01T12:00:00Z", "2024-03-01 09:00:00-03:00", "2024-03-01t09:00:00.1234567-03:00",
    "2024-03-01T12:00Z", "2024-03-01T12:00:00,999999999+0000", "2024-03-01 12:00:00.5 +00",
    "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2199-12-31T23:59:59.9999999Z",
    "2200-01-01T00:00:00+00:01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "2024-03-01T12:00:00", "2024-03-01", "2024-02-30T12:00:00Z", "2024-03-01T24:00:00Z",
    "2024-03-01T12:00:60Z", "2024-W09-5T12:00:00Z", "20240301T120000Z", "01/03/2024", "noon", " ",
    "", " 2024-03-01T12:00:00Z ", "2024-03-01T12:00:00.Z", "2024-03-01T12:00:00+24:00",
]  # fmt: skip
AMOUNTS = [0, 1, 10, 99, 100, 1990, 123456, 16777217, 10**12 + 1, 10**15 - 1, 10**15, -1, -1990]


@dataclass(frozen=True, slots=True)
class SentOrders:
    """A few orders as their merchant would send them; a column of `numbers` has only digits."""

    rows: list[dict[str, Any]]
    numbers: frozenset[str]


def random_orders(draw: random.Random) -> SentOrders:
    """One to six orders; now and then a field of them is odd, and a column is of numbers."""
    numbers = frozenset(
        name for name in ("order_id", *SINGLE_VALUED) if draw.random() < 0.2
    )
    return SentOrders([_order(draw, numbers) for _ in range(draw.randint(1, 6))], numbers)


def _order(draw: random.Random, numbers: frozenset[str]) -> dict[str, Any]:
    row: dict[str, Any] = {"order_id": f"o-{draw.randrange(10**6)}", "amount_cents": 1990}
    if draw.random() < 0.15:
        row["order_id"] = draw.choice(["", None, "x" * 128, "x" * 129, "a\tb", " ", "7.0", _text(draw)])
    if draw.random() < 0.4:
        row["amount_cents"] = draw.choice([*AMOUNTS, None, draw.randrange(10**9)])
    row["placed_at"] = draw.choice(TIMES) if draw.random() < 0.4 else None
    for name in SINGLE_VALUED:
        row[name] = draw.choice([None, _text(draw)]) if draw.random() < 0.5 else f"{name} 1"
    for name in numbers:
        number = draw.choice([0, 7, 1310100, 191, 52998224725, 1234567890, 11987654321, 2**53])
        row[name] = str(draw.choice([number, draw.randrange(10 ** draw.randint(1, 15))]))
    row["items"] = None
    if draw.random() < 0.3:
        row["items"] = [_item(draw) for _ in range(draw.choice([0, 1, 2, 101]))]
    return row


def _text(draw: random.Random) -> str:
    return "".join(draw.choice(PIECES) for _ in range(draw.randint(0, 4)))


def _item(draw: random.Random) -> dict[str, Any]:
    item: dict[str, Any] = {"product": _text(draw) or "p", "quantity": 1, "amount_cents": 5}
    if draw.random() < 0.2:
        item.update(
            draw.choice(
                [{"quantity": 0}, {"quantity": 10**6 + 1}, {"amount_cents": -1}, {"product": ""},
                 {"product": "x" * 513}, {"product": None}]
            )
        )  # fmt: skip
    return item


def by_request(sent: SentOrders) -> list[Answer]:
    """What `POST /evaluate` makes of each order."""
    return [_by_request(row) for row in sent.rows]


def _by_request(row: dict[str, Any]) -> Answer:
    try:
        return content_hash(parse(json.dumps(row).encode()))
    except FieldRefused as refused:
        return refused.param, refused.detail


def by_import(source: Path | pa.Table, mapping: FileMapping) -> list[Answer]:
    """What `ontem import` makes of each row, without the database."""
    opened = open_source(source, mapping.delimiter)
    columns = mapping.resolve("orders", opened.name, opened.columns)
    rules = Rules("orders", mapping, columns, NOW_US)
    answers: dict[int, Answer] = {}
    for batch in opened.batches(list(dict.fromkeys(columns.values()))):
        prepared = prepare_batch(batch, rules)
        for refusal in prepared.refusals:
            answers[refusal.row] = (refusal.field, refusal.reason)
        for row in csv.reader(StringIO(prepared.csv.decode(), newline="")):
            answers[int(row[0])] = bytes.fromhex(row[4].removeprefix("\\x"))
    answers.update({number: ("", reason) for number, reason in opened.refused_rows})
    return [answers[number] for number in sorted(answers)]


def forms(
    sent: SentOrders, draw: random.Random, folder: Path
) -> Iterator[tuple[str, Path | pa.Table, FileMapping]]:
    """The orders as CSV, and in tables of various types: what it is, a file or table, a mapping."""
    mapping = draw.choice([CENTS, CURRENCY, BRAZILIAN])
    yield "CSV", _csv(sent, draw, mapping, folder / "orders.csv"), mapping
    mapping = draw.choice([CENTS, CURRENCY, BRAZILIAN])
    table, types = _table(sent, draw, mapping)
    yield f"Arrow {types}", table, mapping
    pq.write_table(_for_parquet(table), folder / "arrow.parquet")
    yield f"Parquet {types}", folder / "arrow.parquet", mapping
    frame = _pandas(table, draw)
    frame.to_parquet(folder / "pandas.parquet")
    yield f"pandas {types} {dict(frame.dtypes)}", folder / "pandas.parquet", mapping
    polars = pl.DataFrame(pl.from_arrow(table))
    polars.write_parquet(folder / "polars.parquet")
    yield f"Polars {types}", folder / "polars.parquet", mapping


def _csv(sent: SentOrders, draw: random.Random, mapping: FileMapping, path: Path) -> Path:
    with path.open("w", encoding=draw.choice(["utf-8", "utf-8-sig"]), newline="") as stream:
        ends = draw.choice(["\n", "\r\n"])
        quoting = draw.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
        writer = csv.writer(stream, lineterminator=ends, quoting=quoting)
        names = ["event_at", *sent.rows[0]]
        writer.writerow(names)
        for row in sent.rows:
            cells = {
                **row,
                "event_at": EVENT.isoformat(),
                "amount_cents": _amount_text(row["amount_cents"], mapping),
                "items": None if row["items"] is None else json.dumps(row["items"]),
            }
            writer.writerow([_csv_cell(name, cells[name], sent, draw) for name in names])
    return path


def _csv_cell(name: str, cell: str | None, sent: SentOrders, draw: random.Random) -> str | None:
    """A cell as it was, or with the `.0` that pandas gives a column of numbers with a gap."""
    of_digits = name in sent.numbers and name in ("document", "phone", "zip_code", "card")
    return f"{cell}.0" if of_digits and draw.random() < 0.5 else cell


def _amount_text(cents: int | None, mapping: FileMapping) -> str | None:
    if cents is None or mapping.amount_unit == "cents":
        return None if cents is None else str(cents)
    sign, whole, fraction = "-" * (cents < 0), abs(cents) // 100, abs(cents) % 100
    if mapping.decimal_mark == ",":
        return f"{sign}{whole:,}".replace(",", ".") + f",{fraction:02}"
    return f"{sign}{whole}.{fraction:02}"


TEXT_TYPES: dict[str, Callable[[pa.Array], pa.Array]] = {
    "string": lambda texts: texts,
    "large_string": lambda texts: texts.cast(pa.large_string()),
    "string_view": lambda texts: texts.cast(pa.string_view()),
    "dictionary": lambda texts: texts.dictionary_encode(),
    "binary": lambda texts: texts.cast(pa.binary()),
}
NUMBER_TYPES: dict[str, Callable[[list[int]], pa.Array]] = {
    "int64": lambda numbers: pa.array(numbers, pa.int64()),
    "uint64": lambda numbers: pa.array(numbers, pa.uint64()),
    "double": lambda numbers: pa.array([float(number) for number in numbers], pa.float64()),
    "decimal": lambda numbers: pa.array([Decimal(number) for number in numbers],
                                        pa.decimal128(38, 10)),
}  # fmt: skip


def _table(
    sent: SentOrders, draw: random.Random, mapping: FileMapping
) -> tuple[pa.Table, dict[str, str]]:
    """The orders as an Arrow table, and the type that was drawn for each column."""
    columns: dict[str, pa.Array] = {
        "event_at": pa.array([EVENT] * len(sent.rows), pa.timestamp("us", "UTC"))
    }
    types: dict[str, str] = {}
    for name in ("order_id", "placed_at", *SINGLE_VALUED):
        values = [row[name] for row in sent.rows]
        if name in sent.numbers and not set(values) & {None, ""} and draw.random() < 0.7 and all(
            str(int(value)) == value for value in values if value.isascii() and value.isdigit()
        ) and all(value.isascii() and value.isdigit() for value in values):
            types[name] = draw.choice([*NUMBER_TYPES])
            columns[name] = NUMBER_TYPES[types[name]]([int(value) for value in values])
        else:
            types[name] = draw.choice([*TEXT_TYPES])
            if name == "placed_at" and types[name] == "binary":
                types[name] = "string"
            columns[name] = TEXT_TYPES[types[name]](pa.array(values, pa.string()))
    columns["amount_cents"], types["amount_cents"] = _amounts(sent, draw, mapping)
    columns["items"] = pa.array([row["items"] for row in sent.rows], ITEMS)
    if draw.random() < 0.3:
        types["items"] = "JSON"
        columns["items"] = pa.array(
            [None if row["items"] is None else json.dumps(row["items"]) for row in sent.rows],
            pa.string(),
        )
    return pa.table(columns), types


ITEMS = pa.list_(
    pa.struct([("product", pa.string()), ("quantity", pa.int64()), ("amount_cents", pa.int64())])
)


def _amounts(
    sent: SentOrders, draw: random.Random, mapping: FileMapping
) -> tuple[pa.Array, str]:
    cents = [row["amount_cents"] for row in sent.rows]
    if draw.random() < 0.3:
        return pa.array([_amount_text(value, mapping) for value in cents], pa.string()), "text"
    exact = [None if value is None else Decimal(value) for value in cents]
    if mapping.amount_unit == "currency":
        exact = [None if value is None else value / 100 for value in exact]
    elif draw.random() < 0.5:
        return pa.array(cents, pa.int64()), "int64"
    if draw.random() < 0.5:
        return pa.array(exact, pa.decimal128(30, 8)), "decimal"
    floats = [None if value is None else float(value) for value in exact]
    small = all(value is None or abs(value) < 10**5 for value in cents)
    kind = pa.float32() if small and draw.random() < 0.5 else pa.float64()
    return pa.array(floats, pa.float64()).cast(kind), str(kind)


def _for_parquet(table: pa.Table) -> pa.Table:
    """Parquet has no views: they are written as texts."""
    kinds = [
        pa.large_string() if pa.types.is_string_view(field.type) else field.type
        for field in table.schema
    ]
    return table.cast(pa.schema(list(zip(table.column_names, kinds, strict=True))))


def _pandas(table: pa.Table, draw: random.Random) -> pd.DataFrame:
    frame = _for_parquet(table).to_pandas()
    for name in SINGLE_VALUED:
        if frame[name].dtype == object and draw.random() < 0.5 and _is_text(table[name].type):
            frame[name] = frame[name].astype(draw.choice(["string", "category", "string[pyarrow]"]))
    return frame


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


