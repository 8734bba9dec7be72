"""Orders without their identifiers' values: keyed hashes, and the features that need the values."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints
from features_pkg.entity_keys import KEY_BYTES, EntityKeys
from features_pkg.identifiers import IDENTIFIERS, MERCHANT, Identifier
from features_pkg.shuffle.codes import coded, coded_pairs
from features_pkg.shuffle.rows import ENTITY_KEY_FIELDS, KEYED_ROWS
from features_pkg.shuffle.value_features import value_features

_KEY: Final = pa.binary(KEY_BYTES)
_VALUES: Final = 1024


def keyed(batch: pa.Table, keys: EntityKeys) -> pa.Table:
    """`ORDER_ROWS` as `KEYED_ROWS`; columns that neither has stay as they are, at the end."""
    table = with_entity_keys(batch, keys)
    for name, column in value_features(batch, table[Identifier.PRODUCT]).items():
        table = table.append_column(KEYED_ROWS.field(name), column)
    known = [name for name in KEYED_ROWS.names if name in table.column_names]
    others = [name for name in table.column_names if name not in KEYED_ROWS.names]
    return table.select([*known, *others])


def with_entity_keys(batch: pa.Table, keys: EntityKeys) -> pa.Table:
    """`batch` with the keys of its entities instead of the values of identifiers.

    That is all that timelines need: they hold no order feature.
    """
    merchants = batch["merchant_id"].to_numpy()
    names, merchant = _different_keys(merchants, pa.repeat("", len(merchants)), MERCHANT, keys)
    columns = {MERCHANT: names.take(pa.array(merchant))}
    columns |= {i: _entity_keys(batch, i, keys) for i in IDENTIFIERS}
    table = batch.drop_columns(list(IDENTIFIERS))
    for field in ENTITY_KEY_FIELDS:
        table = table.append_column(field, columns[field.name].cast(field.type))
    return table


def _entity_keys(batch: pa.Table, identifier: Identifier, keys: EntityKeys) -> pa.Array:
    """The keys of one identifier's values, null where there is none."""
    column, merchants = batch[identifier].combine_chunks(), batch["merchant_id"].to_numpy()
    if identifier.several:
        row = pc.list_parent_indices(column).to_numpy().astype(np.int64)
        column = pc.list_flatten(column)
    else:
        row = np.arange(len(column))
    valid = pc.is_valid(column).to_numpy(zero_copy_only=False)
    row, column = row[valid], column.filter(pa.array(valid))
    different, pair = _different_keys(merchants[row], column, identifier, keys)
    if not identifier.several:
        position = np.full(len(merchants), -1)
        position[row] = pair
        return different.take(pa.array(position, mask=position < 0))
    # An order that names a product twice names one entity.
    row, pair, _ = coded_pairs(row, pair)
    offsets = np.searchsorted(row, np.arange(len(merchants) + 1))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), different.take(pa.array(pair)))


def _different_keys(
    merchants: Ints, values: pa.StringArray, identifier: str, keys: EntityKeys
) -> tuple[pa.Array, Ints]:
    """The keys of the different (merchant, value), and which of them each value has.

    A keyed hash costs more than all else here, so it is computed once for each.
    """
    merchant_ids, merchant = coded(pa.array(merchants))
    different, value = coded(values.cast(pa.binary()))
    of_merchant, of_value, pair = coded_pairs(merchant, value)
    found = keys.keys(
        merchant_ids.take(pa.array(of_merchant)).to_pylist(),
        identifier,
        _each(different.take(pa.array(of_value))),
    )
    content = pa.py_buffer(found)
    return pa.FixedSizeBinaryArray.from_buffers(_KEY, len(of_value), [None, content]), pair


def _each(values: pa.BinaryArray) -> Iterator[bytes]:
    """The values, of which few are in memory at a time: Python gets the same memory for each."""
    starts = range(0, len(values), _VALUES)
    return chain.from_iterable(values.slice(start, _VALUES).to_pylist() for start in starts)
