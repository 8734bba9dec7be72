"""The keyed hashes of a batch's identifier values, computed once for each different value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints
from features_pkg.entity_keys import EntityKeys
from features_pkg.history.ragged import expand
from features_pkg.identifiers import Identifier


@dataclass(frozen=True, slots=True)
class Entities:
    """Row `row[i]` of the batch names the entity whose key is `words[i]`: three int64.

    `row` is ascending; a row with several values has an entry for each different one.
    """

    row: Ints
    words: Ints

    def of_rows(self, rows: Ints) -> tuple[Ints, Ints]:
        """Which of `rows` name which entities: (index into `rows`, index into this).

        As `row` is ascending, each row's entries are one slice, found by two binary searches.
        """
        start = np.searchsorted(self.row, rows, side="left")
        end = np.searchsorted(self.row, rows, side="right")
        return expand(start, end - start)


def entities_of(batch: pa.Table, identifier: Identifier, keys: EntityKeys) -> Entities:
    """The entities of one identifier in a batch of order rows.

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
    pairs, pair = np.unique(merchant * max(len(values), 1) + value, return_inverse=True)
    content = b"".join(
        keys.key(int(merchant_ids[p // len(values)]), identifier, values[p % len(values)])
        for p in pairs.tolist()
    )
    words = np.frombuffer(content, dtype="<i8").reshape(-1, 3)
    if identifier.several and len(row):
        # An order that names a product twice names one entity.
        _, first = np.unique(row * len(pairs) + pair, return_index=True)
        row, pair = row[first], pair[first]
    return Entities(row, words[pair])
