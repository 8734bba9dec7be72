"""A file of somebody's orders as a table by Ontem's names, read as `ontem import` reads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from features_pkg.identifiers import SINGLE_VALUED, Identifier
from features_pkg.orders.columns.amount import column_cents
from features_pkg.orders.columns.identifier import identifier_texts
from features_pkg.orders.columns.instant import column_us
from features_pkg.orders.columns.products import product_texts
from features_pkg.orders.columns.text import text_array
from features_pkg.orders.fields.instant import NO_INSTANT
from features_pkg.orders.fields.refusals import Refusals
from jobs.importing.mapping import FileMapping, read_mapping
from jobs.importing.source import open_source
from ontem.generating.generate import INSTANT


def read_orders(path: Path, mapping_path: Path | None, card_key: bytes) -> tuple[pa.Table, int]:
    """The orders of a file, and how many rows have no id, time or amount and are left out.

    The demo writes what it reads to files of its own, so card numbers are replaced here already.
    """
    mapping = read_mapping(mapping_path) if mapping_path else FileMapping()
    source = open_source(path, mapping.delimiter)
    names = mapping.resolve("orders", str(path), source.columns)
    batches = [batch.rows for batch in source.batches(list(names.values()))]
    table = pa.Table.from_batches(batches)
    refusals = Refusals(table.num_rows)
    columns = {
        name: _read(name, table[column].combine_chunks(), mapping, refusals, card_key)
        for name, column in names.items()
    }
    columns.setdefault("chargeback_at", pa.nulls(table.num_rows, INSTANT))
    accepted = pa.array(refusals.accepted)
    refused = table.num_rows - int(refusals.accepted.sum()) + len(source.refused_rows)
    return pa.table(columns).filter(accepted), refused


def _read(
    name: str, column: pa.Array, mapping: FileMapping, refusals: Refusals, card_key: bytes
) -> pa.Array:
    if name in ("event_at", "placed_at", "chargeback_at"):
        us = column_us(column, name, mapping.timezone, refusals)
        return pa.array(us, mask=np.asarray(us == NO_INSTANT)).cast(INSTANT)
    if name == "amount_cents":
        return pa.array(column_cents(column, mapping.amount_format, refusals))
    if name == "product":
        return _product_lists(column)
    if name == Identifier.CARD:
        return identifier_texts(column, name, refusals, card_key)
    if name == "order_id" or name in SINGLE_VALUED:
        return text_array(column, name).cast(pa.string())
    return column


def _product_lists(column: pa.Array) -> pa.Array:
    """The products of each row; null is an empty list."""
    rows = [[text for text in texts if text is not None] for texts in product_texts(column)]
    return pa.array(rows, pa.list_(pa.string()))
