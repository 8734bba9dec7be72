"""Orders in everything that people write them in: CSV, and tables of many types."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from features_pkg.identifiers import SINGLE_VALUED
from jobs.importing.mapping import FileMapping
from tests.parity.doors import CENTS
from tests.parity.sent_orders import SentOrders

EVENT = datetime(2024, 3, 1, 12, tzinfo=UTC)
CURRENCY = FileMapping(amount_unit="currency")
BRAZILIAN = FileMapping(amount_unit="currency", decimal_mark=",", thousands_mark=".")


def forms(
    sent: SentOrders, draw: random.Random, folder: Path
) -> Iterator[tuple[str, Path | pa.Table, FileMapping]]:
    """The orders as CSV, and in tables of various types: what it is, a file or table, a mapping."""
    mapping = draw.choice([CENTS, CURRENCY, BRAZILIAN])
    yield "CSV", _csv(sent, draw, mapping, folder / "orders.csv"), mapping
    mapping = draw.choice([CENTS, CURRENCY, BRAZILIAN])
    arrow, types = table(sent, draw, mapping)
    yield f"Arrow {types}", arrow, mapping
    pq.write_table(_for_parquet(arrow), folder / "arrow.parquet")
    yield f"Parquet {types}", folder / "arrow.parquet", mapping
    frame = in_pandas(arrow, draw)
    frame.to_parquet(folder / "pandas.parquet")
    yield f"pandas {types} {dict(frame.dtypes)}", folder / "pandas.parquet", mapping
    polars = pl.DataFrame(pl.from_arrow(arrow))
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


def table(
    sent: SentOrders, draw: random.Random, mapping: FileMapping = CENTS
) -> tuple[pa.Table, dict[str, str]]:
    """The orders as an Arrow table, and the type that was drawn for each column."""
    columns: dict[str, pa.Array] = {
        "event_at": pa.array([EVENT] * len(sent.rows), pa.timestamp("us", "UTC"))
    }
    types: dict[str, str] = {}
    for name in ("order_id", "placed_at", *SINGLE_VALUED):
        values = [row[name] for row in sent.rows]
        if name in sent.numbers and all(_is_digits(value) for value in values):
            types[name] = draw.choice([*NUMBER_TYPES])
            columns[name] = NUMBER_TYPES[types[name]]([int(value) for value in values])
        else:
            types[name] = draw.choice([*TEXT_TYPES])
            columns[name] = TEXT_TYPES[types[name]](pa.array(values, pa.string()))
    columns["amount_cents"], types["amount_cents"] = _amounts(sent, draw, mapping)
    if draw.random() < 0.6 and not any("sku" in item for row in sent.rows
                                       for item in row["items"] or ()):  # fmt: skip
        columns["items"] = pa.array([row["items"] for row in sent.rows], ITEMS)
    else:
        types["items"] = "JSON"
        columns["items"] = pa.array(
            [None if row["items"] is None else json.dumps(row["items"]) for row in sent.rows],
            pa.string(),
        )
    return pa.table(columns), types


def _is_digits(value: str | None) -> bool:
    """Whether it is what a number is written as."""
    return value is not None and value.isascii() and value.isdigit() and str(int(value)) == value


ITEMS = pa.list_(
    pa.struct([("product", pa.string()), ("quantity", pa.int64()), ("amount_cents", pa.int64())])
)


def _amounts(sent: SentOrders, draw: random.Random, mapping: FileMapping) -> tuple[pa.Array, str]:
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


def _for_parquet(arrow: pa.Table) -> pa.Table:
    """Parquet has no views: they are written as texts."""
    kinds = [
        pa.large_string() if pa.types.is_string_view(field.type) else field.type
        for field in arrow.schema
    ]
    return arrow.cast(pa.schema(list(zip(arrow.column_names, kinds, strict=True))))


def in_pandas(arrow: pa.Table, draw: random.Random) -> pd.DataFrame:
    """The same table in pandas, now and then with its own types of text."""
    frame = _for_parquet(arrow).to_pandas()
    for name in SINGLE_VALUED:
        if frame[name].dtype == object and draw.random() < 0.5 and _is_text(arrow[name].type):
            frame[name] = frame[name].astype(draw.choice(["string", "category", "string[pyarrow]"]))
    return frame


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)
