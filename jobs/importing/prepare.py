"""One batch of a file made ready to load: canonical, hashed, as CSV for COPY."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from features_pkg.array_types import Ints, Mask
from features_pkg.errors import OrdersRefused
from features_pkg.identifiers import SINGLE_VALUED
from features_pkg.orders.columns.amount import column_cents
from features_pkg.orders.columns.identifier import identifier_texts
from features_pkg.orders.columns.instant import column_us
from features_pkg.orders.columns.order_id import order_ids
from features_pkg.orders.columns.products import column_items, column_products
from features_pkg.orders.columns.text import text_array
from features_pkg.orders.fields.instant import NO_INSTANT, WITHOUT_ZONE
from features_pkg.orders.fields.products import distinct_products
from features_pkg.orders.fields.refusals import MISSING, Refusals
from features_pkg.orders.order import Item, hash_fields
from jobs.importing.batches import NumberedBatch
from jobs.importing.card_counts import count_card_numbers
from jobs.importing.errors import ColumnUnusable
from jobs.importing.mapping import FileKind, FileMapping
from jobs.importing.refusals import Refusal

Columns = dict[str, pa.Array]
INSTANT = pa.timestamp("us", "UTC")
ZONE_OF_FILE = ", or state the zone of the file in its mapping"
"""What only a file can do about an instant without a zone."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How every batch of an import is read."""

    kind: FileKind
    mapping: FileMapping
    columns: dict[str, str]
    """The file's column for each of Ontem's fields that it has."""
    now_us: int
    """The database's clock: a row whose event is later is refused."""
    card_key: bytes | None = field(default=None, repr=False)
    """The secret of the fingerprint that replaces a card's number; None refuses such a column."""


@dataclass(frozen=True, slots=True)
class PreparedBatch:
    """The accepted rows of a batch as CSV, in the column order of the staging table."""

    rows: int
    """How many rows the batch had, with the refused ones."""
    csv: bytes
    refusals: list[Refusal]
    card_numbers: Counter[str]
    """By field, how many accepted rows had (`card`) or have what looks like a card's number."""


def prepare_batch(batch: NumberedBatch, rules: Rules) -> PreparedBatch:
    """The rows of a batch that can be loaded, and the refusals. Raises ColumnUnusable."""
    try:
        return _prepare(batch, rules)
    except OrdersRefused as refused:
        column = rules.columns.get(refused.column, refused.column)
        raise ColumnUnusable(column=column, reason=refused.reason) from None


def _prepare(batch: NumberedBatch, rules: Rules) -> PreparedBatch:
    fields = {name: batch.rows.column(column) for name, column in rules.columns.items()}
    refusals = Refusals(batch.rows.num_rows)
    order_id = order_ids(fields["order_id"], refusals)
    if rules.kind == "orders":
        columns = _order_columns(fields, order_id, rules, refusals)
    else:
        columns = _chargeback_columns(fields, rules, refusals)
    table = pa.table({"row_number": pa.array(batch.numbers), "order_id": order_id, **columns})
    content = BytesIO()
    accepted = table.filter(pa.array(refusals.accepted))
    pyarrow.csv.write_csv(accepted, content, pyarrow.csv.WriteOptions(include_header=False))
    refused_rows = [
        Refusal(int(batch.numbers[position]), order_id[position].as_py(), field, _in_a_file(reason))
        for position, (field, reason) in sorted(refusals.reasons.items())
    ]
    counts = count_card_numbers({name: accepted[name] for name in accepted.column_names})
    return PreparedBatch(table.num_rows, content.getvalue(), refused_rows, counts)


def _in_a_file(reason: str) -> str:
    """The reason, with what only a file can do about it."""
    if reason == WITHOUT_ZONE:
        return f"{reason}{ZONE_OF_FILE}"
    return reason


def _chargeback_columns(fields: Columns, rules: Rules, refusals: Refusals) -> Columns:
    """The columns of a staged chargeback after its order id."""
    chargeback = _past_instants(fields["chargeback_at"], "chargeback_at", rules, refusals)
    rows = len(chargeback)
    kind = fields.get("kind", pa.array(["chargeback"] * rows))
    kind = pc.fill_null(text_array(kind, "kind"), "")
    kind = pc.if_else(pc.equal(kind, ""), "chargeback", kind)
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
    amount = column_cents(fields["amount_cents"], rules.mapping.amount_format, refusals)
    identifiers = _single_valued(fields, rules.card_key, refusals)
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
    instants = column_us(column, field, rules.mapping.timezone, refusals)
    refusals.add(instants > rules.now_us, field, "is in the future")
    refusals.add(instants == NO_INSTANT, field, MISSING)
    return instants


def _optional_instants(fields: Columns, field: str, rules: Rules, refusals: Refusals) -> Ints:
    if field in fields:
        return column_us(fields[field], field, rules.mapping.timezone, refusals)
    return np.full(refusals.rows, NO_INSTANT, np.int64)


def _chargeback_instants(fields: Columns, event: Ints, rules: Rules, refusals: Refusals) -> Ints:
    chargeback = _optional_instants(fields, "chargeback_at", rules, refusals)
    known = chargeback != NO_INSTANT
    refusals.add(known & (chargeback > rules.now_us), "chargeback_at", "is in the future")
    refusals.add(known & (chargeback < event), "chargeback_at", "is before its order")
    return chargeback


def _single_valued(fields: Columns, card_key: bytes | None, refusals: Refusals) -> Columns:
    """The single-valued identifiers, canonical; a column of nulls for each that the file lacks."""
    return {
        name: identifier_texts(fields[name], name, refusals, card_key)
        if name in fields
        else pa.nulls(refusals.rows, pa.string())
        for name in SINGLE_VALUED
    }


def _products_and_items(
    fields: Columns, refusals: Refusals
) -> tuple[list[tuple[str, ...]], list[tuple[Item, ...]]]:
    """The different products (with those of the items) and the items of each row."""
    products: list[tuple[str, ...]] = [()] * refusals.rows
    items: list[tuple[Item, ...]] = [()] * refusals.rows
    if "product" in fields:
        products = column_products(fields["product"], refusals)
    if "items" in fields:
        items = column_items(fields["items"], refusals)
    rows = zip(products, items, strict=True)
    return [distinct_products(named, sold) if sold else named for named, sold in rows], items


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
    return pc.cast(pa.array(instants_us, mask=instants_us == NO_INSTANT), INSTANT)


def _mask(column: pa.Array) -> Mask:
    return np.asarray(column.to_numpy(zero_copy_only=False), bool)
