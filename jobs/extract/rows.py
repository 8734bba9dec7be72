"""The rows of the dataset `events`, and how they are made of what PostgreSQL copies out."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from features_pkg.definitions.order_features import VALUE_FEATURES
from features_pkg.entity_keys import KEY_BYTES, EntityKeys
from features_pkg.identifiers import IDENTIFIERS, MERCHANT, SINGLE_VALUED, Identifier
from features_pkg.shuffle import keyed

ORDER, CHARGEBACK, REVERSAL, EVALUATION = "order", "chargeback", "reversal", "evaluation"
KINDS: Final = (ORDER, CHARGEBACK, REVERSAL, EVALUATION)
"""What a row of `events` is."""

_KEY: Final = pa.binary(KEY_BYTES)
_INSTANT: Final = pa.timestamp("us", "UTC")
EVENT_ROWS: Final = pa.schema(
    [
        ("kind", pa.string()),
        ("order_pk", pa.int64()),
        ("merchant_id", pa.int64()),
        ("event_at", _INSTANT),
        ("recorded_key", pa.int64()),
        ("order_id", pa.string()),
        ("amount_cents", pa.int64()),
        (MERCHANT, _KEY),
        *((i, pa.list_(_KEY) if i.several else _KEY) for i in IDENTIFIERS),
        *((name, pa.int32()) for name in VALUE_FEATURES),
        ("evaluated_at", _INSTANT),
        ("evaluation_key", pa.int64()),
        ("load_as_of", pa.date32()),
        ("stale_days", pa.int32()),
        ("missing", pa.list_(pa.string())),
        ("visible", pa.list_(pa.int64())),
    ]
)
"""A row of any kind. It counts from `event_at`, and was complete with `recorded_key`.

An order has its identifiers as entity keys, its order features of values, and its evaluation if
that was recorded by the same extraction (`evaluated_at` is null otherwise). A later evaluation is a
row with the evaluation's columns. docs/events.md says what each column means.
"""

DIFFERENT_IN_EACH_ORDER: Final = ("order_pk", "event_at", "order_id", "amount_cents")
"""The columns of which few rows share a value."""

SEPARATOR: Final = "\x1f"
"""Between the values of a list; see extract_orders.sql.j2."""

_TEXTS: Final = ("kind", "order_id", *SINGLE_VALUED, Identifier.PRODUCT, "missing", "visible")
_DATES: Final = ("load_as_of",)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some lines of CSV, the names of their columns, and their kind (None: a column says it)."""

    content: bytes
    names: list[str]
    kind: str | None


def event_rows(chunk: Chunk, keys: EntityKeys) -> pa.Table:
    """The `EVENT_ROWS` of a chunk. Orders (they have `amount_cents`) are keyed."""
    names, kind = chunk.names, chunk.kind
    table = _parse(chunk.content, names)
    if "amount_cents" in names:
        table = _with_list(table, Identifier.PRODUCT, pa.string())
        table = keyed(table, keys)
    if "evaluated_us" in names:
        for name, element in (("missing", pa.string()), ("visible", pa.int64())):
            table = _with_list(table, name, element)
    columns = {name: table[name] for name in table.column_names}
    if kind is not None:
        columns["kind"] = pa.array([kind]).take(pa.array([0] * table.num_rows, pa.int32()))
    if kind == EVALUATION:
        columns |= {"event_us": table["evaluated_us"], "recorded_key": table["evaluation_key"]}
    for name in ("event", "evaluated"):
        if f"{name}_us" in columns:
            columns[f"{name}_at"] = columns[f"{name}_us"].cast(_INSTANT)
    arrays = [
        columns[field.name].cast(field.type)
        if field.name in columns
        else pa.nulls(table.num_rows, field.type)
        for field in EVENT_ROWS
    ]
    return pa.table(arrays, schema=EVENT_ROWS)


def _parse(content: bytes, names: list[str]) -> pa.Table:
    """The columns of the lines: numbers, texts and days; an empty field without quotes is null."""
    kinds = {name: pa.int64() for name in names}
    kinds |= {name: pa.string() for name in names if name in _TEXTS}
    kinds |= {name: pa.date32() for name in names if name in _DATES}
    return csv.read_csv(
        pa.BufferReader(content),
        read_options=csv.ReadOptions(column_names=names, use_threads=False, block_size=1 << 26),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=kinds,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _with_list(table: pa.Table, name: str, element: pa.DataType) -> pa.Table:
    """`table` with the texts of a column split; an empty text is an empty list."""
    texts = table[name].combine_chunks()
    is_empty = pc.fill_null(pc.equal(texts, ""), True).to_numpy(zero_copy_only=False)
    lists = pc.split_pattern(texts.filter(pa.array(~is_empty)), SEPARATOR)
    lengths = np.zeros(len(texts), np.int64)
    lengths[~is_empty] = pc.list_value_length(lists).to_numpy()
    offsets = pa.array(np.concatenate(([0], np.cumsum(lengths))), pa.int32())
    values = pc.list_flatten(lists).cast(element)
    column = pa.ListArray.from_arrays(offsets, values, mask=pc.is_null(texts))
    return table.set_column(table.schema.get_field_index(name), name, column)
