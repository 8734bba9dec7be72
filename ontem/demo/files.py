"""A file of somebody's orders as a table by Ontem's names, read as `ontem import` reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.identifiers import SINGLE_VALUED
from jobs.importing.amounts import file_cents
from jobs.importing.instants import NO_INSTANT, file_instants_us
from jobs.importing.mapping import FileMapping, read_mapping
from jobs.importing.refusals import Refusals
from jobs.importing.source import open_source
from ontem.generating.generate import INSTANT


def read_orders(path: Path, mapping_path: Path | None) -> tuple[pa.Table, int]:
    """The orders of a file, and how many rows have no id, time or amount and are left out."""
    mapping = read_mapping(mapping_path) if mapping_path else FileMapping()
    source = open_source(path, mapping.delimiter)
    names = mapping.resolve("orders", str(path), source.columns)
    batches = [batch.rows for batch in source.batches(list(names.values()))]
    table = pa.Table.from_batches(batches)
    refusals = Refusals(table.num_rows)
    columns = {
        name: _read(name, table[column].combine_chunks(), mapping, refusals)
        for name, column in names.items()
    }
    columns.setdefault("chargeback_at", pa.nulls(table.num_rows, INSTANT))
    accepted = pa.array(refusals.accepted)
    return pa.table(columns).filter(accepted), table.num_rows - int(refusals.accepted.sum())


def _read(name: str, column: pa.Array, mapping: FileMapping, refusals: Refusals) -> pa.Array:
    if name in ("event_at", "placed_at", "chargeback_at"):
        us = file_instants_us(column, name, mapping.timezone, refusals)
        return pa.array(us, mask=np.asarray(us == NO_INSTANT)).cast(INSTANT)
    if name == "amount_cents":
        return pa.array(file_cents(column, mapping.amount_unit, refusals))
    if name == "product" and not pa.types.is_list(column.type):
        return _as_lists(column.cast(pa.string()))
    if name == "order_id" or name in SINGLE_VALUED:
        return column.cast(pa.string())
    return column


def _as_lists(column: pa.Array) -> pa.Array:
    """Each text as a list of one, and null as a list of none."""
    is_text: Any = pc.is_valid(column).to_numpy(zero_copy_only=False)
    offsets = np.concatenate(([0], np.cumsum(is_text)))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), column.drop_null())
