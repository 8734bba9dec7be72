"""One batch of a file made ready to load: canonical, hashed, as CSV for COPY."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Final, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from features_pkg.array_types import Ints, Mask
from features_pkg.identifiers import SINGLE_VALUED
from features_pkg.orders.limits import LONGEST_ORDER_ID, LONGEST_TEXT
from features_pkg.orders.normalising import normalise
from features_pkg.orders.normalising.orders import distinct_products
from features_pkg.orders.order import Item, hash_fields
from jobs.importing.amounts import file_cents
from jobs.importing.instants import AWARE, NO_INSTANT, file_instants_us
from jobs.importing.items import CellRefused, parse_items, parse_products
from jobs.importing.mapping import FileKind, FileMapping
from jobs.importing.refusals import Refusal, Refusals
from jobs.importing.source import NumberedBatch

Columns = dict[str, pa.Array]
T = TypeVar("T")
CONTROL: Final = r"[\x00-\x1f\x7f]"


@dataclass(frozen=True, slots=True)
class Rules:
    """How every batch of an import is read."""

    kind: FileKind
    mapping: FileMapping
    columns: dict[str, str]
    """The file's column for each of Ontem's fields that it has."""
    now_us: int
    """The database's clock: a row whose event is later is refused."""


@dataclass(frozen=True, slots=True)
class PreparedBatch:
    """The accepted rows of a batch as CSV, in the column order of the staging table."""

    rows: int
    """How many rows the batch had, with the refused ones."""
    csv: bytes
    refusals: list[Refusal]


def prepare_batch(batch: NumberedBatch, rules: Rules) -> PreparedBatch:
    """The rows of a batch that can be loaded, and the refusals. Raises ColumnUnusable."""
    fields = {name: batch.rows.column(column) for name, column in rules.columns.items()}
    refusals = Refusals(batch.rows.num_rows)
    order_id = _order_id(fields["order_id"], refusals)
    if rules.kind == "orders":
        columns = _order_columns(fields, order_id, rules, refusals)
    else:
        columns = _chargeback_columns(fields, rules, refusals)
    table = pa.table({"row_number": pa.array(batch.numbers), "order_id": order_id, **columns})
    content = BytesIO()
    accepted = table.filter(pa.array(refusals.accepted))
    pyarrow.csv.write_csv(accepted, content, pyarrow.csv.WriteOptions(include_header=False))
    refused_rows = [
        Refusal(int(batch.numbers[position]), order_id[position].as_py(), field, reason)
        for position, (field, reason) in sorted(refusals.reasons.items())
    ]
    return PreparedBatch(table.num_rows, content.getvalue(), refused_rows)


def _order_id(column: pa.Array, refusals: Refusals) -> pa.Array:
    """Order ids as texts, not normalised; one that can't be stored is refused."""
    text = pc.cast(column, pa.string())
    missing = pc.fill_null(pc.equal(text, ""), True)
    refusals.add(_mask(missing), "order_id", "is missing")
    control = pc.fill_null(pc.match_substring_regex(text, CONTROL), False)
    refusals.add(_mask(control), "order_id", "has control characters")
    too_long = pc.fill_null(pc.greater(pc.utf8_length(text), LONGEST_ORDER_ID), False)
    refusals.add(_mask(too_long), "order_id", f"has more than {LONGEST_ORDER_ID} characters")
    return text


def _chargeback_columns(fields: Columns, rules: Rules, refusals: Refusals) -> Columns:
    """The columns of a staged chargeback after its order id."""
    chargeback = _past_instants(fields["chargeback_at"], "chargeback_at", rules, refusals)
    rows = len(chargeback)
    kind = fields.get("kind", pa.array(["chargeback"] * rows))
    kind = pc.fill_null(pc.cast(kind, pa.string()), "chargeback")
    unknown = pc.invert(pc.is_in(kind, pa.array(["chargeback", "reversal"])))
    refusals.add(_mask(unknown), "kind", "is neither chargeback nor reversal")
    return {"kind": kind, "chargeback_at": _timestamps(chargeback)}


def _order_columns(
    fields: Columns, order_id: pa.Array, rules: Rules, refusals: Refusals
) -> Columns:
    """The columns of a staged order after its order id."""
    event = _past_instants(fields["event_at"], "event_at", rules, refusals)
    placed = _optional_instants(fields, "placed_at", rules, refusals)
    chargeback = _chargeback_instants(fields, event, rules, refusals)
    amount = file_cents(fields["amount_cents"], rules.mapping.amount_unit, refusals)
    identifiers = _single_valued(fields, refusals)
    products, items = _products_and_items(fields, refusals)
    hash_columns = (  # in the order of `content_hash`
        order_id.to_pylist(),
        amount.tolist(),
        *(column.to_pylist() for column in identifiers.values()),
        products,
        [None if us == NO_INSTANT else us for us in placed.tolist()],
        [[(item.product, item.quantity, item.amount_cents) for item in row] for row in items],
    )
    digests = [hash_fields(list(row)) for row in zip(*hash_columns, strict=True)]
    return {
        "event_at": _timestamps(event),
        "placed_at": _timestamps(placed),
        "content_hash": pa.array([rf"\x{digest.hex()}" for digest in digests]),
        "amount_cents": pa.array(amount),
        **identifiers,
        "product": pa.array([_array_literal(row) for row in products]),
        "items": pa.array([_items_json(row) for row in items]),
        "chargeback_at": _timestamps(chargeback),
    }


def _past_instants(column: pa.Array, field: str, rules: Rules, refusals: Refusals) -> Ints:
    """The instants of a column that every row must have, none of them in the future."""
    instants = file_instants_us(column, field, rules.mapping.timezone, refusals)
    refusals.add(instants > rules.now_us, field, "is in the future")
    refusals.add(instants == NO_INSTANT, field, "is missing")
    return instants


def _optional_instants(fields: Columns, field: str, rules: Rules, refusals: Refusals) -> Ints:
    if field in fields:
        return file_instants_us(fields[field], field, rules.mapping.timezone, refusals)
    return np.full(refusals.rows, NO_INSTANT, np.int64)


def _chargeback_instants(fields: Columns, event: Ints, rules: Rules, refusals: Refusals) -> Ints:
    chargeback = _optional_instants(fields, "chargeback_at", rules, refusals)
    known = chargeback != NO_INSTANT
    refusals.add(known & (chargeback > rules.now_us), "chargeback_at", "is in the future")
    refusals.add(known & (chargeback < event), "chargeback_at", "is before its order")
    return chargeback


def _single_valued(fields: Columns, refusals: Refusals) -> Columns:
    """The single-valued identifiers, canonical; a column of nulls for each that the file lacks."""
    table = pa.table({name: fields[name] for name in SINGLE_VALUED if name in fields})
    canonical = normalise(table) if table.num_columns else table
    nulls = pa.nulls(refusals.rows, pa.string())
    columns: Columns = {}
    for name in SINGLE_VALUED:
        in_file = name in canonical.column_names
        columns[name] = canonical[name].combine_chunks() if in_file else nulls
        too_long = pc.fill_null(pc.greater(pc.utf8_length(columns[name]), LONGEST_TEXT), False)
        refusals.add(_mask(too_long), name, f"has more than {LONGEST_TEXT} characters")
    return columns


def _products_and_items(
    fields: Columns, refusals: Refusals
) -> tuple[list[tuple[str, ...]], list[tuple[Item, ...]]]:
    """The different products (with those of the items) and the items of each row."""
    products = _parse_cells(fields.get("product"), parse_products, "product", refusals)
    items = _parse_cells(fields.get("items"), parse_items, "items", refusals)
    rows = zip(products, items, strict=True)
    return [distinct_products(named, sold) if sold else named for named, sold in rows], items


def _parse_cells(
    column: pa.Array | None,
    parse: Callable[[object], tuple[T, ...]],
    field: str,
    refusals: Refusals,
) -> list[tuple[T, ...]]:
    if column is None:
        return [()] * refusals.rows
    rows: list[tuple[T, ...]] = []
    for position, value in enumerate(column.to_pylist()):
        try:
            rows.append(parse(value))
        except CellRefused as error:
            refusals.reasons.setdefault(position, (field, str(error)))
            rows.append(())
    return rows


def _array_literal(values: Sequence[str]) -> str:
    """A text array as PostgreSQL reads it."""
    escaped = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in escaped) + "}"


def _items_json(items: Sequence[Item]) -> str:
    if not items:
        return "[]"
    rows = [
        {"product": item.product, "quantity": item.quantity, "amount_cents": item.amount_cents}
        for item in items
    ]
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=False)


def _timestamps(instants_us: Ints) -> pa.Array:
    return pc.cast(pa.array(instants_us, mask=instants_us == NO_INSTANT), AWARE)


def _mask(column: pa.Array) -> Mask:
    return np.asarray(column.to_numpy(zero_copy_only=False), bool)
