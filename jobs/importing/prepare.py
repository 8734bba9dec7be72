"""One batch of a file made ready to load: canonical, hashed, as lines for COPY."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from features_pkg.array_types import Ints
from features_pkg.identifiers import SINGLE_VALUED
from features_pkg.orders.limits import LONGEST_ORDER_ID, LONGEST_TEXT
from features_pkg.orders.normalising import normalise
from features_pkg.orders.normalising.orders import distinct_products
from features_pkg.orders.order import Item, hash_fields
from jobs.importing.amounts import cents
from jobs.importing.instants import AWARE, NEVER, instants_us
from jobs.importing.items import LineRefused, parse_items, parse_products
from jobs.importing.mapping import Kind, Mapping
from jobs.importing.refusals import Refusal, Refusals
from jobs.importing.source import Numbered

Columns = dict[str, pa.Array]
T = TypeVar("T")
CONTROL: Final = r"[\x00-\x1f\x7f]"


@dataclass(frozen=True, slots=True)
class Rules:
    """What every batch of an import is read by."""

    kind: Kind
    mapping: Mapping
    columns: dict[str, str]
    """The file's column for each name of Ontem's that it has."""
    now_us: int
    """The database's clock: nothing can have been known later."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch for COPY (CSV in the order of the staging table's columns) and what it lacks."""

    rows: int
    lines: bytes
    refused: list[Refusal]


def prepare(batch: Numbered, rules: Rules) -> Prepared:
    """What to load of a batch, and what not. Raises ColumnUnusable."""
    named = {name: batch.rows.column(column) for name, column in rules.columns.items()}
    refusals = Refusals(batch.rows.num_rows)
    columns = _order_id(named["order_id"], refusals)
    order_id = columns["order_id"]
    fill = _orders if rules.kind == "orders" else _chargebacks
    columns |= fill(named, columns, rules, refusals)
    table = pa.table({"row_number": pa.array(batch.numbers), **columns})
    lines = BytesIO()
    kept = table.filter(pa.array(refusals.kept))
    pyarrow.csv.write_csv(kept, lines, pyarrow.csv.WriteOptions(include_header=False))
    refused = [
        Refusal(int(batch.numbers[place]), order_id[place].as_py(), field, reason)
        for place, (field, reason) in sorted(refusals.reasons.items())
    ]
    return Prepared(table.num_rows, lines.getvalue(), refused)


def _order_id(column: pa.Array, refusals: Refusals) -> Columns:
    """Order ids as texts, taken as they stand; one that can't be stored is refused."""
    text = pc.cast(column, pa.string())
    missing = pc.fill_null(pc.equal(text, ""), True)
    refusals.add(_mask(missing), "order_id", "is missing")
    broken = pc.fill_null(pc.match_substring_regex(text, CONTROL), False)
    refusals.add(_mask(broken), "order_id", "has control characters")
    long = pc.fill_null(pc.greater(pc.utf8_length(text), LONGEST_ORDER_ID), False)
    refusals.add(_mask(long), "order_id", f"has more than {LONGEST_ORDER_ID} characters")
    return {"order_id": text}


def _chargebacks(named: Columns, _done: Columns, rules: Rules, refusals: Refusals) -> Columns:
    """The columns of a chargeback's staging row, after its order id."""
    told = _known_instants(named["chargeback_at"], "chargeback_at", rules, refusals)
    refusals.add(told == NEVER, "chargeback_at", "is missing")
    rows = len(told)
    kind = named.get("kind", pa.array(["chargeback"] * rows))
    kind = pc.fill_null(pc.cast(kind, pa.string()), "chargeback")
    unknown = pc.invert(pc.is_in(kind, pa.array(["chargeback", "reversal"])))
    refusals.add(_mask(unknown), "kind", "is neither chargeback nor reversal")
    return {"kind": kind, "chargeback_at": _instants(told)}


def _orders(named: Columns, done: Columns, rules: Rules, refusals: Refusals) -> Columns:
    """The columns of an order's staging row, after its order id."""
    event = _known_instants(named["event_at"], "event_at", rules, refusals)
    refusals.add(event == NEVER, "event_at", "is missing")
    placed = _optional_instants(named, "placed_at", rules, refusals)
    told = _optional_instants(named, "chargeback_at", rules, refusals)
    refusals.add((told != NEVER) & (told > rules.now_us), "chargeback_at", "is in the future")
    refusals.add((told != NEVER) & (told < event), "chargeback_at", "is before its order")
    amount = cents(named["amount_cents"], rules.mapping.amount_unit, refusals)
    scalars = _scalars(named, refusals)
    products, items = _lines(named, refusals)
    hashed = (done["order_id"].to_pylist(), amount.tolist(), *_lists(scalars), products)
    placed_us = [None if one == NEVER else one for one in placed.tolist()]
    lines = [[(one.product, one.quantity, one.amount_cents) for one in row] for row in items]
    digests = [hash_fields(list(row)) for row in zip(*hashed, placed_us, lines, strict=True)]
    return {
        "event_at": _instants(event),
        "placed_at": _instants(placed),
        "content_hash": pa.array([rf"\x{digest.hex()}" for digest in digests]),
        "amount_cents": pa.array(amount),
        **scalars,
        "product": pa.array([_array_literal(row) for row in products]),
        "items": pa.array([_items_json(row) for row in items]),
        "chargeback_at": _instants(told),
    }


def _known_instants(column: pa.Array, field: str, rules: Rules, refusals: Refusals) -> Ints:
    found = instants_us(column, field, rules.mapping.timezone, refusals)
    refusals.add(found > rules.now_us, field, "is in the future")
    return found


def _optional_instants(named: Columns, field: str, rules: Rules, refusals: Refusals) -> Ints:
    if field in named:
        return instants_us(named[field], field, rules.mapping.timezone, refusals)
    return np.full(refusals.rows, NEVER, np.int64)


def _scalars(named: Columns, refusals: Refusals) -> Columns:
    """The identifiers of which an order has one, canonical; all null where the file has none."""
    given = pa.table({name: named[name] for name in SINGLE_VALUED if name in named})
    found = normalise(given) if given.num_columns else given
    nothing = pa.nulls(refusals.rows, pa.string())
    columns: Columns = {}
    for name in SINGLE_VALUED:
        there = name in found.column_names
        columns[name] = found[name].combine_chunks() if there else nothing
        long = pc.fill_null(pc.greater(pc.utf8_length(columns[name]), LONGEST_TEXT), False)
        refusals.add(_mask(long), name, f"has more than {LONGEST_TEXT} characters")
    return columns


def _lines(
    named: Columns, refusals: Refusals
) -> tuple[list[tuple[str, ...]], list[tuple[Item, ...]]]:
    """Per row its different products (those of its items too) and its items."""
    products = _each(named.get("product"), parse_products, "product", refusals)
    items = _each(named.get("items"), parse_items, "items", refusals)
    both = zip(products, items, strict=True)
    return [distinct_products(row, lines) if lines else row for row, lines in both], items


def _each(
    column: pa.Array | None,
    parse: Callable[[object], tuple[T, ...]],
    field: str,
    refusals: Refusals,
) -> list[tuple[T, ...]]:
    if column is None:
        return [()] * refusals.rows
    rows: list[tuple[T, ...]] = []
    for place, value in enumerate(column.to_pylist()):
        try:
            rows.append(parse(value))
        except LineRefused as refused:
            refusals.reasons.setdefault(place, (field, str(refused)))
            rows.append(())
    return rows


def _lists(columns: Columns) -> list[list[Any]]:
    return [column.to_pylist() for column in columns.values()]


def _array_literal(values: Sequence[str]) -> str:
    """A text array as PostgreSQL reads it."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


def _items_json(items: Sequence[Item]) -> str:
    if not items:
        return "[]"
    rows = [
        {"product": item.product, "quantity": item.quantity, "amount_cents": item.amount_cents}
        for item in items
    ]
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=False)


def _instants(numbers: Ints) -> pa.Array:
    return pc.cast(pa.array(numbers, mask=numbers == NEVER), AWARE)


def _mask(column: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(column.to_numpy(zero_copy_only=False), bool)
