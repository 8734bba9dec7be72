"""Orders without their identifiers' values: keyed hashes, and the features that need the values."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.entity_keys import EntityKeys
from features_pkg.identifiers import IDENTIFIERS, MERCHANT, Identifier
from features_pkg.shuffle.rows import ENTITY_KEY_FIELDS, KEYED_ROWS
from features_pkg.shuffle.value_features import value_features


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
    merchant_ids, merchant = np.unique(merchants, return_inverse=True)
    names = [keys.key(int(merchant_id), MERCHANT, "") for merchant_id in merchant_ids]
    columns = {MERCHANT: pa.array(names, pa.binary()).take(pa.array(merchant))}
    columns |= {i: _entity_keys(batch, i, keys) for i in IDENTIFIERS}
    table = batch.drop_columns(list(IDENTIFIERS))
    for field in ENTITY_KEY_FIELDS:
        table = table.append_column(field, columns[field.name])
    return table


def _entity_keys(batch: pa.Table, identifier: Identifier, keys: EntityKeys) -> pa.Array:
    """The keys of one identifier's values, null where there is none.

    A keyed hash costs a microsecond, so it is computed once per different (merchant, value). Three
    rounds of codes lead there: `value` numbers the different values of the batch, `merchant` its
    merchants, and `pair` the different `merchant * values + value`.
    """
    column, merchants = batch[identifier].combine_chunks(), batch["merchant_id"].to_numpy()
    if identifier.several:
        row = pc.list_parent_indices(column).to_numpy().astype(np.int64)
        column = pc.list_flatten(column)
    else:
        row = np.arange(len(column))
    valid = pc.is_valid(column).to_numpy(zero_copy_only=False)
    row, column = row[valid], column.filter(pa.array(valid))
    encoded = pc.dictionary_encode(column)
    values, value = encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)
    merchant_ids, merchant = np.unique(merchants[row], return_inverse=True)
    count = max(len(values), 1)
    pairs, pair = np.unique(merchant * count + value, return_inverse=True)
    different = pa.array(
        [
            key
            for number, merchant_id in enumerate(merchant_ids.tolist())
            for key in keys.keys(
                merchant_id,
                identifier,
                [values[p] for p in (pairs[pairs // count == number] % count).tolist()],
            )
        ],
        pa.binary(),
    )
    if not identifier.several:
        position = np.full(len(merchants), -1)
        position[row] = pair
        return different.take(pa.array(position, mask=position < 0))
    # An order that names a product twice names one entity.
    _, first = np.unique(row * max(len(pairs), 1) + pair, return_index=True)
    first.sort()
    offsets = np.searchsorted(row[first], np.arange(len(merchants) + 1))
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()), different.take(pa.array(pair[first]))
    )
